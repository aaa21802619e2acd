"""The store that is written: one SQLite file in WAL mode, a transaction per exchange or batch.

Enters: `Sighted` exchanges. Leaves: rows, committed when `append` returns, so that a process
killed after that has lost nothing. Others may read while it is written.
"""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NewType, Self

from statetrail.errors import StoreError
from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED, SCHEMA_VERSION
from statetrail.sightings import Issued, Presented, Pseudonymiser, Sighted
from statetrail.store.keys import forget_key, key_id, key_path, new_key, read_key, write_key

ExchangeId = NewType("ExchangeId", int)
CaptureId = NewType("CaptureId", int)
type Source = Literal["live", "har", "flows"]

APPLICATION_ID: Final = 0x5354_5452
"""SQLite application id (``STTR``): tells a statetrail store from any other database."""

_META: Final = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
_UNIQUE: Final = (
    "CREATE UNIQUE INDEX IF NOT EXISTS exchange_once ON exchanges (flow_id, request_start_us)"
)


def _insert(table: str, names: Iterable[str], suffix: str = "") -> str:
    names = tuple(names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}){suffix}"  # noqa: S608


_ADD_EXCHANGE: Final = _insert("exchanges", EXCHANGES.names[1:], " ON CONFLICT DO NOTHING")
_ADD_ISSUED: Final = _insert("issued", ISSUED.names)
_ADD_PRESENTED: Final = _insert("presented", PRESENTED.names)
_COUNT: Final = (
    "UPDATE captures SET exchanges = exchanges + ?, duplicates = duplicates + ? "
    "WHERE capture_id = ?"
)


@dataclass(slots=True)
class Tally:
    """What a capture added so far."""

    exchanges: int = 0
    duplicates: int = 0
    skipped: int = 0


class SqliteStore:
    """A store open for writing. Use `create_or_open`; it is a context manager.

    Not thread-safe: one writer, one thread (SQLite itself keeps several processes apart).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, pseudonyms: Pseudonymiser):
        self.path = path
        self.pseudonyms = pseudonyms
        self._db = connection

    @classmethod
    def create_or_open(
        cls,
        path: Path | str,
        *,
        key: Path | str | None = None,
        keep_key: bool = True,
        busy_s: float = 5,
    ) -> Self:
        """Open the store at `path` for appending, or make it with a new key.

        Parameters
        ----------
        path
            The SQLite file. One that exists and is no store is refused and left as it is.
        key
            A key file to use instead of the one beside the store.
        keep_key
            Write a new store's key beside it; `False`: the key is gone with the process.
        busy_s
            Longest wait in seconds for another process that writes.

        Raises
        ------
        StoreError
            The path cannot be used: a folder is missing, not writable, foreign, corrupted, of
            another version, or its key is missing or another one.
        """
        path = Path(path)
        if path.is_dir():
            raise StoreError(f"{path} is a folder: a store is one file, e.g. {path / 'x.sqlite'}")
        if not path.parent.is_dir():
            raise StoreError(f"{path.parent} is no folder: make it first, or name another store")
        is_new = not path.exists() or path.stat().st_size == 0
        if not is_new:
            check_store(path)
        secret = _secret(path, is_new=is_new, given=Path(key) if key else None, keep=keep_key)
        try:
            db = sqlite3.connect(
                path, isolation_level=None, timeout=busy_s, check_same_thread=False
            )
            try:
                _prepare(db, secret)
            except BaseException:
                db.close()
                raise
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be written: {error}") from error
        return cls(path, db, Pseudonymiser(secret))

    def append(self, sighted: Sighted) -> ExchangeId | None:
        """Add one exchange and commit it. Returns its id, or `None` if it was there already.

        Raises `StoreError` where it could not be written; nothing of it is in the store then.
        """
        return self.append_many((sighted,))[0]

    def append_many(
        self, batch: Iterable[Sighted], capture: CaptureId | None = None
    ) -> list[ExchangeId | None]:
        """Add exchanges in one transaction; see `append`.

        Where `capture` is given, its note counts them in the same transaction, so that it is right
        also after a kill.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                ids = [self._add(sighted) for sighted in batch]
                if capture is not None:
                    twice = ids.count(None)
                    self._db.execute(_COUNT, (len(ids) - twice, twice, capture))
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            # The name only: a message may quote a value.
            kind = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StoreError(f"{self.path} could not be written ({kind})") from None
        return ids

    def _add(self, sighted: Sighted) -> ExchangeId | None:
        cursor = self._db.execute(_ADD_EXCHANGE, astuple(sighted.exchange))
        if cursor.rowcount == 0:
            return None
        exchange_id = cursor.lastrowid
        assert exchange_id is not None
        for at, issued in enumerate(sighted.issued):
            self._db.execute(_ADD_ISSUED, (exchange_id, at, *_issued_row(issued)))
        for at, presented in enumerate(sighted.presented):
            self._db.execute(_ADD_PRESENTED, (exchange_id, at, *_presented_row(presented)))
        return ExchangeId(exchange_id)

    def begin_capture(self, source: Source, name: str | None = None) -> CaptureId:
        """Note that a capture begins; `end_capture` completes the note."""
        try:
            cursor = self._db.execute(
                "INSERT INTO captures (source, name, at_us, exchanges, duplicates, skipped) "
                "VALUES (?, ?, ?, 0, 0, 0)",
                (source, name, time.time_ns() // 1000),
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from None
        assert cursor.lastrowid is not None
        return CaptureId(cursor.lastrowid)

    def end_capture(self, capture: CaptureId, tally: Tally, problem: str | None = None) -> None:
        """Complete a capture's note: what it added, and what was lost if anything was."""
        try:
            self._db.execute(
                "UPDATE captures SET exchanges = ?, duplicates = ?, skipped = ?, problem = ? "
                "WHERE capture_id = ?",
                (tally.exchanges, tally.duplicates, tally.skipped, problem, capture),
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from None

    def forget_key(self) -> None:
        """Throw the key away; this process may go on appending, no later one can."""
        forget_key(self.path)

    def close(self) -> None:
        """Close the store and fold its write-ahead log in, where no reader holds it."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_store(path: Path) -> None:
    """Raise `StoreError` unless there is a statetrail store of this version at `path`.

    Reads only: the file is neither made nor changed.
    """
    if not path.exists():
        raise StoreError(f"there is no store at {path}")
    try:
        # immutable: a mere look at the header, also where no -shm file can be made.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            application = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path} is no statetrail store ({error})") from None
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is no statetrail store (another program's database)")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has store version {version}, this statetrail reads {SCHEMA_VERSION}: "
            "use the release that wrote it"
        )


def _prepare(db: sqlite3.Connection, secret: bytes) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("BEGIN IMMEDIATE")
    for table in FACTS:
        db.execute(table.ddl())
    db.execute(_META)
    db.execute(_UNIQUE)
    db.execute("INSERT INTO meta VALUES ('key_id', ?) ON CONFLICT DO NOTHING", (key_id(secret),))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def stored_key_id(path: Path) -> str:
    """The id of the key that a store's fingerprints were made with."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        try:
            return str(db.execute("SELECT value FROM meta WHERE key = 'key_id'").fetchone()[0])
        except (sqlite3.Error, TypeError) as error:
            raise StoreError(f"{path} is a damaged store (no key id)") from error


def _secret(path: Path, *, is_new: bool, given: Path | None, keep: bool) -> bytes:
    beside = key_path(path)
    if is_new:
        if given is not None:
            secret = read_key(given)
        elif beside.exists():
            secret = read_key(beside)
        else:
            secret = new_key()
        if keep and not beside.exists():
            write_key(beside, secret)
        return secret
    if given is None and not beside.exists():
        raise StoreError(
            f"the key of {path} ({beside.name}) is missing, so its pseudonyms cannot be continued: "
            "put the key back, or name a new store"
        )
    secret = read_key(given or beside)
    if key_id(secret) != stored_key_id(path):
        raise StoreError(f"{given or beside} is not the key that {path} was made with")
    return secret


def _issued_row(issued: Issued) -> tuple[object, ...]:
    return (
        issued.dialect,
        issued.param,
        *astuple(issued.seen),
        issued.usage,
        issued.priority,
        issued.channel,
        issued.problem,
        issued.length,
        issued.alphabet,
    )


def _presented_row(presented: Presented) -> tuple[object, ...]:
    return (
        presented.dialect,
        presented.param,
        *astuple(presented.seen),
        presented.channel,
        presented.kind,
    )
