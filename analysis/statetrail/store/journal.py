"""Recording that goes on whatever happens to the store: nothing here raises once it is open.

Enters: `ExchangeFacts`, one exchange at a time. Leaves: committed rows when `add` returns, as long
as the store can be written. Where it cannot (full disk, locked, damaged, removed), exchanges wait
in memory within a bound; those beyond it are lost. Once the store works again what waited is
written, and the gap is noted in the store: how many exchanges, from when to when, and why.

A removed file is made anew, a damaged one is set aside under another name; both keep the key. The
note of the capture says how many recorded exchanges went with it.
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
from statetrail.extract import ExchangeFacts
from statetrail.store.checkpoints import DAMAGED, Checkpoints, pages_of_log
from statetrail.store.rotation import StoreName
from statetrail.store.sqlite import CaptureId, Durability, ExchangeId, SqliteStore, WriteError

BUSY_S: Final = 0.25
"""Longest wait in seconds for another program that writes to the store."""
RETRY_S: Final = 0.5
"""Pause between two tries to write to a store that cannot be written."""
LOOK_S: Final = 0.2
"""Pause between two looks at the file itself: is it there, is it sound, is it full?"""
BATCH: Final = 200
MAX_NOTE: Final = 900
"""Characters of one capture's note; later gaps are noted with another capture."""
KEPT_OPEN: Final = 2
"""Stores before the current one that stay open for exchanges that are under way."""

_REOPEN: Final = (*DAMAGED, "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "OPEN")


@dataclass(slots=True, eq=False)
class Entry:
    """An exchange that was given to the journal.

    Attributes
    ----------
    store, exchange_id
        Where it is stored, once it is; without an id: it was there already.
    weight
        What it counts in memory while it waits to be written, else 0.
    """

    facts: ExchangeFacts
    store: SqliteStore | None = None
    exchange_id: ExchangeId | None = None
    weight: int = 0


@dataclass(slots=True)
class Gap:
    """What was lost since the last note of it."""

    exchanges: int = 0
    first_us: int = 0
    last_us: int = 0
    reason: str = ""

    def add(self, facts: ExchangeFacts, reason: str) -> None:
        """Count an exchange."""
        row = facts.exchange
        begun, ended = row.request_start_us, row.response_end_us or row.request_start_us
        self.first_us = min(self.first_us, begun) if self.exchanges else begun
        self.last_us = max(self.last_us, ended) if self.exchanges else ended
        self.exchanges += 1
        self.reason = reason

    def sentence(self) -> str:
        """The gap as it is noted."""
        return (
            f"{self.exchanges} {'exchange was' if self.exchanges == 1 else 'exchanges were'} lost, "
            f"{_when(self.first_us)} to {_when(self.last_us)} UTC ({self.reason})"
        )


class Journal:
    """A store that is recorded into without end.

    Parameters
    ----------
    name
        Which file that is.
    complain
        Called with a sentence on each failure; it has to keep within bounds itself.
    max_waiting
        Exchanges and values that may wait in memory.

    Raises
    ------
    StoreError
        The store cannot be used from the beginning; see `SqliteStore.create_or_open`.
    """

    def __init__(
        self,
        name: StoreName,
        complain: Callable[[str], None],
        *,
        durability: Durability = "normal",
        max_waiting: int = 50_000,
    ) -> None:
        self.name = name
        self.recorded = 0
        self.lost = 0
        self._complain = complain
        self._durability: Durability = durability
        self._max_waiting = max_waiting
        self._waiting: deque[Entry] = deque()
        self._weight = 0
        self._gap = Gap()
        self._notes: list[str] = []
        self._trouble: str | None = None
        self._retry_at = 0.0
        self._look_at = time.monotonic() + LOOK_S
        self._old: list[SqliteStore] = []
        self._file: object = None
        self._in_file = 0
        self._gone: list[SqliteStore] = []
        kin, path = name.kin(), name.at(time.time())
        if kin is None or kin == path:
            store = SqliteStore.create_or_open(path, busy_s=BUSY_S, durability=durability)
        else:
            with SqliteStore.create_or_open(kin, busy_s=BUSY_S) as last:
                store = last.sibling(path, busy_s=BUSY_S, durability=durability)
        self._begin(store)

    def _begin(self, store: SqliteStore) -> None:
        """Record into a store from now on; it is closed again where that fails."""
        store.leave_checkpoints(pages_of_log(store.path))
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
        """Exchanges that wait in memory."""
        return len(self._waiting)

    def add(self, facts: ExchangeFacts, *, later: bool = False) -> Entry:
        """Record an exchange; it is committed when this returns, unless the store is in trouble.

        With `later` it is committed with the next one, or by `flush`.
        """
        entry = Entry(facts)
        self._put(entry, later=later)
        return entry

    def update(self, entry: Entry, facts: ExchangeFacts) -> None:
        """Record that an exchange said more, or ended, since it was added."""
        entry.facts = facts
        if entry.weight:
            self.flush()
        elif entry.store is not None and entry.exchange_id is not None:
            self._put(entry)

    def flush(self) -> None:
        """Try again to write what waits, if it is time."""
        if self._waiting and time.monotonic() >= self._retry_at:
            self._write()

    def lose(self, facts: ExchangeFacts, reason: str) -> None:
        """Count an exchange that is not kept."""
        self.lost += 1
        self._gap.add(facts, reason)

    def close(self) -> None:
        """Write what can be written, and close the store."""
        self.settle()
        self.store.close()

    def settle(self) -> None:
        """Write what can be written, and the last gap. The journal can still be used after it."""
        self._retry_at = 0.0
        self._write()
        if self._trouble is not None:
            for entry in self._waiting:
                entry.weight = 0
                self._drop(entry, self._trouble)
            self._waiting.clear()
            self._weight = 0
            self._complain(f"the store could not be written to the end ({self._trouble})")
        self._checkpoints.close()
        for store in self._old:
            store.close()
        self._old.clear()

    def _put(self, entry: Entry, *, later: bool = False) -> None:
        if self._weight > self._max_waiting:
            self._drop(entry, self._trouble or "memory")
            self.flush()
            return
        entry.weight = _weight(entry.facts)
        self._waiting.append(entry)
        self._weight += entry.weight
        if not later and (self._trouble is None or time.monotonic() >= self._retry_at):
            self._write()

    def _drop(self, entry: Entry, reason: str) -> None:
        """Give an entry up; of one whose beginning is stored that is kept, as under way."""
        if entry.exchange_id is None:
            self.lose(entry.facts, reason)

    def _write(self) -> None:
        """Write all that waits; on an error it waits on."""
        try:
            self._take_care()
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
            if self._gap.exchanges or self._notes:
                self._note()
            if self._trouble is not None:
                self.store.wait_at_most(BUSY_S)
                self._trouble = None
        except (StoreError, OSError, apsw.Error) as error:
            self._fail(error)

    def _commit(self, batch: list[Entry]) -> None:
        """Write a batch; entries that are in an older store are changed there."""
        if len(batch) == 1:
            parts = {self._home(batch[0]): batch}
        else:
            parts = {}
            for entry in batch:
                parts.setdefault(self._home(entry), []).append(entry)
        for store, part in parts.items():
            if store.closed:
                continue  # of an exchange that outlived several rotations the beginning is kept
            capture = self._capture if store is self.store else None
            ids = store.write([(e.exchange_id, e.facts) for e in part], capture)
            for entry, exchange_id in zip(part, ids, strict=True):
                if entry.exchange_id is None:
                    self.recorded += 1
                    self._in_file += 1
                entry.store, entry.exchange_id = store, exchange_id

    def _home(self, entry: Entry) -> SqliteStore:
        """The store that an entry belongs into."""
        store = entry.store
        if store is None or store is self.store or not store.closed:
            return store or self.store
        if store.file == self.store.file:
            return self.store  # it was only opened again
        if store in self._gone:
            entry.exchange_id = None  # what was stored of it went with the file
            return self.store
        return store

    def _fail(self, error: Exception) -> None:
        self._trouble = error.reason if isinstance(error, WriteError) else "OPEN"
        self._retry_at = time.monotonic() + RETRY_S
        self._complain(str(error))
        if self._trouble.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            # Others' traffic does not wait again for the one that holds the store.
            self.store.wait_at_most(0)

    def _take_care(self) -> None:
        """See that the file that is written to is the right one, and sound."""
        if self._trouble is not None and (self.store.closed or self._trouble.startswith(_REOPEN)):
            # A store that was closed to be opened again may not have been, for another trouble.
            self._mend(damaged=self._trouble.startswith(DAMAGED))
            return
        if (now := time.monotonic()) < self._look_at:
            return
        self._look_at = now + LOOK_S
        if self._checkpoints.damaged or self.store.moved:
            what = "damaged" if self._checkpoints.damaged else "removed"
            self._complain(f"{self.store.path} was {what}")
            self._mend(damaged=self._checkpoints.damaged)
        elif self.name.changes and (path := self.name.at(time.time())) != self.store.path:
            self._go_on(self._known(path) or self._sibling(path))
        else:
            self.store.leave_checkpoints(pages_of_log(self.store.path))

    def _mend(self, *, damaged: bool) -> None:
        """Open the store again; where it is gone or damaged, a new one with the same key."""
        path = self.store.path
        gone = damaged or self.store.moved
        # Closing removes the log of that name: it has to be done before a new one is made.
        self._checkpoints.close()
        self.store.close()
        if damaged:
            aside = _set_aside(path)
            kept = f"the store was damaged and is kept as {aside.name}, with the"
        else:
            kept = "the store was removed, and with it the"
        if gone and self.store not in self._gone:
            self._gone = [*self._gone[-7:], self.store]
            self._notes.append(f"{kept} {self._in_file} exchanges recorded into it before")
        self._begin(self._sibling(path))

    def _sibling(self, path: Path) -> SqliteStore:
        return self.store.sibling(path, busy_s=BUSY_S, durability=self._durability)

    def _known(self, path: Path) -> SqliteStore | None:
        """The store at a path that is still open, after a clock that was set back.

        Looking into its file beside would cancel the locks that SQLite holds on it.
        """
        for store in self._old:
            if store.path == path and not store.moved:
                self._old.remove(store)
                return store
        return None

    def _go_on(self, store: SqliteStore) -> None:
        """Record into the next store; the last one stays open for what is under way."""
        before, checkpoints = self.store, self._checkpoints
        self._begin(store)
        checkpoints.close()
        self._old.append(before)
        while len(self._old) > KEPT_OPEN:
            self._old.pop(0).close()

    def _note(self) -> None:
        """Note what was lost."""
        gap = [self._gap.sentence()] if self._gap.exchanges else []
        sentence = "; ".join([*self._notes, *gap])
        if self._noted + len(sentence) > MAX_NOTE:
            self._capture, self._noted = self.store.begin_capture("live"), 0
        self.store.note_loss(self._capture, sentence)
        self._noted += len(sentence) + 2
        self._gap = Gap()
        self._notes.clear()


def _weight(facts: ExchangeFacts) -> int:
    return 1 + len(facts.issued) + len(facts.presented) + len(facts.token_candidates)


def _when(us: int) -> str:
    try:
        return f"{datetime.fromtimestamp(us / 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return str(us)


def _set_aside(path: Path) -> Path:
    """Rename a damaged store with its log; nothing is overwritten."""
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
