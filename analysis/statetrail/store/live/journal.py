"""Recording that continues when the store fails: nothing here raises once it is open.

Enters: `ExchangeFacts`, one exchange at a time. Leaves: committed rows when `add` returns, as long
as the store can be written.

1. A thread writes, since a disk that hangs would hold up whoever writes to it.
2. `add` waits for it until a deadline; after that exchanges wait in memory, up to a limit, and
   `add` does not wait again until a write has been fast.
3. The same holds while the store cannot be written (full disk, locked, damaged, removed).
4. Beyond the limit exchanges are lost. Once the store can be written again, the waiting ones are
   written, and the loss is noted in the store: how many exchanges, from when to when, and why.
5. What still waits at the end is spilled to a file beside the store.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from statetrail.extract.extractor import ExchangeFacts
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.store.live.current import BUSY_S, CurrentStore
from statetrail.store.live.entry import JournalEntry, weight_of
from statetrail.store.live.gap import LostExchanges
from statetrail.store.live.spill import SpillHeader, Waiting
from statetrail.store.opening import Durability
from statetrail.store.rotation import StoreName
from statetrail.store.sqlite import SqliteStore, WriteError

DEADLINE_S: Final = 0.5
"""Longest wait in seconds for the thread that writes."""
RETRY_S: Final = 0.5
"""Pause between two attempts to write to a failing store, and between two checks of an idle one."""
STOP_S: Final = 3.0
"""Longest wait in seconds for the last attempt."""
BATCH: Final = 200


class Journal:
    """A store that is recorded into for as long as the recorder runs.

    `warn` is called with a sentence on each failure, from any thread; it has to limit its own rate.
    At most `max_waiting` exchanges and values wait in memory. Raises `StoreError` if the store
    cannot be opened; see `SqliteStore.create_or_open`.
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
        self.recorded = 0
        self.lost = 0
        self.refused = 0
        self._warn = warn
        self._max_waiting = max_waiting
        # Guards what follows; it is never held during a write.
        self._lock = threading.Lock()
        self._waiting: deque[JournalEntry] = deque()
        self._weight = 0
        self._lost_exchanges = LostExchanges()
        self._error: str | None = None
        self._retry_at = 0.0
        self._current = CurrentStore(
            *(name, warn), key=key, keep_key=keep_key, durability=durability
        )
        # What the thread is to do, and the numbers of what it has done.
        self._requests: SimpleQueue[tuple[int, Callable[[], None] | None]] = SimpleQueue()
        self._answers: SimpleQueue[int] = SimpleQueue()
        self._asked_for = self._done = 0
        self._took_s = 0.0
        self._late = self._has_spilled = False
        self._thread = threading.Thread(target=self._run, name="statetrail-writer", daemon=True)
        self._thread.start()

    @property
    def store(self) -> SqliteStore:
        """The store that is recorded into."""
        return self._current.store

    @property
    def path(self) -> Path:
        """The path of the store that is recorded into."""
        return self._current.store.path

    @property
    def fingerprinter(self) -> Fingerprinter:
        """The fingerprints of the store's key."""
        return self._current.store.fingerprinter

    @property
    def gaps(self) -> int:
        """Number of notes on what was lost."""
        return self._current.gaps

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
        with self._lock:
            entry.facts = facts
            waits = entry.weight > 0
        if waits:
            self.flush()
        elif entry.store is not None and entry.exchange_id is not None:
            self._enqueue(entry)

    def flush(self) -> None:
        """Write the waiting exchanges, unless an attempt has just failed."""
        if self._waiting and time.monotonic() >= self._retry_at:
            self._write()

    def lose(self, facts: ExchangeFacts, reason: str) -> None:
        """Count an exchange as lost."""
        with self._lock:
            self.lost += 1
            self._lost_exchanges.add(facts, reason)

    def refuse(self) -> None:
        """Count a request that the proxy refused; it is stored with the next exchange or soon."""
        self.refused += 1

    def discard(self) -> None:
        """Undo the opening of the journal, if nothing was recorded into its store."""
        self._call(self._current.discard, STOP_S)
        self._requests.put((0, None))

    def close(self) -> None:
        """Write the waiting exchanges, and close the store."""
        if self._done != self._asked_for:
            return  # the thread hangs, and `settle` has waited for it
        if not self._is_all_stored() and not self._has_spilled:
            self._warn(self.settle() or "")
        self._call(self._current.close, STOP_S)
        self._requests.put((0, None))

    def settle(self) -> str | None:
        """Write the waiting exchanges and the losses, or spill them; then a sentence on that.

        The journal can still be used afterwards.
        """
        if self._is_all_stored():
            return None
        with self._lock:
            entries = [*self._waiting]
            lost = [self._lost_exchanges.sentence()] if self._lost_exchanges.exchanges else []
        reason, file = self._error or "the disk does not answer", self.store.file
        # What began in an earlier store is kept there.
        entries = [one for one in entries if one.store is None or one.store.file == file]
        spilled = LostExchanges()
        for entry in entries:
            if entry.exchange_id is None:
                spilled.add(entry.facts, reason)
        header = SpillHeader(
            key_id=self.store.key_id,
            exchanges=spilled.exchanges,
            first_us=spilled.first_us,
            last_us=spilled.last_us,
            reason=reason,
            gaps=(*self._current.notes, *lost),
        )
        self._has_spilled = True
        written = self._spill(header, [(one.exchange_id, one.facts) for one in entries])
        kept = f"{written} are in {self._current.spill.path} for the next start"
        return (
            f"{spilled.exchanges} exchanges could not be stored ({reason}): "
            f"{kept}, {spilled.exchanges - written} are lost"
        )

    def _is_all_stored(self) -> bool:
        """Whether a last attempt has written all that waits, and marked the clean end."""
        self._retry_at = 0.0
        return self._call(self._end, STOP_S) and self._error is None

    def _spill(self, header: SpillHeader, waiting: list[Waiting]) -> int:
        """Write the spill file, which may be on the disk that hangs; how many fitted in."""
        written: list[int] = []
        thread = threading.Thread(
            target=lambda: written.append(self._current.spill.write(header, waiting)),
            name="statetrail-spill",
            daemon=True,
        )
        thread.start()
        thread.join(STOP_S)
        return written[0] if written else 0

    def _enqueue(self, entry: JournalEntry, *, later: bool = False) -> None:
        with self._lock:
            if fits := self._weight <= self._max_waiting:
                entry.weight = weight_of(entry.facts)
                self._waiting.append(entry)
                self._weight += entry.weight
        if not fits:
            self._drop(entry, self._error or ("the disk is slow" if self._late else "memory"))
            self.flush()
        elif not later and (self._error is None or time.monotonic() >= self._retry_at):
            self._write()

    def _drop(self, entry: JournalEntry, reason: str) -> None:
        """Give up an entry; if its beginning is stored, that stays, marked as under way."""
        if entry.exchange_id is None:
            self.lose(entry.facts, reason)

    def _write(self) -> None:
        """Let the thread write what waits, and wait for it until the deadline."""
        if self._late:
            if self._done != self._asked_for:
                return
            self._late = self._took_s > DEADLINE_S
        if not self._call(self._attempt, 0 if self._late else DEADLINE_S) and not self._late:
            self._late = True
            self._warn(f"{self.path} could not be written for {DEADLINE_S} s")

    def _call(self, action: Callable[[], None], wait_s: float) -> bool:
        """Let the thread do something; whether it was done within this time."""
        self._asked_for += 1
        self._requests.put((self._asked_for, action))
        until = time.monotonic() + wait_s
        try:
            while wait_s > 0 and self._answers.get(timeout=wait_s) != self._asked_for:
                wait_s = until - time.monotonic()
        except Empty:
            return False
        return wait_s > 0

    def _run(self) -> None:
        """The thread: do what is asked for, and look after the store when nothing is."""
        while True:
            try:
                number, action = self._requests.get(timeout=RETRY_S or 0.5)
            except Empty:
                if time.monotonic() >= self._retry_at:
                    self._attempt()
                continue
            if action is None:
                return
            began = time.monotonic()
            try:
                action()
            except Exception as error:  # whatever it is, the thread goes on
                self._fail(error)
            self._took_s = time.monotonic() - began
            self._done = number
            self._answers.put(number)

    def _attempt(self) -> None:
        """Write the waiting entries; after an error they keep waiting."""
        try:
            self._current.check(self._error)
            size = BATCH
            while batch := self._head(size):
                try:
                    self.recorded += self._current.commit(batch)
                except WriteError as error:
                    if not error.unstorable:
                        raise
                    if len(batch) > 1:
                        size = 1
                        continue
                    self._drop(batch[0][0], error.reason)
                self._remove(batch)
            self._note()
            if self._error is not None:
                self.store.set_busy_timeout(BUSY_S)
                self._error = None
        except Exception as error:  # whatever it is, the exchanges wait
            self._fail(error)

    def _end(self) -> None:
        """The last attempt; where it succeeds, the clean end is marked."""
        self._attempt()
        if self._error is None:
            self._current.end()

    def _head(self, size: int) -> list[tuple[JournalEntry, ExchangeFacts]]:
        with self._lock:
            return [(entry, entry.facts) for entry in islice(self._waiting, size)]

    def _remove(self, batch: list[tuple[JournalEntry, ExchangeFacts]]) -> None:
        """Entries that were written wait no more, unless they have changed meanwhile."""
        with self._lock:
            for entry, facts in batch:
                self._waiting.popleft()
                if entry.facts is facts:
                    self._weight -= entry.weight
                    entry.weight = 0
                else:
                    self._waiting.append(entry)

    def _note(self) -> None:
        with self._lock:
            lost, self._lost_exchanges = self._lost_exchanges, LostExchanges()
        try:
            self._current.count_refused(self.refused)
            self._current.note(lost)
        except Exception:
            with self._lock:
                lost.extend(self._lost_exchanges)
                self._lost_exchanges = lost
            raise

    def _fail(self, error: Exception) -> None:
        self._error = error.reason if isinstance(error, WriteError) else "OPEN"
        self._retry_at = time.monotonic() + RETRY_S
        self._warn(str(error))
        if self._error.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            # Traffic waits only once for the process that locks the store.
            self.store.set_busy_timeout(0)
