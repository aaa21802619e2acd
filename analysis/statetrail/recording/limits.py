"""Limits: how much memory and how many threads an analysis may take.

Enters: what a user allows. Leaves: shares of it. What has no room is written to the scratch folder;
the rows of the buckets that are worked on at a time come on top. Free memory is given back.
"""

import os
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from statetrail.errors import UsageError

_MIB: Final = 2**20
MIN_MEMORY_MIB: Final = 128
USUAL_MIB: Final = 512
USUAL_QUERY_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What an analysis may take.

    Attributes
    ----------
    memory_mib
        Memory in MiB for results and queries, at least `MIN_MEMORY_MIB`. By default `USUAL_MIB` for
        results, and `USUAL_QUERY_MIB` for a query of DuckDB.
    threads
        How many buckets are worked on at a time, and threads of a query.
    """

    memory_mib: int | None = None
    threads: int = min(os.process_cpu_count() or 1, 4)

    def __post_init__(self) -> None:
        if self.memory_mib is not None and self.memory_mib < MIN_MEMORY_MIB:
            raise UsageError(f"{self.memory_mib} MiB of memory are too few: {MIN_MEMORY_MIB} MiB")
        if self.threads < 1:
            raise UsageError(f"{self.threads} is no number of threads")

    @property
    def list_bytes(self) -> int:
        """Of each list of values by bucket."""
        return (self.memory_mib or USUAL_MIB) * _MIB // 20

    @property
    def result_bytes(self) -> int:
        """Of the result tables together."""
        return (self.memory_mib or USUAL_MIB) * _MIB // 5

    @property
    def query_mib(self) -> int:
        """Of a query, in MiB."""
        return USUAL_QUERY_MIB if self.memory_mib is None else self.memory_mib // 2


def release() -> None:
    """Give free memory back to the system: large arrays leave more of it than is held."""
    for pool in (pa.default_memory_pool(), pa.system_memory_pool()):
        pool.release_unused()
