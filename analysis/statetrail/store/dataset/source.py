"""A store that is exported, as batches of Arrow.

Enters: the path of a SQLite store, or tables. Leaves: the store's `Contents` of one moment, with
what a recorder left in spill files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from statetrail.schema import CAPTURES, EXCHANGES, Table
from statetrail.store.dataset.stamp import stamp_of, store_id
from statetrail.store.file_header import check_store, stored_key_id
from statetrail.store.leftover import Leftovers, find_leftovers
from statetrail.store.reader import Facts
from statetrail.store.snapshot import Snapshot, read_snapshot

ROWS: Final = 1 << 16
"""Rows of a batch."""

type Ranges = Sequence[tuple[int, int]]
"""First and last ids of exchanges."""


class Contents(Protocol):
    """A store at one moment."""

    def count(self) -> int:
        """How many exchanges it has, about."""
        ...

    def holds_imported(self) -> bool:
        """Whether some of the exchanges are of imported HAR files."""
        ...

    def captures(self) -> pa.Table:
        """Its captures."""
        ...

    def batches(self, table: Table, ranges: Ranges | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a table: all, or at least those of some exchanges."""
        ...


class Source(Protocol):
    """A store that can be exported; without an `id` it cannot be known again."""

    path: Path
    key_id: str
    id: str | None
    stamp: str | None

    def read[T](self, use: Callable[[Contents], T]) -> T:
        """What `use` makes of its contents; it may be called twice."""
        ...


class SqliteSource:
    """A SQLite store. Raises `StoreError` if there is none."""

    def __init__(self, path: Path) -> None:
        check_store(path)
        self.path = path
        self.key_id = stored_key_id(path)
        self.id: str | None = store_id(path)
        # Before it is read, so that what is added meanwhile makes it another one.
        self.stamp = stamp_of(path)
        self._is_checked = False

    def read[T](self, use: Callable[[Contents], T]) -> T:
        """See `Source`."""
        if not self._is_checked:
            check_store(self.path, whole=True)
            self._is_checked = True

        def read(snapshot: Snapshot) -> T:
            left = find_leftovers(self.path, self.key_id, snapshot)
            return use(_SqliteContents(snapshot, left))

        return read_snapshot(self.path, read)


@dataclass(frozen=True, slots=True)
class _SqliteContents:
    snapshot: Snapshot
    left: Leftovers

    def count(self) -> int:
        return self.snapshot.number("SELECT count(*) FROM exchanges") or 0

    def holds_imported(self) -> bool:
        if not EXCHANGES.holds("source", self.snapshot.version):
            return False
        # Without one there is no need to look at all exchanges.
        files = "SELECT EXISTS (SELECT 1 FROM captures WHERE source <> 'live')"
        some = "SELECT EXISTS (SELECT 1 FROM exchanges WHERE source IS NOT NULL)"
        return bool(self.snapshot.number(files)) and bool(self.snapshot.number(some))

    def captures(self) -> pa.Table:
        return self.left.added(self.snapshot.table(CAPTURES), CAPTURES)

    def batches(self, table: Table, ranges: Ranges | None = None) -> Iterator[pa.RecordBatch]:
        if ranges is None:
            yield from self.snapshot.batches(table, rows=ROWS)
        for first, last in ranges or ():
            some = f"WHERE exchange_id BETWEEN {first} AND {last}"
            yield from self.snapshot.batches(table, some, ROWS)
        if table.name in self.left.rows:
            yield from self.left.rows[table.name].to_batches()


class FactsSource:
    """Tables in memory, or a dataset."""

    def __init__(self, facts: Facts) -> None:
        self.path, self.key_id = facts.path, facts.key_id
        self.id: str | None = None
        self.stamp: str | None = None
        self._facts = facts

    def read[T](self, use: Callable[[Contents], T]) -> T:
        """See `Source`."""
        return use(_FactsContents(self._facts))


@dataclass(frozen=True, slots=True)
class _FactsContents:
    facts: Facts

    def count(self) -> int:
        return self.facts.count(EXCHANGES.name)

    def holds_imported(self) -> bool:
        batches = self.batches(EXCHANGES)
        return any(batch["source"].null_count < len(batch) for batch in batches)

    def captures(self) -> pa.Table:
        return self.facts.table(CAPTURES.name)

    def batches(self, table: Table, ranges: Ranges | None = None) -> Iterator[pa.RecordBatch]:
        rows = self.facts.tables[table.name]
        if isinstance(rows, pa.Table):
            batches = rows.to_batches(max_chunksize=ROWS)
        else:
            batches = rows.to_batches(batch_size=ROWS, batch_readahead=2, fragment_readahead=1)
        for batch in batches:
            yield batch.cast(table.arrow)


def highest(source: pa.Table | pa.RecordBatch, name: str) -> int:
    """The highest number in a column; 0 without rows."""
    return pc.max(source[name]).as_py() or 0
