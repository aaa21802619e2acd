"""Stores as Arrow tables, from one SQLite file or one Parquet dataset of any version.

Enters: a path. Leaves: `Facts`, a consistent snapshot, also of a store that is being written.
Nothing is created or changed; what a recorder could not store is read from its
spill file. The rows of a large dataset are read only when they are used.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.errors import StoreError
from statetrail.schema import CLIENT_BY, EXCHANGES, FACTS, SCHEMA_VERSION, Table
from statetrail.store.connection import connect, is_open_here
from statetrail.store.file_header import check_store, check_version, is_checkpointed, stored_key_id
from statetrail.store.leftover import with_leftovers

if TYPE_CHECKING:
    import pyarrow.dataset as ds

MANIFEST: Final = "statetrail.json"
"""The manifest of a Parquet dataset of statetrail."""

LARGE: Final = 200_000
"""Exchanges from which a dataset is not read as a whole."""

# The ids of stores that are joined get the store's position as their high bits.
_STORE_BITS: Final = 44


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
            return _sound(pa.concat_tables(parts) if len(parts) > 1 else parts[0], table)

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
    try:
        key_id = stored_key_id(path)
        return Facts(path, key_id, with_leftovers(path, key_id, _read_sqlite(path)))
    except (adbc.Error, pa.ArrowException, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise StoreError(f"{path} is a damaged store ({reason})") from None


def join_facts(stores: Sequence[Facts]) -> Facts:
    """Several stores as one: their tables concatenated, with distinct ids.

    Raises `StoreError` if they were made with different keys.
    """
    if len(stores) == 1:
        return stores[0]
    if len({store.key_id for store in stores}) > 1:
        raise StoreError(
            "these stores were made with different keys, so their pseudonyms cannot be "
            "compared: audit them one by one, or record with one key (--key)",
            page="recorder",
        )
    parts: dict[str, list[pa.Table]] = {table.name: [] for table in FACTS}
    high = 0
    for store in stores:
        highest = high
        for table in FACTS:
            part, key = store.table(table.name), table.key[0]
            if high:
                at = part.schema.get_field_index(key)
                shifted = pc.add(part[key], high << _STORE_BITS)
                part = part.set_column(at, table.arrow.field(key), shifted)
            parts[table.name].append(part)
            # A dataset that was itself joined from several stores uses some high bits.
            highest = max(highest, (pc.max(part[key]).as_py() or 0) >> _STORE_BITS)
        high = highest + 1
    joined = {name: pa.concat_tables(tables) for name, tables in parts.items()}
    return Facts(stores[0].path, stores[0].key_id, joined)


def _sentinel(table: Table) -> str:
    """A typed first row: ADBC infers each column's type from the first rows."""
    zero = {"text": "''", "float": "0.0"}
    return ", ".join(f"{zero.get(c.type, '0')} AS {c.name}" for c in table.columns)


def _read_sqlite(path: Path) -> dict[str, pa.Table]:
    if is_open_here(path):
        # ADBC has its own copy of SQLite: closing it would drop the locks of the writer.
        with tempfile.TemporaryDirectory() as folder, closing(connect(path, "read")) as db:
            copy = Path(folder, "copy.sqlite")
            db.execute("VACUUM INTO ?", (str(copy),))
            return _fetch(f"{copy.as_uri()}?mode=ro&immutable=1")
    immutable, before = is_checkpointed(path), path.stat()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        tables = _fetch(f"{uri}&immutable=1" if immutable else uri)
    except (adbc.Error, pa.ArrowException):
        if not _changed(path, before):
            raise
    else:
        if not immutable or not _changed(path, before):
            return tables
    # A writer started during the read without locks; now there is a log, and locks are used.
    return _fetch(uri)


def _changed(path: Path, before: os.stat_result) -> bool:
    now = path.stat()
    return (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size)


def _fetch(uri: str) -> dict[str, pa.Table]:
    """The fact tables, read in one transaction, with today's names."""
    tables = {}
    # Not by the driver's DBAPI module: it imports Polars wherever that is installed.
    with (
        closing(adbc_driver_sqlite.connect(uri)) as database,
        closing(adbc.AdbcConnection(database)) as connection,
        closing(adbc.AdbcStatement(connection)) as statement,
    ):

        def fetch(query: str) -> pa.Table:
            statement.set_sql_query(query)
            rows, _ = statement.execute_query()
            return pa.RecordBatchReader.from_stream(rows).read_all()

        connection.set_autocommit(False)
        version = fetch("PRAGMA user_version")["user_version"][0].as_py()
        for table in FACTS:
            missing = table.since(version)
            names = ", ".join("NULL" if c in missing else c.named(version) for c in table.columns)
            rows = fetch(
                f"SELECT {_sentinel(table)} UNION ALL SELECT {names} FROM {table.named(version)}"  # noqa: S608
            )
            tables[table.name] = _sound(rows.slice(1).cast(table.arrow), table)
    return tables


def _sound(rows: pa.Table, table: Table) -> pa.Table:
    """The rows, if they are what their schema says; raises `pa.ArrowInvalid`.

    Neither SQLite nor Parquet sees to it that text is UTF-8, and a forged file can hold nulls.
    """
    rows.validate(full=True)
    for column in table.columns:
        names = column.name in rows.column_names
        if column.null is None and names and rows[column.name].null_count:
            raise pa.ArrowInvalid(f"{table.name}.{column.name} lacks values")
    return rows


def _read_parquet(path: Path) -> Facts:
    try:
        manifest = json.loads((path / MANIFEST).read_text("utf-8"))
        version, key_id = manifest["schema_version"], str(manifest["key_id"])
        client_by = tuple(manifest.get("client_by", ()))
        if not set(client_by) <= CLIENT_BY.keys():
            raise ValueError("unknown attributes of clients")
    except FileNotFoundError:
        raise StoreError(f"{path} is a folder but no statetrail dataset (no {MANIFEST})") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(f"{path / MANIFEST} is damaged") from None
    check_version(path, version)
    sets: dict[str, pa.Table | ds.Dataset] = {}
    for table in FACTS:
        # Absolute, since the files are opened later, when the process may be in another folder.
        with _reading(folder := path.absolute() / table.named(version)):
            sets[table.name] = _dataset(folder, table, version)
    facts = Facts(path, key_id, sets)
    if facts.count(EXCHANGES.name) >= LARGE:
        return replace(facts, client_by=client_by, files=_buckets(sets))
    tables = {}
    for table in FACTS:
        with _reading(path / table.named(version)):
            tables[table.name] = _sound(facts.table(table.name), table)
    return Facts(path, key_id, tables)


@contextmanager
def _reading(place: Path) -> Iterator[None]:
    """Raise `StoreError` where files cannot be read."""
    try:
        yield
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise StoreError(f"{place} is damaged ({str(error)[:200]})") from None


def _dataset(folder: Path, table: Table, version: int) -> "pa.Table | ds.Dataset":
    """The table's files as one dataset of the catalogue's schema; read if columns were renamed.

    Each file needs the columns that the dataset's version has.
    """
    import pyarrow.dataset as ds

    if any(column.named(version) != column.name for column in table.columns):
        rows = ds.dataset(folder, format="parquet", partitioning=None).to_table()
        return rows.select([c.named(version) for c in table.columns]).rename_columns(table.names)
    added = {column.name for column in table.since(version)}
    names = [name for name in table.names if name not in added]
    dataset = ds.dataset(folder, format="parquet", partitioning=None, schema=table.arrow)
    for fragment in dataset.get_fragments():
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
