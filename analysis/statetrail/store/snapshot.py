"""A SQLite store as streams of Arrow batches, all of one moment.

Enters: the path of a store, which may be recorded into meanwhile. Leaves: batches of its fact
tables with today's names, as the store was when it was opened; nothing is created or changed.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa

from statetrail.errors import StoreError
from statetrail.schema import Table
from statetrail.store.connection import connect, is_open_here
from statetrail.store.file_header import is_checkpointed

_ROWS: Final = "adbc.sqlite.query.batch_rows"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A store in one transaction; `version` is that of its tables."""

    version: int
    _connection: adbc.AdbcConnection

    def batches(
        self, table: Table, condition: str = "", rows: int = 1 << 15
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a fact table that meet a condition in SQL, some at a time."""
        missing = table.since(self.version)
        names = ", ".join(
            "NULL" if column in missing else column.named(self.version) for column in table.columns
        )
        query = (
            f"SELECT {_sentinel(table)} UNION ALL "  # noqa: S608
            f"SELECT {names} FROM {table.named(self.version)} {condition}"
        )
        first = 1
        for batch in self._query(query, rows):
            yield sound(batch.slice(first).cast(table.arrow), table)
            first = 0

    def table(self, table: Table, condition: str = "") -> pa.Table:
        """The rows of a fact table that meet a condition in SQL."""
        return pa.Table.from_batches(self.batches(table, condition), table.arrow)

    def number(self, query: str) -> int | None:
        """The integer that a query gives."""
        (batch,) = self._query(query, 1)
        value: int | None = batch[0][0].as_py()
        return value

    def _query(self, query: str, rows: int) -> Iterator[pa.RecordBatch]:
        with closing(adbc.AdbcStatement(self._connection)) as statement:
            statement.set_options(**{_ROWS: str(rows)})
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            yield from pa.RecordBatchReader.from_stream(stream)


def read_snapshot[T](path: Path, read: Callable[[Snapshot], T]) -> T:
    """What `read` makes of a store; it is called again where a writer came in between.

    Raises `StoreError` if the store is damaged.
    """
    try:
        return _read(path, read)
    except (adbc.Error, pa.ArrowException, UnicodeError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise StoreError(f"{path} is a damaged store ({reason})") from None


def _read[T](path: Path, read: Callable[[Snapshot], T]) -> T:
    if is_open_here(path):
        # ADBC has its own copy of SQLite: closing it would drop the locks of the writer.
        with tempfile.TemporaryDirectory() as folder, closing(connect(path, "read")) as db:
            copy = Path(folder, "copy.sqlite")
            db.execute("VACUUM INTO ?", (str(copy),))
            with _opened(f"{copy.as_uri()}?mode=ro&immutable=1") as snapshot:
                return read(snapshot)
    immutable, before = is_checkpointed(path), path.stat()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with _opened(f"{uri}&immutable=1" if immutable else uri) as snapshot:
            result = read(snapshot)
    except (adbc.Error, pa.ArrowException):
        if not _changed(path, before):
            raise
    else:
        if not immutable or not _changed(path, before):
            return result
    # A writer started during the read without locks; now there is a log, and locks are used.
    with _opened(uri) as snapshot:
        return read(snapshot)


@contextmanager
def _opened(uri: str) -> Iterator[Snapshot]:
    # Not by the driver's DBAPI module: it imports Polars wherever that is installed.
    with (
        closing(adbc_driver_sqlite.connect(uri)) as database,
        closing(adbc.AdbcConnection(database)) as connection,
    ):
        connection.set_autocommit(False)
        yield Snapshot(Snapshot(0, connection).number("PRAGMA user_version") or 0, connection)


def _changed(path: Path, before: os.stat_result) -> bool:
    now = path.stat()
    return (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size)


def _sentinel(table: Table) -> str:
    """A typed first row: ADBC infers each column's type from the first rows."""
    zero = {"text": "''", "float": "0.0"}
    return ", ".join(f"{zero.get(c.type, '0')} AS {c.name}" for c in table.columns)


def sound[T: (pa.Table, pa.RecordBatch)](rows: T, table: Table) -> T:
    """The rows, if they are what their schema says; raises `pa.ArrowInvalid`.

    Neither SQLite nor Parquet sees to it that text is UTF-8, and a forged file can hold nulls.
    """
    rows.validate(full=True)
    names = set(rows.schema.names)
    for column in table.columns:
        if column.null is None and column.name in names and rows[column.name].null_count:
            raise pa.ArrowInvalid(f"{table.name}.{column.name} lacks values")
    return rows
