"""A store open for writing: one SQLite file in WAL mode, a transaction per exchange or batch.

Enters: `ExchangeFacts`. Leaves: rows, committed when `append` returns, so that a process that is
killed after that has lost nothing. Other processes may read meanwhile.
"""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NewType, Self

import apsw

from statetrail.errors import StoreError
from statetrail.extract import ExchangeFacts, Fingerprinter
from statetrail.extract.text import clean
from statetrail.schema import FACTS, SCHEMA_VERSION
from statetrail.store import rows
from statetrail.store.checkpoints import PAGE
from statetrail.store.connection import OPEN, connect, error_name, identity
from statetrail.store.file_header import (
    APPLICATION_ID,
    check_store,
    is_blank,
    key_id_in,
    stored_key_id,
)
from statetrail.store.keys import keep_key, key_id, key_path, new_key, read_key
from statetrail.store.rows import ExchangeId

CaptureId = NewType("CaptureId", int)
type Source = Literal["live", "har", "flows"]
type Durability = Literal["normal", "full"]

_META: Final = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
_UNIQUE: Final = (
    # By time first: exchanges that are added together are then on the same pages.
    "CREATE UNIQUE INDEX IF NOT EXISTS exchange_once ON exchanges (request_start_us, flow_id)"
)
_COUNT: Final = (
    "UPDATE captures SET exchanges = exchanges + ?, duplicates = duplicates + ? "
    "WHERE capture_id = ?"
)

type Write = tuple[ExchangeId | None, ExchangeFacts]
"""An exchange to be written, with the id of the stored one that it replaces, if any."""

# Errors of the exchange itself: a second attempt fails too.
_UNSTORABLE: Final = ("SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_CONSTRAINT", "SQLITE_RANGE")


class WriteError(StoreError):
    """A store could not be written.

    `reason` is SQLite's name of the error, e.g. ``SQLITE_FULL``; `unstorable`: the exchange is the
    cause, not the store.
    """

    def __init__(self, path: Path, error: Exception) -> None:
        self.reason = error_name(error)
        self.unstorable = not isinstance(error, apsw.Error) or self.reason.startswith(_UNSTORABLE)
        # The name only: a message may quote a value.
        super().__init__(f"{path} could not be written ({self.reason})")


@dataclass(slots=True)
class CaptureCounts:
    """The counts of a capture so far."""

    exchanges: int = 0
    duplicates: int = 0
    skipped: int = 0


class SqliteStore:
    """A store open for writing. Use `create_or_open`; it is a context manager.

    Not thread-safe: one writer, one thread (SQLite itself keeps several processes apart).
    """

    def __init__(self, path: Path, connection: apsw.Connection, secret: bytes):
        self.path = path
        self.fingerprinter = Fingerprinter(secret)
        self._secret = secret
        self._db = connection
        # Reused for every write: creating one takes as long as adding a row.
        self._cursor = connection.cursor()
        self.file = identity(path)
        self.closed = False
        self._log_pages = 0
        OPEN.add(self)

    @classmethod
    def create_or_open(
        cls,
        path: Path | str,
        *,
        key: Path | str | None = None,
        keep_key: bool = True,
        busy_s: float = 5,
        durability: Durability = "normal",
    ) -> Self:
        """Open the store at `path` for appending, or create it with a new key.

        Parameters
        ----------
        path
            The SQLite file. An existing file that is no store is refused and not changed.
        key
            A key file to use instead of the one beside the store.
        keep_key
            Write a new store's key beside it; `False`: the key ends with the process.
        busy_s
            Longest wait in seconds for another process that writes.
        durability
            ``normal``: a commit survives the end of the process; after a power loss the store is
            sound but may lack its last exchanges; ``full``: those survive as well, but each commit
            waits for the disk.

        Raises
        ------
        StoreError
            The path cannot be used: a folder is missing, not writable, foreign, corrupted, of
            a later version, or its key is missing or another one.
        """
        path = Path(path)
        if os.path.isdir(path):
            raise StoreError(f"{path} is a folder: a store is one file, e.g. {path / 'x.sqlite'}")
        if not os.path.isdir(path.parent):
            raise StoreError(f"{path.parent} is no folder: make it first, or name another store")
        is_new = not os.path.exists(path) or is_blank(path)
        if not is_new:
            check_store(path)
        secret = _secret(path, is_new=is_new, given=Path(key) if key else None, keep=keep_key)
        return cls(path, _connect(path, secret, busy_s, durability), secret)

    def sibling(
        self, path: Path, *, busy_s: float = 5, durability: Durability = "normal"
    ) -> "SqliteStore":
        """Open or create the store at `path` with this store's key; see `create_or_open`."""
        is_new = not os.path.exists(path) or is_blank(path)
        if not is_new:
            check_store(path)
            if stored_key_id(path) != key_id(self._secret):
                raise StoreError(f"{path} was made with another key than {self.path}")
        beside = key_path(path)
        if keep_key(beside, self._secret) != self._secret:
            raise StoreError(f"{beside} is another key than that of {self.path}")
        return SqliteStore(path, _connect(path, self._secret, busy_s, durability), self._secret)

    @property
    def moved(self) -> bool:
        """Whether the open file is no longer the one at the path.

        SQLite writes to a removed file without an error.
        """
        return self.file != identity(self.path)

    def append(self, facts: ExchangeFacts) -> ExchangeId | None:
        """Add one exchange and commit it. Returns its id, or `None` if it is already stored.

        Raises `WriteError` if it could not be written; then nothing of it is in the store.
        """
        return self.append_many((facts,))[0]

    def append_many(
        self, batch: Iterable[ExchangeFacts], capture: CaptureId | None = None
    ) -> list[ExchangeId | None]:
        """Add exchanges in one transaction; see `append`.

        The row of `capture`, if given, counts them in the same transaction, so that it is correct
        also after a kill.
        """
        return self.write([(None, facts) for facts in batch], capture)

    def write(
        self, batch: Sequence[Write], capture: CaptureId | None = None
    ) -> list[ExchangeId | None]:
        """Add and replace exchanges in one transaction; see `append_many`.

        The result has the id of a replaced exchange; the capture does not count it.
        """
        cursor = self._cursor
        try:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                new = [facts for stored_id, facts in batch if stored_id is None]
                added = rows.add(cursor, new, capture) if new else []
                for stored_id, facts in batch:
                    if stored_id is not None:
                        rows.replace(cursor, stored_id, facts)
                if capture is not None and new:
                    duplicates = added.count(None)
                    cursor.execute(_COUNT, (len(new) - duplicates, duplicates, capture))
                cursor.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
        except (apsw.Error, OverflowError, UnicodeEncodeError) as error:
            raise WriteError(self.path, error) from None
        if len(added) == len(batch):
            return added
        ids = iter(added)
        return [next(ids) if stored_id is None else stored_id for stored_id, _ in batch]

    def begin_capture(self, source: Source, name: str | None = None) -> CaptureId:
        """Add a capture's row; `end_capture` completes it."""
        self._execute(
            "INSERT INTO captures (source, name, started_us, exchanges, duplicates, skipped) "
            "VALUES (?, ?, ?, 0, 0, 0)",
            (source, name if name is None else clean(name, 255), time.time_ns() // 1000),
        )
        return CaptureId(self._db.last_insert_rowid())

    def end_capture(
        self, capture: CaptureId, counts: CaptureCounts, problem: str | None = None
    ) -> None:
        """Complete a capture's row: its counts, and what was lost, if anything."""
        lost = problem if problem is None else clean(problem, 1024)
        self._execute(
            "UPDATE captures SET exchanges = ?, duplicates = ?, skipped = ?, problem = ? "
            "WHERE capture_id = ?",
            (counts.exchanges, counts.duplicates, counts.skipped, lost, capture),
        )

    def note_loss(self, capture: CaptureId, loss: str) -> None:
        """Append a sentence on what was lost to a capture's row."""
        self._execute(
            "UPDATE captures SET problem = substr(coalesce(problem || '; ', '') || ?, 1, 1024) "
            "WHERE capture_id = ?",
            (clean(loss, 512), capture),
        )

    def _execute(self, statement: str, values: tuple[int | str | None, ...]) -> None:
        try:
            self._db.execute(statement, values)
        except apsw.Error as error:
            raise WriteError(self.path, error) from None

    def set_busy_timeout(self, busy_s: float) -> None:
        """Set the longest wait in seconds for another process that writes."""
        with suppress(apsw.Error):  # the next write raises it
            self._db.set_busy_timeout(round(busy_s * 1000))

    def set_log_limit(self, pages: int) -> None:
        """Let the write-ahead log grow to so many pages before a commit checkpoints it.

        A checkpoint waits for the disk; `statetrail.store.checkpoints` makes them in a thread.
        """
        if pages != self._log_pages:
            with suppress(apsw.Error):
                self._db.execute(f"PRAGMA wal_autocheckpoint = {pages}")
                self._log_pages = pages

    def close(self) -> None:
        """Close the store and checkpoint its write-ahead log, if no reader holds it."""
        self.closed = True
        with suppress(apsw.Error):  # a damaged store cannot be checkpointed
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(path: Path, secret: bytes, busy_s: float, durability: Durability) -> apsw.Connection:
    try:
        db = connect(path, "make", busy_s=busy_s)
        try:
            _prepare(db, path, secret)
            db.execute(f"PRAGMA synchronous = {durability.upper()}")
        except BaseException:
            db.close()
            raise
    except apsw.Error as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
    return db


def _prepare(db: apsw.Connection, path: Path, secret: bytes) -> None:
    """Create the tables if there are none, else check the key and bring the tables up to date.

    In one transaction, since another process may be creating the same store.
    """
    # Each commit writes a page of every table that it adds to, so pages are small.
    db.execute(f"PRAGMA page_size = {PAGE}")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None:
        for table in FACTS:
            db.execute(table.ddl())
        db.execute(_META)
        db.execute(_UNIQUE)
        db.execute("INSERT INTO meta VALUES ('key_id', ?)", (key_id(secret),))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif key_id_in(db, path) != key_id(secret):
        raise StoreError(f"{path} was made with another key")
    else:
        _migrate(db)
    db.execute("COMMIT")


def _migrate(db: apsw.Connection) -> None:
    """Rename the tables and columns of an earlier version, and add the columns that are new."""
    version = db.execute("PRAGMA user_version").get
    if version == SCHEMA_VERSION:
        return
    for table in FACTS:
        if (old := table.named(version)) != table.name:
            db.execute(f"ALTER TABLE {old} RENAME TO {table.name}")
        for column in table.columns:
            if (old := column.named(version)) != column.name:
                db.execute(f"ALTER TABLE {table.name} RENAME COLUMN {old} TO {column.name}")
        for column in table.since(version):
            db.execute(f"ALTER TABLE {table.name} ADD COLUMN {column.sqlite}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _secret(path: Path, *, is_new: bool, given: Path | None, keep: bool) -> bytes:
    beside = key_path(path)
    has_key = os.path.exists(beside)
    if is_new:
        wanted = read_key(given) if given else None
        if not has_key and not keep:
            return wanted or new_key()
        secret = keep_key(beside, wanted or new_key())
        if wanted not in (None, secret):
            raise StoreError(f"{beside} is another key than {given}: move it, or name a new store")
        return secret
    if given is None and not has_key:
        raise StoreError(
            f"the key of {path} ({beside.name}) is missing, so its pseudonyms cannot be continued: "
            "put the key back, or name a new store"
        )
    secret = read_key(given or beside)
    if key_id(secret) != stored_key_id(path):
        raise StoreError(f"{given or beside} is not the key that {path} was made with")
    return secret
