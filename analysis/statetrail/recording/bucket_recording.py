"""The clients of some buckets as a recording, which knows what it needs of the whole.

Enters: the facts of buckets, and what was made of the whole recording. Leaves: a
`BucketRecording`. What is about single clients is found in it as in the whole, in less memory.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pyarrow as pa

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.schema import CAPTURES, Table
from statetrail.store.reader import Facts


class BucketRecording(Recording):
    """The recording of the clients of some buckets, on the engine ``pyarrow``.

    Parameters
    ----------
    facts
        The facts of the buckets (`Facts.of_buckets`).
    known
        Gives what is known of the whole recording, by its key and what computes it.
    options
        Those of `Recording`.
    """

    def __init__(
        self,
        facts: Facts,
        known: Callable[[object, Callable[[Recording], Any]], Any],
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(facts, engine="pyarrow", **options)
        self._known = known

    def once_whole[T](self, key: object, compute: Callable[[Recording], T]) -> T:
        """What is known of the whole recording."""
        return cast("T", self._known(key, compute))

    def _lazy(self, table: Table) -> Lazy:
        if table is not CAPTURES and table.name not in self._lazies:
            parts = [
                self._facts.bucket(bucket, table, table.names).cast(table.arrow)
                for bucket in self.bucket_sizes
            ]
            self._lazies[table.name] = self._place(pa.concat_tables(parts))
        return super()._lazy(table)


def bucket_groups(sizes: Mapping[str, int], exchanges: int) -> list[list[str]]:
    """Neighbouring buckets that have so many exchanges together, or one bucket that has more."""
    groups: list[list[str]] = []
    held = 0
    for bucket, size in sizes.items():
        if not groups or held + size > exchanges:
            groups.append([])
            held = 0
        groups[-1].append(bucket)
        held += size
    return groups
