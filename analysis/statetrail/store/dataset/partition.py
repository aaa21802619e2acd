"""The rows of one store, under the ids that they have in the dataset, by bucket.

Enters: the contents of a store, and what of it is to be added. Leaves: a `Scratch`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.schema import CAPTURES, EXCHANGES, FACTS, Table
from statetrail.store.dataset.changes import Changes, Ints
from statetrail.store.dataset.manifest import ID_BITS
from statetrail.store.dataset.scratch import Scratch
from statetrail.store.dataset.source import Contents
from statetrail.store.dataset.write import buckets_of

BUCKETED: Final = tuple(table for table in FACTS if table is not CAPTURES)
_VALUES: Final = tuple(table for table in BUCKETED if table is not EXCHANGES)

type Report = Callable[[str], None]
"""Is called with what has been done."""


@dataclass(frozen=True, slots=True)
class Partitioned:
    """What is added of a store: its rows, their number, and the highest id in the store."""

    scratch: Scratch
    added: int
    through: int


def partition(
    contents: Contents,
    changes: Changes | None,
    number: int,
    folder: Path,
    client_by: Sequence[str],
    buckets: int,
    report: Report,
) -> Partitioned:
    """Write the rows that are to be added, all of them without `changes`, to a scratch folder.

    `number` is the store's first one.
    """
    placed = _Placed(changes, number)
    scratch = Scratch(folder, BUCKETED, buckets)
    ranges = None if changes is None else changes.ranges
    total = contents.count() if changes is None else len(changes.ids)
    read = 0
    with scratch:
        for batch in contents.batches(EXCHANGES, ranges):
            rows = placed.exchanges(batch)
            bucket = buckets_of(rows, client_by, buckets)
            placed.note(bucket)
            scratch.add(EXCHANGES, rows, bucket)
            read += len(rows)
            report(f"{read:,} of {max(total, read):,} exchanges read")
        placed.sort()
        for table in _VALUES:
            values = 0
            for batch in contents.batches(table, ranges):
                scratch.add(table, *placed.values(batch, table))
                values += len(batch)
                report(f"{values:,} rows of {table.name} read")
    return Partitioned(scratch, read, placed.highest)


class _Placed:
    """Which exchanges are added: their ids in the store, in the dataset, and their buckets."""

    def __init__(self, changes: Changes | None, number: int) -> None:
        self._changes = changes
        self._shift = number << ID_BITS
        self._ids: list[Ints] = []
        self._places: list[Ints] = []
        self._buckets: list[npt.NDArray[np.int16]] = []
        self.highest = 0

    def exchanges(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Those of some exchanges that are added, under their new ids."""
        ids = rows["exchange_id"].to_numpy()
        self.highest = max(self.highest, int(ids.max(initial=0)))
        if self._changes is None:
            place = ids + self._shift
        else:
            is_added, at = _found(self._changes.ids, ids)
            if not is_added.all():
                rows, ids, at = rows.filter(pa.array(is_added)), ids[is_added], at[is_added]
            place = self._changes.placed[at]
        # A view would hold the memory of all columns.
        self._ids.append(ids.copy())
        self._places.append(place)
        if self._changes is None and not self._shift:
            return rows
        rows = _replaced(rows, EXCHANGES, "exchange_id", pa.array(place))
        return _replaced(
            rows, EXCHANGES, "capture_id", pc.add(rows["capture_id"], pa.scalar(self._shift))
        )

    def note(self, bucket: npt.NDArray[np.int16]) -> None:
        """The buckets of the exchanges just added."""
        self._buckets.append(bucket)

    def sort(self) -> None:
        """All exchanges have been added: from now on they are looked up."""
        ids = np.concatenate([*self._ids, np.empty(0, np.int64)])
        place = np.concatenate([*self._places, np.empty(0, np.int64)])
        bucket = np.concatenate([*self._buckets, np.empty(0, np.int16)])
        if np.any(np.diff(ids) < 0):
            order = np.argsort(ids)
            ids, place, bucket = ids[order], place[order], bucket[order]
        self._ids, self._places, self._buckets = [ids], [place], [bucket]

    def values(
        self, rows: pa.RecordBatch, table: Table
    ) -> tuple[pa.RecordBatch, npt.NDArray[np.int16]]:
        """The values of exchanges that are added, under their new ids, and the bucket of each."""
        own = rows["exchange_id"].to_numpy()
        is_added, at = _found(self._ids[0], own)
        if not is_added.all() and self._changes is not None:
            rows, at = rows.filter(pa.array(is_added)), at[is_added]
            is_added, own = is_added[is_added], own[is_added]
        # Values of no exchange, as only a forged store has them, are in the first bucket.
        if len(self._ids[0]):
            bucket = np.where(is_added, self._buckets[0][at], np.int16(0))
            place = np.where(is_added, self._places[0][at], own + self._shift)
        else:
            bucket, place = np.zeros(len(own), np.int16), own + self._shift
        if self._changes is not None or self._shift:
            rows = _replaced(rows, table, "exchange_id", pa.array(place))
        return rows, bucket


def _found(ids: Ints, wanted: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Whether each id is among ids in order, and its index there."""
    if not len(ids):
        return np.zeros(len(wanted), np.bool_), np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return ids[at] == wanted, at


def _replaced(rows: pa.RecordBatch, table: Table, name: str, column: pa.Array) -> pa.RecordBatch:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, table.arrow.field(name), column)
