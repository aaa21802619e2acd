"""Recording that continues when the store fails: nothing here raises once it is open.

Enters: `ExchangeFacts`, one exchange at a time. Leaves: committed rows when `add` returns, as long
as the store can be written. While it cannot (full disk, locked, damaged, removed), exchanges wait
in memory up to a limit; further ones are lost. Once the store can be written again, the waiting
ones are written, and the loss is noted in the store: how many exchanges, from when to when, and
why.

A removed file is created again, a damaged one is renamed; both keep the key. The capture's row says
how many recorded exchanges were in that file.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import apsw

from statetrail.errors import StoreError
from statetrail.extract import ExchangeFacts, Fingerprinter
from statetrail.store.live.checkpoints import DAMAGED, Checkpoints, max_log_pages
from statetrail.store.live.gap import LostExchanges
from statetrail.store.opening import Durability
from statetrail.store.rotation import StoreName
from statetrail.store.rows import ExchangeId
from statetrail.store.sqlite import CaptureId, SqliteStore, WriteError

BUSY_S: Final = 0.25
"""Longest wait in seconds for another program that writes to the store."""
RETRY_S: Final = 0.5
"""Pause between two attempts to write to a failing store."""
CHECK_S: Final = 0.2
"""Pause between two checks of the file: whether it is there, sound, and below its size limit."""
BATCH: Final = 200
MAX_NOTE: Final = 900
"""Characters of one capture's `problem`; later losses are noted in another capture's row."""
MAX_PREVIOUS: Final = 2
"""Previous stores that stay open for exchanges that are under way."""

_REOPEN: Final = (*DAMAGED, "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "OPEN")


@dataclass(slots=True, eq=False)
class JournalEntry:
    """An exchange that was given to the journal, and where it is stored, if it is.

    A store without an id: it was stored already. `weight` is its number of values while it waits in
    memory, else 0.
    """

    facts: ExchangeFacts
    store: SqliteStore | None = None
    exchange_id: ExchangeId | None = None
    weight: int = 0


class Journal:
    """A store that is recorded into for as long as the recorder runs.

    `warn` is called with a sentence on each failure; it has to limit its own rate. At most
    `max_waiting` exchanges and values wait in memory. Raises `StoreError` if the store cannot be
    opened; see `SqliteStore.create_or_open`.
    """

    def __init__(
        self,
        name: StoreName,
        warn: Callable[[str], None],
        *,
        key: Path | None = None,
        keep_key: bool = True,
        durability: Durability = "normal",
        max_waiting: int = 50_000,
    ) -> None:
        self.name = name
        self.recorded = 0
        self.lost = 0
        self.gaps = 0
        self._warn = warn
        self._durability: Durability = durability
        self._max_waiting = max_waiting
        self._waiting: deque[JournalEntry] = deque()
        self._weight = 0
        self._lost_exchanges = LostExchanges()
        self._notes: list[str] = []
        self._error: str | None = None
        self._retry_at = 0.0
        self._check_at = time.monotonic() + CHECK_S
        self._previous: list[SqliteStore] = []
        self._file: object = None
        self._in_file = 0
        self._removed: list[SqliteStore] = []
        newest, path = name.newest(), name.at(time.time())
        if newest is None or newest == path:
            store = SqliteStore.create_or_open(
                path, key=key, keep_key=keep_key, busy_s=BUSY_S, durability=durability
            )
        else:
            with SqliteStore.create_or_open(newest, key=key, busy_s=BUSY_S) as last:
                store = last.sibling(path, busy_s=BUSY_S, durability=durability)
        if key is not None and keep_key:
            store.write_key(path)
        self._begin(store)

    @property
    def path(self) -> Path:
        """The store that is recorded into."""
        return self.store.path

    @property
    def fingerprinter(self) -> Fingerprinter:
        """The fingerprints of the store's key."""
        return self.store.fingerprinter

    def _begin(self, store: SqliteStore) -> None:
        """Make a store the current one; it is closed if that fails."""
        store.set_log_limit(max_log_pages(store.path))
        try:
            self._capture: CaptureId = store.begin_capture("live")
        except StoreError:
            store.close()
            raise
        if store.file != self._file:
            self._file, self._in_file = store.file, 0
        self.store, self._noted = store, 0
        self._checkpoints = Checkpoints(store.path)

    @property
    def waiting(self) -> int:
        """Number of exchanges that wait in memory."""
        return len(self._waiting)

    def add(self, facts: ExchangeFacts, *, later: bool = False) -> JournalEntry:
        """Record an exchange; it is committed when this returns, unless the store fails.

        With `later` it is committed with the next one, or by `flush`.
        """
        entry = JournalEntry(facts)
        self._enqueue(entry, later=later)
        return entry

    def update(self, entry: JournalEntry, facts: ExchangeFacts) -> None:
        """Replace the facts of an exchange that has continued or ended since it was added."""
        entry.facts = facts
        if entry.weight:
            self.flush()
        elif entry.store is not None and entry.exchange_id is not None:
            self._enqueue(entry)

    def flush(self) -> None:
        """Write the waiting exchanges, unless an attempt has just failed."""
        if self._waiting and time.monotonic() >= self._retry_at:
            self._write()

    def lose(self, facts: ExchangeFacts, reason: str) -> None:
        """Count an exchange as lost."""
        self.lost += 1
        self._lost_exchanges.add(facts, reason)

    def close(self) -> None:
        """Write the waiting exchanges, and close the store."""
        self.settle()
        self.store.close()

    def discard(self) -> None:
        """Undo the opening of the journal, if nothing was recorded into its store."""
        self._checkpoints.close()
        self.store.discard(self._capture)

    def settle(self) -> str | None:
        """Write the waiting exchanges and the losses; a sentence on those that it could not.

        The journal can still be used afterwards.
        """
        self._retry_at = 0.0
        self._write()
        problem = None
        if self._error is not None:
            for entry in self._waiting:
                entry.weight = 0
                self._drop(entry, self._error)
            self._waiting.clear()
            self._weight = 0
            problem = f"the last exchanges could not be written ({self._error})"
        self._checkpoints.close()
        for store in self._previous:
            store.close()
        self._previous.clear()
        return problem

    def _enqueue(self, entry: JournalEntry, *, later: bool = False) -> None:
        if self._weight > self._max_waiting:
            self._drop(entry, self._error or "memory")
            self.flush()
            return
        entry.weight = _weight(entry.facts)
        self._waiting.append(entry)
        self._weight += entry.weight
        if not later and (self._error is None or time.monotonic() >= self._retry_at):
            self._write()

    def _drop(self, entry: JournalEntry, reason: str) -> None:
        """Give up an entry; if its beginning is stored, that stays, marked as under way."""
        if entry.exchange_id is None:
            self.lose(entry.facts, reason)

    def _write(self) -> None:
        """Write the waiting entries; after an error they keep waiting."""
        try:
            self._check_file()
            size = BATCH
            while self._waiting:
                batch = list(islice(self._waiting, size))
                try:
                    self._commit(batch)
                except WriteError as error:
                    if not error.unstorable:
                        raise
                    if len(batch) > 1:
                        size = 1
                        continue
                    self._drop(batch[0], error.reason)
                for entry in batch:
                    self._weight -= entry.weight
                    entry.weight = 0
                    self._waiting.popleft()
            if self._lost_exchanges.exchanges or self._notes:
                self._note()
            if self._error is not None:
                self.store.set_busy_timeout(BUSY_S)
                self._error = None
        except (StoreError, OSError, apsw.Error) as error:
            self._fail(error)

    def _commit(self, batch: list[JournalEntry]) -> None:
        """Write a batch; entries of a previous store are updated there."""
        if len(batch) == 1:
            parts = {self._store_of(batch[0]): batch}
        else:
            parts = {}
            for entry in batch:
                parts.setdefault(self._store_of(entry), []).append(entry)
        for store, part in parts.items():
            if store.closed:
                continue  # the exchange outlived several rotations: its beginning is kept
            capture = self._capture if store is self.store else None
            ids = store.write([(e.exchange_id, e.facts) for e in part], capture)
            for entry, exchange_id in zip(part, ids, strict=True):
                if entry.exchange_id is None:
                    self.recorded += 1
                    self._in_file += 1
                entry.store, entry.exchange_id = store, exchange_id

    def _store_of(self, entry: JournalEntry) -> SqliteStore:
        """The store to write an entry to."""
        store = entry.store
        if store is None or store is self.store or not store.closed:
            return store or self.store
        if store.file == self.store.file:
            return self.store  # the same file, opened again
        if store in self._removed:
            entry.exchange_id = None  # its beginning was in the removed file
            return self.store
        return store

    def _fail(self, error: Exception) -> None:
        self._error = error.reason if isinstance(error, WriteError) else "OPEN"
        self._retry_at = time.monotonic() + RETRY_S
        self._warn(str(error))
        if self._error.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            # Traffic waits only once for the process that locks the store.
            self.store.set_busy_timeout(0)

    def _check_file(self) -> None:
        """Open the right file: the current one of its name, present and sound."""
        if self._error is not None and (self.store.closed or self._error.startswith(_REOPEN)):
            # A store that was closed for reopening may still be closed, after another error.
            self._reopen(damaged=self._error.startswith(DAMAGED))
            return
        if (now := time.monotonic()) < self._check_at:
            return
        self._check_at = now + CHECK_S
        if self._checkpoints.damaged or self.store.moved:
            event = "damaged" if self._checkpoints.damaged else "removed"
            self._warn(f"{self.store.path} was {event}")
            self._reopen(damaged=self._checkpoints.damaged)
        elif self.name.changes and (path := self.name.at(time.time())) != self.store.path:
            self._rotate(self._reuse(path) or self._sibling(path))
        else:
            self.store.set_log_limit(max_log_pages(self.store.path))

    def _reopen(self, *, damaged: bool) -> None:
        """Open the store again; if it was removed or is damaged, a new one with the same key."""
        path = self.store.path
        is_lost = damaged or self.store.moved
        # Closing removes the log of this name, so it comes before a new store is created.
        self._checkpoints.close()
        self.store.close()
        if damaged:
            aside = _set_aside(path)
            event = f"the store was damaged and is kept as {aside.name}, with the"
        else:
            event = "the store was removed, and with it the"
        if is_lost and self.store not in self._removed:
            self._removed = [*self._removed[-7:], self.store]
            self._notes.append(f"{event} {self._in_file} exchanges recorded into it before")
        self._begin(self._sibling(path))

    def _sibling(self, path: Path) -> SqliteStore:
        return self.store.sibling(path, busy_s=BUSY_S, durability=self._durability)

    def _reuse(self, path: Path) -> SqliteStore | None:
        """The previous store at a path if it is still open, after the clock was set back.

        Opening its file a second time would drop the locks that SQLite holds on it.
        """
        for store in self._previous:
            if store.path == path and not store.moved:
                self._previous.remove(store)
                return store
        return None

    def _rotate(self, store: SqliteStore) -> None:
        """Record into the next store; the last one stays open for exchanges under way."""
        last, checkpoints = self.store, self._checkpoints
        self._begin(store)
        checkpoints.close()
        self._previous.append(last)
        while len(self._previous) > MAX_PREVIOUS:
            self._previous.pop(0).close()

    def _note(self) -> None:
        """Note the losses in the capture's row."""
        lost = [self._lost_exchanges.sentence()] if self._lost_exchanges.exchanges else []
        sentence = "; ".join([*self._notes, *lost])
        if self._noted + len(sentence) > MAX_NOTE:
            self._capture, self._noted = self.store.begin_capture("live"), 0
        self.store.note_loss(self._capture, sentence)
        self.gaps += 1
        self._noted += len(sentence) + 2
        self._lost_exchanges = LostExchanges()
        self._notes.clear()


def _weight(facts: ExchangeFacts) -> int:
    return 1 + len(facts.issued) + len(facts.presented) + len(facts.token_candidates)


def _set_aside(path: Path) -> Path:
    """Rename a damaged store and its log; nothing is overwritten."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside, number = path.with_name(f"{path.name}.damaged-{stamp}"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        try:
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(
                f"{path} is damaged and cannot be set aside: {error.strerror}"
            ) from None
    return aside
