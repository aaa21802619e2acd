"""What is added to a dataset: rows of stores as new parts of its buckets, and the manifest of all.

Enters: stores, and the manifest of the dataset so far, which is empty for a new one. Leaves: files
that are staged and committed, or none if the stores have nothing new.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.errors import StoreError
from statetrail.schema import CAPTURES, EXCHANGES, FACTS, Table
from statetrail.store.dataset.changes import Changes, Ints, check_number, files_with, find_changes
from statetrail.store.dataset.manifest import (
    ID_BITS,
    FileEntry,
    Manifest,
    StoreEntry,
    bucket_of,
    damage,
    part_number,
)
from statetrail.store.dataset.partition import BUCKETED, Partitioned, Report, partition
from statetrail.store.dataset.scratch import Scratch
from statetrail.store.dataset.source import Contents, Source
from statetrail.store.dataset.staging import Staging
from statetrail.store.dataset.write import file_batches, in_order, write_file

MAX_PARTS: Final = 8
"""Parts of a bucket, which become one when another is added."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a dataset has, and what the export changed.

    `gone`: exchanges of the stores that are in the dataset alone.
    """

    exchanges: int
    added: int = 0
    replaced: int = 0
    gone: int = 0
    is_new: bool = False


class Addition:
    """The addition of stores to a dataset."""

    def __init__(self, staging: Staging, base: Manifest, report: Report) -> None:
        self._staging = staging
        self._base = base
        self._report = report
        self._files: dict[str, FileEntry] = dict(base.files or {})
        self._next_number = base.next_number
        self._scratches: list[Scratch] = []
        self._captures: list[pa.Table] = []
        self._drop: list[Ints] = []
        self._checked: set[Table] = set()

    def add(self, sources: Sequence[Source]) -> Exported:
        """Add stores, and commit."""
        base = self._base
        stores = {entry.id: entry for entry in base.stores}
        added = gone = 0
        for source in sources:
            done, changes, entry = self._read(source, stores.get(source.id or ""))
            added += done.added
            gone += changes.gone if changes else 0
            if source.id is not None:
                stores[source.id] = entry
        drop = np.concatenate([*self._drop, np.empty(0, np.int64)])
        self._write_buckets(drop)
        self._write_captures()
        exchanges = base.exchanges or 0
        if self._files != base.files:
            for table in FACTS:
                if not any(name.startswith(f"{table.name}/") for name in self._files):
                    self._write(table, "bucket=0", iter([table.arrow.empty_table()]), empty=True)
            exchanges = sum(
                file.rows for n, file in self._files.items() if n.startswith(f"{EXCHANGES.name}/")
            )
            manifest = msgspec.structs.replace(
                base,
                exchanges=exchanges,
                next_number=self._next_number,
                stores=tuple(stores.values()),
                files=dict(sorted(self._files.items())),
            )
            self._report("files put in place")
            self._staging.commit(manifest)
        replaced = len(drop)
        return Exported(exchanges, added - replaced, replaced, gone, is_new=not base.files)

    def _read(
        self, source: Source, known: StoreEntry | None
    ) -> tuple[Partitioned, Changes | None, StoreEntry]:
        """Put on disk what is new in a store."""
        base, numbers = self._base, known.numbers if known else (self._next_number,)
        check_number(numbers[-1])
        folder = self._staging.scratch / f"store-{len(self._scratches)}"
        folder.mkdir()
        files = [self._staging.folder / name for name in base.of(EXCHANGES)]

        def use(contents: Contents) -> tuple[Partitioned, Changes | None, pa.Table]:
            changes = None
            if known is not None:
                self._check(EXCHANGES)
                self._report(f"{contents.count():,} exchanges compared")
                changes = find_changes(contents, files, numbers, self._next_number, folder)
            done = partition(
                contents, changes, numbers[0], folder, base.client_by, base.buckets or 1,
                self._report,
            )  # fmt: skip
            return done, changes, _numbered(contents.captures(), numbers[0])

        done, changes, captures = source.read(use)
        self._scratches.append(done.scratch)
        self._captures.append(captures)
        # A dataset that was itself made of several stores has several numbers.
        last = numbers[0] + (done.through >> ID_BITS)
        exchanges, through = done.added, done.through
        if changes is not None and known is not None:
            numbers = changes.numbers
            self._drop.append(changes.drop)
            exchanges += known.exchanges - len(changes.drop)
            through = max(through, known.through)
        self._next_number = max(self._next_number, last + 1, numbers[-1] + 1)
        return (
            done,
            changes,
            StoreEntry(
                id=source.id or "",
                name=source.path.name,
                numbers=numbers,
                through=through,
                exchanges=exchanges,
                stamp=source.stamp,
            ),
        )

    def _write_buckets(self, drop: Ints) -> None:
        """Write what was added to each bucket; one that loses rows is written anew."""
        parts = self._base.parts()
        files = [self._staging.folder / name for name in self._base.of(EXCHANGES)]
        losing = {file.parent.name for file in files_with(files, drop)} if len(drop) else set()
        new = {f"bucket={n}" for scratch in self._scratches for n in scratch.buckets()}
        for at, bucket in enumerate(sorted(new | losing), 1):
            before = parts.get(bucket, {})
            is_full = any(len(names) >= MAX_PARTS for names in before.values())
            old = before if bucket in losing or is_full else {}
            number = int(bucket.partition("=")[2])
            read = partial(self._batches, number, old, drop)
            folder = self._staging.scratch / "bucket"
            folder.mkdir(exist_ok=True)
            for table, pieces in in_order(read, BUCKETED, self._base.client_by, folder):
                self._write(table, bucket, pieces)
            for names in old.values():
                for name in names:
                    del self._files[name]
            self._report(f"bucket {at} of {len(new | losing)} written")

    def _batches(
        self, bucket: int, old: Mapping[str, Sequence[str]], drop: Ints, table: Table
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a bucket that are written: those that stay of old files, and those added."""
        leaving = pa.array(drop)
        for name in old.get(table.name, ()):
            for batch in self._earlier(name, table):
                yield batch.filter(pc.invert(pc.is_in(batch["exchange_id"], leaving)))
        for scratch in self._scratches:
            yield from scratch.batches(table, bucket)

    def _earlier(self, name: str, table: Table) -> Iterator[pa.RecordBatch]:
        """The rows of a file of the dataset."""
        self._check(table)
        return file_batches(self._staging.folder / name, table)

    def _check(self, table: Table) -> None:
        """Raise `StoreError` unless the files of a table are what was written."""
        if table not in self._checked:
            if found := damage(self._staging.folder, self._base, table):
                raise StoreError(f"{found[0]}; export into a new folder", page="datasets")
            self._checked.add(table)

    def _write_captures(self) -> None:
        """Write the captures anew if there are others, or they have other counts or notes."""
        before = self._base.of(CAPTURES)
        old = [batch for name in before for batch in self._earlier(name, CAPTURES)]
        earlier = pa.Table.from_batches(old, CAPTURES.arrow)
        key = CAPTURES.key[0]
        now = pa.concat_tables(self._captures)
        gone = earlier.filter(pc.invert(pc.is_in(earlier[key], now[key])))
        rows = pa.concat_tables([now, gone]).sort_by(key)
        if before and rows.equals(earlier.sort_by(key)):
            return
        self._write(CAPTURES, "", iter([rows]), empty=True)
        for name in before:
            del self._files[name]

    def _write(
        self, table: Table, bucket: str, pieces: Iterator[pa.Table], *, empty: bool = False
    ) -> None:
        """Write a file under a number that is free; one without rows only if `empty`."""
        folder = f"{table.name}/{bucket}/" if bucket else f"{table.name}/"
        numbers = [part_number(n) for n in self._base.of(table) if bucket_of(n) == bucket]
        name = f"{folder}part-{max(numbers, default=-1) + 1}.parquet"
        file = self._staging.path(name)
        if (rows := write_file(file, pieces)) or empty:
            self._files[name] = self._staging.add(name, rows)
        else:
            file.unlink()


def _numbered(captures: pa.Table, number: int) -> pa.Table:
    key = CAPTURES.key[0]
    shifted = pc.add(captures[key], pa.scalar(number << ID_BITS))
    return captures.set_column(0, CAPTURES.arrow.field(key), shifted)
