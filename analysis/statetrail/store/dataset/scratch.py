"""Rows of stores on disk, found again by bucket, so that a bucket is read at a time.

Enters: batches of rows with the bucket of each. Leaves: the rows of one bucket. A table is one
file, however many buckets there are.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from statetrail.schema import Table

_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")
MIN_PIECE: Final = 256
"""Rows that go together at least, on average: each piece has some kilobytes of its own."""


class Scratch:
    """The rows of some tables by bucket; a context manager for the time in which it is written."""

    def __init__(self, folder: Path, tables: Sequence[Table], buckets: int) -> None:
        self._files = {table.name: folder / f"{table.name}.arrow" for table in tables}
        self._rows = buckets * MIN_PIECE
        self._pieces: dict[str, dict[int, list[int]]] = {
            table.name: defaultdict(list) for table in tables
        }
        self._written = {table.name: 0 for table in tables}
        self._waiting: dict[str, list[tuple[pa.RecordBatch, npt.NDArray[np.int16]]]] = {
            table.name: [] for table in tables
        }
        self._open = ExitStack()
        with self._open:
            self._writers = {
                table.name: self._open.enter_context(
                    pa.ipc.new_file(str(self._files[table.name]), table.arrow, options=_OPTIONS)
                )
                for table in tables
            }
            self._open = self._open.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._open:
            if error is None:
                for name in self._waiting:
                    self._flush(name)

    def add(self, table: Table, rows: pa.RecordBatch, bucket: npt.NDArray[np.int16]) -> None:
        """Add rows with the bucket of each."""
        if not len(rows):
            return
        waiting = self._waiting[table.name]
        waiting.append((rows, bucket))
        if sum(len(each) for each, _ in waiting) >= self._rows:
            self._flush(table.name)

    def _flush(self, name: str) -> None:
        waiting, self._waiting[name] = self._waiting[name], []
        if not waiting:
            return
        rows = pa.concat_batches([each for each, _ in waiting])
        bucket = np.concatenate([each for _, each in waiting])
        order = np.argsort(bucket, kind="stable")
        rows, bucket = rows.take(pa.array(order)), bucket[order]
        starts = np.flatnonzero(np.diff(bucket, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(bucket)], strict=True):
            self._writers[name].write_batch(rows.slice(start, end - start))
            self._pieces[name][int(bucket[start])].append(self._written[name])
            self._written[name] += 1

    def buckets(self) -> set[int]:
        """The buckets that have rows."""
        return set().union(*self._pieces.values())

    def batches(self, table: Table, bucket: int) -> Iterator[pa.RecordBatch]:
        """The rows of one bucket of a table, in the order in which they were added."""
        if pieces := self._pieces[table.name].get(bucket):
            with pa.OSFile(str(self._files[table.name])) as file:
                stored = pa.ipc.open_file(file)
                for piece in pieces:
                    yield stored.get_batch(piece)
