"""A store open for writing: one SQLite file in WAL mode, a transaction per exchange or batch.

Enters: `ExchangeFacts`. Leaves: rows, committed when `append` returns, so that a process that is
killed after that has lost nothing. Other processes may read meanwhile.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NewType, Self

import apsw

from statetrail.errors import StoreError
from statetrail.extract.extractor import ExchangeFacts
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.text import clean
from statetrail.store import rows, running
from statetrail.store.connection import OPEN, error_name, error_text, identity
from statetrail.store.file_header import check_store, is_blank, stored_key_id
from statetrail.store.keys import keep_key, key_id, key_path
from statetrail.store.opening import (
    Durability,
    check_target,
    new_secret,
    open_prepared,
    stored_secret,
)
from statetrail.store.rows import ExchangeId

CaptureId = NewType("CaptureId", int)
type Source = str
"""`live`, or the name of a format of captures."""

_END: Final = (
    "UPDATE captures SET exchanges = max(exchanges, ?), duplicates = ?, skipped = ?, problem = ? "
    "WHERE capture_id = ? RETURNING exchanges"
)
_COUNT: Final = (
    "UPDATE captures SET exchanges = exchanges + ?, duplicates = duplicates + ? "
    "WHERE capture_id = ?"
)

LOG: Final = ("-wal", "-shm")
"""What the names of the write-ahead log and of its index end in."""

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
        super().__init__(f"{path} could not be written ({error_text(error)})")


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
        self.keeps_key = True
        self._made = (False, False)
        self.fingerprinter = Fingerprinter(secret)
        self._secret = secret
        self._db = connection
        # Reused for every write: creating one takes as long as adding a row.
        self._cursor = connection.cursor()
        self.file = identity(path)
        self._log = [identity(Path(f"{path}{suffix}")) for suffix in LOG]
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
        given = Path(key) if key else None
        is_new, had_key = check_target(path, given), os.path.exists(key_path(path))
        secret = new_secret(path, given, keep=keep_key) if is_new else stored_secret(path, given)
        store = cls(path, open_prepared(path, secret, busy_s, durability), secret)
        store.keeps_key = keep_key
        store._made = (is_new, is_new and not had_key)
        return store

    def sibling(
        self, path: Path, *, busy_s: float = 5, durability: Durability = "normal"
    ) -> "SqliteStore":
        """Open or create the store at `path` with this store's key; see `create_or_open`."""
        is_new = not os.path.exists(path) or is_blank(path)
        if not is_new:
            check_store(path)
            if stored_key_id(path) != key_id(self._secret):
                raise StoreError(f"{path} was made with another key than {self.path}")
        if self.keeps_key:
            self.write_key(path)
        store = SqliteStore(
            path, open_prepared(path, self._secret, busy_s, durability), self._secret
        )
        store.keeps_key = self.keeps_key
        return store

    def write_key(self, path: Path) -> None:
        """Write this store's key beside the store at `path`, unless it is there."""
        beside = key_path(path)
        if keep_key(beside, self._secret) != self._secret:
            raise StoreError(f"{beside} is another key than that of {self.path}")

    @property
    def key_id(self) -> str:
        """The id of the store's key."""
        return key_id(self._secret)

    @property
    def moved(self) -> bool:
        """Whether the open file is no longer the one at the path.

        SQLite writes to a removed file without an error.
        """
        return self.file != identity(self.path)

    @property
    def log_removed(self) -> bool:
        """Whether the open log, or the index of it, is no longer the one beside the store.

        SQLite goes on writing to a removed log, which nobody else reads.
        """
        return self._log != [identity(Path(f"{self.path}{suffix}")) for suffix in LOG]

    def fold(self) -> None:
        """Checkpoint a log that was removed, unless another program has begun a new one."""
        if identity(Path(f"{self.path}-wal")) is None:
            with suppress(apsw.Error):
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

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

    def begin_live(self) -> CaptureId:
        """Add the row of a capture that is recorded live, marked until `end_live` ends it."""
        try:
            with self._db:
                capture = self.begin_capture("live")
                running.mark(self._db, capture)
        except apsw.Error as error:
            raise WriteError(self.path, error) from None
        return capture

    def end_live(self, capture: CaptureId) -> None:
        """End a capture: what it recorded is stored, or noted."""
        self._write(lambda: running.unmark(self._db, capture))

    def unended(self) -> list[CaptureId]:
        """The captures that have not been ended, whether their recorder runs or not."""
        try:
            return [CaptureId(number) for number in running.marked(self._db)]
        except apsw.Error:
            return []

    def count_stored(self, capture: CaptureId) -> int:
        """How many exchanges a capture has added to the store, by its row; 0 without one."""
        with suppress(apsw.Error):
            return (
                self._db.execute(
                    "SELECT exchanges FROM captures WHERE capture_id = ?", (capture,)
                ).get
                or 0
            )
        return 0

    def stored_id(self, exchange_id: int | None, facts: ExchangeFacts) -> ExchangeId | None:
        """The id, if the exchange is stored by it: the store may be another one by now."""
        if exchange_id is None:
            return None
        with suppress(apsw.Error):
            flow_id = self._db.execute(
                "SELECT flow_id FROM exchanges WHERE exchange_id = ?", (exchange_id,)
            ).get
            return ExchangeId(exchange_id) if flow_id == facts.exchange.flow_id else None
        return None

    def find(self, start_us: int, flow_id: str, reach_us: int = 0) -> rows.StoredExchange | None:
        """The first exchange of that flow id that started then, or up to so much later."""
        return rows.find(self._cursor, start_us, flow_id, reach_us)

    def values_of(self, stored: rows.StoredExchange) -> rows.Fingerprints:
        """The fingerprints of the values of a stored exchange."""
        return rows.values_of(self._cursor, stored.exchange_id)

    def adopt(self, capture: CaptureId, source: str) -> None:
        """Let the exchanges that a capture added be those of another file's client."""
        self._execute("UPDATE exchanges SET source = ? WHERE capture_id = ?", (source, capture))

    def holds_files(self) -> bool:
        """Whether captures other than live ones added exchanges."""
        files = "SELECT EXISTS (SELECT 1 FROM captures WHERE source <> 'live' AND exchanges > 0)"
        return bool(self._db.execute(files).get)

    def last_us(self, capture: CaptureId) -> int | None:
        """When the last exchange that a capture added ended, in microseconds since the epoch."""
        with suppress(apsw.Error):
            last = "SELECT coalesce(response_end_us, request_start_us) FROM exchanges "
            last += "WHERE capture_id = ? ORDER BY exchange_id DESC LIMIT 1"
            value: int | None = self._db.execute(last, (capture,)).get
            return value
        return None

    def end_capture(
        self, capture: CaptureId, counts: CaptureCounts, problem: str | None = None
    ) -> int:
        """Complete a capture's row: counts, what was lost. Returns how many exchanges it has."""
        lost = problem if problem is None else clean(problem, 1024)
        values = (counts.exchanges, counts.duplicates, counts.skipped, lost, capture)
        return int(self._write(lambda: self._db.execute(_END, values).get) or 0)

    def count_skipped(self, capture: CaptureId, more: int) -> None:
        """Count more requests that are no exchange. Raises `WriteError` if it cannot be stored."""
        self._execute(
            "UPDATE captures SET skipped = skipped + ? WHERE capture_id = ?", (more, capture)
        )

    def note_loss(self, capture: CaptureId, loss: str) -> None:
        """Append a sentence on what was lost to a capture's row.

        Raises `WriteError` if it cannot be written, or the row was removed.
        """
        self._execute(
            "UPDATE captures SET problem = substr(coalesce(problem || '; ', '') || ?, 1, 1024) "
            "WHERE capture_id = ?",
            (clean(loss, 512), capture),
        )
        if self._db.changes() == 0:
            raise WriteError(self.path, apsw.SQLError("the capture's row was removed"))

    def _execute(self, statement: str, values: tuple[int | str | None, ...]) -> None:
        self._write(lambda: self._db.execute(statement, values))

    def _write[T](self, statement: Callable[[], T]) -> T:
        try:
            return statement()
        except apsw.Error as error:
            raise WriteError(self.path, error) from None

    def set_busy_timeout(self, busy_s: float) -> None:
        """Set the longest wait in seconds for another process that writes."""
        with suppress(apsw.Error):  # the next write raises it
            self._db.set_busy_timeout(round(busy_s * 1000))

    def set_log_limit(self, pages: int) -> None:
        """Let the write-ahead log grow to so many pages before a commit checkpoints it.

        A checkpoint waits for the disk; `statetrail.store.live.checkpoints` makes them in a thread.
        """
        if pages != self._log_pages:
            with suppress(apsw.Error):
                self._db.execute(f"PRAGMA wal_autocheckpoint = {pages}")
                self._log_pages = pages

    def discard(self, capture: CaptureId) -> None:
        """Close the store, and remove a capture without exchanges, and a store made for it."""
        is_empty = False
        with suppress(apsw.Error):
            self._db.execute(
                "DELETE FROM captures WHERE capture_id = ? AND exchanges = 0", (capture,)
            )
            running.unmark(self._db, capture)
            is_empty = self._db.execute(
                "SELECT NOT EXISTS (SELECT 1 FROM captures UNION SELECT 1 FROM exchanges)"
            ).get
        is_new, has_new_key = self._made
        self.close()
        if is_empty and is_new and not self.moved:
            files = [self.path, Path(f"{self.path}-wal"), Path(f"{self.path}-shm")]
            for file in [*files, key_path(self.path)] if has_new_key else files:
                with suppress(OSError):
                    file.unlink()

    def close(self) -> None:
        """Close the store and checkpoint its write-ahead log, if no reader holds it."""
        self.closed = True
        with suppress(apsw.Error):  # a damaged store cannot be checkpointed
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
