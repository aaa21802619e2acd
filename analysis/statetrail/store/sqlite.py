"""The store that is written: one SQLite file in WAL mode, a transaction per exchange or batch.

Enters: `Sighted` exchanges. Leaves: rows, committed when `append` returns, so that a process
killed after that has lost nothing. Others may read while it is written.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NewType, Self

from statetrail.errors import StoreError
from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED, SCHEMA_VERSION, TRACES
from statetrail.sightings import Pseudonymiser, Seen, Sighted
from statetrail.sightings.text import clean
from statetrail.store.keys import forget_key, key_id, key_path, new_key, read_key, write_key

ExchangeId = NewType("ExchangeId", int)
CaptureId = NewType("CaptureId", int)
type Source = Literal["live", "har", "flows"]

APPLICATION_ID: Final = 0x5354_5452
"""SQLite application id (``STTR``): tells a statetrail store from any other database."""

_HEADER: Final = b"SQLite format 3\0"
_META: Final = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
_UNIQUE: Final = (
    "CREATE UNIQUE INDEX IF NOT EXISTS exchange_once ON exchanges (flow_id, request_start_us)"
)


def _insert(table: str, names: Iterable[str], suffix: str = "") -> str:
    names = tuple(names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}){suffix}"  # noqa: S608


def _values(names: Iterable[str]) -> "attrgetter[tuple[object, ...]]":
    """The values of a sighting's columns, in order."""
    seen = Seen.__slots__
    return attrgetter(*(f"seen.{name}" if name in seen else name for name in names))


_ADD_EXCHANGE: Final = _insert("exchanges", EXCHANGES.names[1:], " ON CONFLICT DO NOTHING")
_ADD_ISSUED: Final = _insert("issued", ISSUED.names)
_ADD_PRESENTED: Final = _insert("presented", PRESENTED.names)
_ADD_TRACE: Final = _insert("traces", TRACES.names)
_EXCHANGE_VALUES: Final = attrgetter(*EXCHANGES.names[1:])
_ISSUED_VALUES: Final = _values(ISSUED.names[2:])
_PRESENTED_VALUES: Final = _values(PRESENTED.names[2:])
_TRACE_VALUES: Final = attrgetter(*TRACES.names[2:])
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
        if os.path.isdir(path):
            raise StoreError(f"{path} is a folder: a store is one file, e.g. {path / 'x.sqlite'}")
        if not os.path.isdir(path.parent):
            raise StoreError(f"{path.parent} is no folder: make it first, or name another store")
        is_new = not os.path.exists(path) or _is_blank(path)
        if not is_new:
            check_store(path)
        secret = _secret(path, is_new=is_new, given=Path(key) if key else None, keep=keep_key)
        try:
            db = sqlite3.connect(
                path, isolation_level=None, timeout=busy_s, check_same_thread=False
            )
            try:
                _prepare(db, path, secret)
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
        cursor = self._db.execute(_ADD_EXCHANGE, _EXCHANGE_VALUES(sighted.exchange))
        if cursor.rowcount == 0:
            return None
        exchange_id = cursor.lastrowid
        assert exchange_id is not None
        for statement, sightings, values in (
            (_ADD_ISSUED, sighted.issued, _ISSUED_VALUES),
            (_ADD_PRESENTED, sighted.presented, _PRESENTED_VALUES),
            (_ADD_TRACE, sighted.traces, _TRACE_VALUES),
        ):
            if sightings:
                rows = [(exchange_id, at, *values(one)) for at, one in enumerate(sightings)]
                self._db.executemany(statement, rows)
        return ExchangeId(exchange_id)

    def begin_capture(self, source: Source, name: str | None = None) -> CaptureId:
        """Note that a capture begins; `end_capture` completes the note."""
        try:
            cursor = self._db.execute(
                "INSERT INTO captures (source, name, at_us, exchanges, duplicates, skipped) "
                "VALUES (?, ?, ?, 0, 0, 0)",
                (source, name if name is None else clean(name, 255), time.time_ns() // 1000),
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from None
        assert cursor.lastrowid is not None
        return CaptureId(cursor.lastrowid)

    def end_capture(self, capture: CaptureId, tally: Tally, problem: str | None = None) -> None:
        """Complete a capture's note: what it added, and what was lost if anything was."""
        lost = problem if problem is None else clean(problem, 1024)
        try:
            self._db.execute(
                "UPDATE captures SET exchanges = ?, duplicates = ?, skipped = ?, problem = ? "
                "WHERE capture_id = ?",
                (tally.exchanges, tally.duplicates, tally.skipped, lost, capture),
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


def read_only_uri(path: Path) -> str:
    """The URI by which SQLite reads a store and leaves nothing behind.

    Without a write-ahead log the file is complete in itself and is read as it is, also where its
    folder cannot be written; with one SQLite needs the shared-memory file beside it.
    """
    log = f"{path}-wal"
    still = not os.path.exists(log) or os.path.getsize(log) == 0
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def check_store(path: Path) -> None:
    """Raise `StoreError` unless there is a statetrail store of this version at `path`.

    Reads only: the file is neither made nor changed.
    """
    with _read_only(path) as db:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("SELECT 1 FROM sqlite_schema").fetchone()
    _check_marks(path, application, version)


def stored_key_id(path: Path) -> str:
    """The id of the key that a store's fingerprints were made with."""
    with _read_only(path) as db:
        return _key_id_in(db, path)


@contextmanager
def _read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to an existing SQLite file that changes nothing."""
    if not os.path.exists(path):
        raise StoreError(f"there is no store at {path}")
    if not os.path.isfile(path):
        raise StoreError(f"{path} is no statetrail store (no regular file)")
    try:
        with open(path, "rb") as file:
            header = file.read(len(_HEADER))
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror})") from None
    if header != _HEADER:
        what = "no SQLite database" if header else "an empty file"
        raise StoreError(f"{path} is no statetrail store ({what})")
    try:
        with closing(sqlite3.connect(read_only_uri(path), uri=True)) as db:
            yield db
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path} is damaged or cannot be read ({error})") from None


def _is_blank(path: Path) -> bool:
    """Whether the file has nothing in it: a store whose making was cut short, or a mere name."""
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return True
    with _read_only(path) as db:
        marks = [
            db.execute(f"PRAGMA {n}").fetchone()[0] for n in ("application_id", "user_version")
        ]
        return not any(marks) and db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None


def _check_marks(path: Path, application: int, version: int) -> None:
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is no statetrail store (another program's database)")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has store version {version}, this statetrail reads {SCHEMA_VERSION}: "
            "use the release that wrote it"
        )


def _key_id_in(db: sqlite3.Connection, path: Path) -> str:
    try:
        return str(db.execute("SELECT value FROM meta WHERE key = 'key_id'").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise StoreError(f"{path} is a damaged store (no key id)") from error


def _prepare(db: sqlite3.Connection, path: Path, secret: bytes) -> None:
    """Make the tables where there are none yet, and see that the key is the store's own.

    Within one transaction, since another process may be making the same store.
    """
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None:
        for table in FACTS:
            db.execute(table.ddl())
        db.execute(_META)
        db.execute(_UNIQUE)
        db.execute("INSERT INTO meta VALUES ('key_id', ?)", (key_id(secret),))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif _key_id_in(db, path) != key_id(secret):
        raise StoreError(f"{path} was made with another key")
    db.execute("COMMIT")


def _secret(path: Path, *, is_new: bool, given: Path | None, keep: bool) -> bytes:
    beside = key_path(path)
    has_key = os.path.exists(beside)
    if is_new:
        secret = read_key(given) if given else read_key(beside) if has_key else new_key()
        if has_key and read_key(beside) != secret:
            raise StoreError(f"{beside} is another key than {given}: move it, or name a new store")
        if keep and not has_key:
            write_key(beside, secret)
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
