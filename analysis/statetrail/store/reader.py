"""Stores as Arrow tables, from one SQLite file or one Parquet dataset of any version.

Enters: a path. Leaves: `Facts`, a consistent snapshot, also of a store that is being written.
Nothing is created or changed; what a recorder could not store is read from its
spill file. The rows of a large dataset are read only when they are used.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from statetrail.errors import StoreError
from statetrail.schema import EXCHANGES, FACTS, SCHEMA_VERSION, Table
from statetrail.store.dataset.manifest import ID_BITS, FileEntry, read_manifest
from statetrail.store.file_header import check_store, stored_key_id
from statetrail.store.leftover import find_leftovers
from statetrail.store.snapshot import Snapshot, read_snapshot, sound

if TYPE_CHECKING:
    import pyarrow.dataset as ds

LARGE: Final = 200_000
"""Exchanges from which a dataset is not read as a whole."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The fact tables of one store by name, and the id of its key.

    Those of a large Parquet dataset are `pyarrow.dataset.Dataset`; `client_by` are then the
    attributes by which it is bucketed (a client's rows are in one bucket), and `files` the files of
    each bucket by table.
    """

    path: Path
    key_id: str
    tables: "Mapping[str, pa.Table | ds.Dataset]"
    client_by: tuple[str, ...] = ()
    files: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def table(self, name: str) -> pa.Table:
        """All rows of a table."""
        table = self.tables[name]
        return table if isinstance(table, pa.Table) else table.to_table()

    def count(self, name: str) -> int:
        """How many rows a table has."""
        table = self.tables[name]
        return table.num_rows if isinstance(table, pa.Table) else int(table.count_rows())

    def of_buckets(self, buckets: Sequence[str]) -> "Facts":
        """The facts of some buckets."""
        return replace(self, files={bucket: self.files[bucket] for bucket in buckets})

    def sizes(self) -> dict[str, int]:
        """How many exchanges each bucket has."""
        import pyarrow.parquet as pq

        return {
            bucket: sum(pq.read_metadata(file).num_rows for file in files[EXCHANGES.name])
            for bucket, files in self.files.items()
            if EXCHANGES.name in files
        }

    def bucket(self, bucket: str, table: Table, columns: Sequence[str]) -> pa.Table:
        """Some columns of one bucket of a table, its texts as dictionaries."""
        texts = [c.name for c in table.columns if c.type == "text" and c.name in columns]
        import pyarrow.parquet as pq

        with _reading(self.path / table.name / bucket):
            parts = [
                pq.ParquetFile(file, read_dictionary=texts).read(list(columns), use_threads=False)
                for file in self.files[bucket].get(table.name, ())
            ]
            if not parts:
                return table.arrow.empty_table().select(list(columns))
            rows = sound(pa.concat_tables(parts) if len(parts) > 1 else parts[0], table)
            # An earlier version lacks columns that came since.
            for name in columns:
                if name not in rows.column_names:
                    field = table.arrow.field(name)
                    rows = rows.append_column(field, pa.nulls(len(rows), field.type))
            return rows.select(list(columns))

    def changed(
        self, change: Callable[[Mapping[str, pa.Table]], Mapping[str, pa.Table]], folder: Path
    ) -> "Facts":
        """The facts with their tables changed; those of a large dataset are written to `folder`.

        `change` gets the tables of one bucket, or all.
        """
        import pyarrow.parquet as pq

        if not self.files:
            return replace(self, tables=change({t.name: self.table(t.name) for t in FACTS}))
        for bucket in self.files:
            tables = {
                table.name: self.bucket(bucket, table, table.names).cast(table.arrow)
                for table in FACTS
                if not isinstance(self.tables[table.name], pa.Table)
            }
            for name, rows in change(tables).items():
                (target := folder / name / bucket).mkdir(parents=True)
                pq.write_table(rows, target / "part-0.parquet", compression="zstd")
        sets = {
            t.name: _dataset(folder / t.name, t, SCHEMA_VERSION)
            if (folder / t.name).is_dir()
            else self.tables[t.name]
            for t in FACTS
        }
        return replace(self, path=folder, tables=sets, files=_buckets(sets))


def read_store(path: Path | str) -> Facts:
    """Read a SQLite store or a Parquet dataset.

    Raises `StoreError` if there is none, or it is empty, foreign or corrupted.
    """
    path = Path(path)
    if path.is_dir():
        return _read_parquet(path)
    check_store(path, whole=True)
    key_id = stored_key_id(path)

    def read(snapshot: Snapshot) -> dict[str, pa.Table]:
        left = find_leftovers(path, key_id, snapshot)
        return {table.name: left.added(snapshot.table(table), table) for table in FACTS}

    return Facts(path, key_id, read_snapshot(path, read))


def check_keys(key_ids: Sequence[str]) -> None:
    """Raise `StoreError` unless all stores were made with the same key."""
    if len(set(key_ids)) > 1:
        raise StoreError(
            "these stores were made with different keys, so their pseudonyms cannot be "
            "compared: audit them one by one, or record with one key (--key)",
            page="recorder",
        )


def join_facts(stores: Sequence[Facts]) -> Facts:
    """Several stores as one: their tables concatenated, with distinct ids.

    Raises `StoreError` if they were made with different keys.
    """
    if len(stores) == 1:
        return stores[0]
    check_keys([store.key_id for store in stores])
    parts: dict[str, list[pa.Table]] = {table.name: [] for table in FACTS}
    high = 0
    for store in stores:
        highest = high
        for table in FACTS:
            part, key = store.table(table.name), table.key[0]
            if high:
                at = part.schema.get_field_index(key)
                shifted = pc.add(part[key], high << ID_BITS)
                part = part.set_column(at, table.arrow.field(key), shifted)
            if high and table is EXCHANGES:
                # Also of their captures, each of which has a clock of its own.
                of = part.schema.get_field_index("capture_id")
                shifted = pc.add(part["capture_id"], high << ID_BITS)
                part = part.set_column(of, table.arrow.field("capture_id"), shifted)
            parts[table.name].append(part)
            # A dataset that was itself joined from several stores uses some high bits.
            highest = max(highest, (pc.max(part[key]).as_py() or 0) >> ID_BITS)
        high = highest + 1
    joined = {name: pa.concat_tables(tables) for name, tables in parts.items()}
    return Facts(stores[0].path, stores[0].key_id, joined)


def _read_parquet(path: Path) -> Facts:
    manifest = read_manifest(path)
    version = manifest.schema_version
    sets: dict[str, pa.Table | ds.Dataset] = {}
    for table in FACTS:
        # Absolute, since the files are opened later, when the process may be in another folder.
        folder = path.absolute() / table.named(version)
        listed = None if manifest.files is None else manifest.of(table)
        try:
            with _reading(folder):
                sets[table.name] = _dataset(folder, table, version, listed)
        except StoreError:
            # An export may have replaced files between the reading of the manifest and of them.
            if read_manifest(path) != manifest:
                raise StoreError(f"{path} was changed by an export just now: try again") from None
            raise
    facts = Facts(path, manifest.key_id, sets)
    if facts.count(EXCHANGES.name) >= LARGE:
        return replace(facts, client_by=manifest.client_by, files=_buckets(sets))
    tables = {}
    for table in FACTS:
        with _reading(path / table.named(version)):
            tables[table.name] = sound(facts.table(table.name), table)
    return Facts(path, manifest.key_id, tables)


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    """Raise `StoreError` where files cannot be read."""
    try:
        yield
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise StoreError(f"{place} is damaged ({str(error)[:200]})") from None


def _dataset(
    folder: Path, table: Table, version: int, listed: Mapping[str, FileEntry] | None = None
) -> "pa.Table | ds.Dataset":
    """The table's files as one dataset of the catalogue's schema; read if columns were renamed.

    They are those that the manifest lists, or all in the folder. Each needs the columns that the
    dataset's version has, and as many rows as are listed.
    """
    import pyarrow.dataset as ds

    if listed is not None and not listed:
        return table.arrow.empty_table()
    entries = {str(folder.parent / name): entry for name, entry in (listed or {}).items()}
    for file, entry in entries.items():
        try:
            size = os.stat(file).st_size
        except FileNotFoundError:
            raise ValueError(f"{file} is missing") from None
        if size != entry.bytes:
            raise ValueError(f"{file} has another size than was written")
    source = list(entries) if entries else folder
    if any(column.named(version) != column.name for column in table.columns):
        rows = ds.dataset(source, format="parquet", partitioning=None).to_table()
        return rows.select([c.named(version) for c in table.columns]).rename_columns(table.names)
    added = {column.name for column in table.since(version)}
    names = [name for name in table.names if name not in added]
    dataset = ds.dataset(source, format="parquet", partitioning=None, schema=table.arrow)
    for fragment in dataset.get_fragments():
        if entries and fragment.metadata.num_rows != entries[fragment.path].rows:
            raise ValueError(f"{fragment.path} has other rows than were written")
        schema = fragment.physical_schema
        if schema.equals(table.arrow):
            continue
        if missing := [name for name in names if name not in schema.names]:
            raise ValueError(f"{Path(fragment.path).name} lacks {', '.join(missing)}")
        target = pa.schema([table.arrow.field(name) for name in names])
        pa.schema([schema.field(name) for name in names]).empty_table().cast(target)
    return dataset


def _buckets(sets: "Mapping[str, pa.Table | ds.Dataset]") -> dict[str, dict[str, list[str]]]:
    """The files of each bucket by table; every folder is a bucket."""
    buckets: dict[str, dict[str, list[str]]] = {}
    for name, dataset in sets.items():
        for file in () if isinstance(dataset, pa.Table) else dataset.files:
            buckets.setdefault(Path(file).parent.name, {}).setdefault(name, []).append(file)
    return buckets
