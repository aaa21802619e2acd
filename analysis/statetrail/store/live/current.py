"""The store that is recorded into, opened again or made anew when something happens to it.

Enters: entries to be written, by one thread. Leaves: committed rows; notes of what was lost. A
removed file is created again; one that is damaged, or whose tables another program has changed, is
renamed; all keep the key. The capture's row says how many recorded exchanges were in that file.
What an earlier recorder could not store is taken in.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from statetrail.errors import StoreError
from statetrail.extract.extractor import ExchangeFacts
from statetrail.store.live.checkpoints import DAMAGED, Checkpoints, max_log_pages
from statetrail.store.live.entry import JournalEntry
from statetrail.store.live.gap import LostExchanges, unclean_end
from statetrail.store.live.spill import FRAME, Spill, read_spill
from statetrail.store.opening import Durability
from statetrail.store.rotation import StoreName
from statetrail.store.running import is_recorded, spill_path, spills
from statetrail.store.sqlite import LOG, CaptureId, SqliteStore

BUSY_S: Final = 0.25
"""Longest wait in seconds for another program that writes to the store."""
CHECK_S: Final = 0.2
"""Pause between two checks of the file: whether it is there, sound, and below its size limit."""
MAX_NOTE: Final = 900
"""Characters of one capture's `problem`; later losses are noted in another capture's row."""
MAX_PREVIOUS: Final = 2
"""Previous stores that stay open for exchanges that are under way."""

ALTERED: Final = ("SQLITE_ERROR", "SQLITE_SCHEMA")
"""SQLite's names of the errors of statements that fit the tables no more."""
_EVENTS: Final = {
    "damaged": "was damaged",
    "removed": "was removed",
    "altered": "had its tables changed by another program",
    "unlogged": "had its log removed",
}
_REOPEN: Final = (*DAMAGED, "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "OPEN")


class CurrentStore:
    """The open store of a name. Not thread-safe. Raises `StoreError` if it cannot be opened."""

    def __init__(
        self,
        name: StoreName,
        warn: Callable[[str], None],
        *,
        key: Path | None,
        keep_key: bool,
        durability: Durability,
    ) -> None:
        self.gaps = 0
        self._refused = 0
        self._name = name
        self._warn = warn
        self._durability: Durability = durability
        self._notes: list[str] = []
        self._previous: list[SqliteStore] = []
        self._removed: list[SqliteStore] = []
        self._file: object = None
        self._in_file = self._in_capture = 0
        self._check_at = time.monotonic() + CHECK_S
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
        self._spill: Spill | None = None
        self._begin(store)

    def _begin(self, store: SqliteStore) -> None:
        """Make a store the current one; it is closed if that fails."""
        store.set_log_limit(max_log_pages(store.path))
        try:
            left = [one for one in store.unended() if not is_recorded(store.path, one)]
            self.capture: CaptureId = store.begin_live()
        except StoreError:
            store.close()
            raise
        if store.file != self._file:
            self._file, self._in_file = store.file, 0
        self.store, self._noted, self._in_capture = store, 0, 0
        self._checkpoints = Checkpoints(store)
        if self._spill is not None:
            self._spill.close(remove=True)
        try:
            self._take_in(store, left)
        except StoreError as error:
            self._warn(f"what an earlier recorder left is not taken in: {error}")
        self.spill = self._spill = Spill(store.path, self.capture)

    def _take_in(self, store: SqliteStore, left: Sequence[CaptureId]) -> None:
        """Store what recorders that have ended could not, and note what is missing of it."""
        for number, path in spills(store.path).items():
            spilled = read_spill(path)
            if spilled is None or spilled.header.key_id != store.key_id:
                continue
            capture = CaptureId(number) if number in left else self.capture
            waiting = [(store.stored_id(id_, facts), facts) for id_, facts in spilled.waiting]
            for at in range(0, len(waiting), FRAME):
                store.write(waiting[at : at + FRAME], capture)
            lost = [spilled.missing.sentence()] if spilled.missing.exchanges else []
            for sentence in [*spilled.header.gaps, *lost]:
                store.note_loss(capture, sentence)
                self.gaps += 1
            if number in left:
                store.end_live(capture)
            path.unlink(missing_ok=True)
        for capture in store.unended():
            if capture in left:
                store.note_loss(capture, unclean_end(store.last_us(capture)))
                self.gaps += 1
                store.end_live(capture)
                spill_path(store.path, capture).unlink(missing_ok=True)

    def check(self, error: str | None) -> None:
        """Open the right file: the current one of its name, present and sound.

        `error` is the name of the error of the last attempt to write.
        """
        if error is not None and (self.store.closed or error.startswith(_REOPEN)):
            # A store that was closed for reopening may still be closed, after another error.
            self._reopen("damaged" if error.startswith(DAMAGED) else None)
            return
        if error is not None and error.startswith(ALTERED) and self._in_file:
            self._reopen("altered")
            return
        if (now := time.monotonic()) < self._check_at:
            return
        self._check_at = now + CHECK_S
        problem = self._checkpoints.problem or ""
        if problem.startswith(DAMAGED):
            self._reopen("damaged")
        elif self.store.moved:
            self._reopen("removed")
        elif self.store.log_removed:
            self._reopen("unlogged")
        elif problem.startswith(ALTERED) and self._in_file:
            self._reopen("altered")
        elif self._name.changes and (path := self._name.at(time.time())) != self.store.path:
            self._rotate(self._reuse(path) or self._sibling(path))
        else:
            self.store.set_log_limit(max_log_pages(self.store.path))

    def commit(self, batch: Sequence[tuple[JournalEntry, ExchangeFacts]]) -> int:
        """Write entries, those of a previous store there; how many exchanges are new."""
        parts: dict[SqliteStore, list[tuple[JournalEntry, ExchangeFacts]]] = {}
        for entry, facts in batch:
            parts.setdefault(self._store_of(entry), []).append((entry, facts))
        new = 0
        for store, part in parts.items():
            if store.closed:
                continue  # the exchange outlived several rotations: its beginning is kept
            capture = self.capture if store is self.store else None
            ids = store.write([(entry.exchange_id, facts) for entry, facts in part], capture)
            for (entry, _), exchange_id in zip(part, ids, strict=True):
                new += entry.exchange_id is None
                entry.store, entry.exchange_id = store, exchange_id
        self._in_file += new
        self._in_capture += new
        return new

    def _store_of(self, entry: JournalEntry) -> SqliteStore:
        """The store to write an entry to."""
        store = entry.store
        if store is None or store is self.store or not store.closed:
            return store or self.store
        if store in self._removed:
            entry.exchange_id = None  # its beginning was in the removed file
            return self.store
        # The same file, opened again.
        return self.store if store.file == self.store.file else store

    def count_refused(self, total: int) -> None:
        """Count in the capture's row the requests that the proxy refused, so many so far."""
        if total != self._refused:
            self.store.count_skipped(self.capture, total - self._refused)
            self._refused = total

    def note(self, lost: LostExchanges) -> None:
        """Note what was lost in the capture's row."""
        sentences = [*self._notes, *([lost.sentence()] if lost.exchanges else [])]
        if not sentences:
            return
        sentence = "; ".join(sentences)
        if self._noted + len(sentence) > MAX_NOTE:
            self.store.end_live(self.capture)
            self.capture, self._noted = self.store.begin_live(), 0
            self._in_capture = 0
        self.store.note_loss(self.capture, sentence)
        self.gaps += 1
        self._noted += len(sentence) + 2
        self._notes.clear()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not noted yet."""
        return tuple(self._notes)

    def end(self) -> None:
        """All is stored, or noted: mark the clean end. More may follow all the same."""
        self._checkpoints.close()
        for store in self._previous:
            store.close()
        self._previous.clear()
        self.store.end_live(self.capture)
        self.spill.close(remove=True)

    def close(self) -> None:
        """Close the store."""
        self._checkpoints.close()
        self.store.close()

    def discard(self) -> None:
        """Undo the opening, if nothing was recorded."""
        self._checkpoints.close()
        self.store.discard(self.capture)
        self.spill.close(remove=True)

    def _reopen(self, event: str | None) -> None:
        """Open the store again; if it was removed or has to be set aside, a new one."""
        if event is not None:
            self._warn(f"{self.store.path} {_EVENTS[event]}")
        last, capture, in_capture = self.store, self.capture, self._in_capture
        is_aside, is_gone = event in ("damaged", "altered"), last.moved
        self._checkpoints.close()
        if event == "unlogged":
            last.fold()
        # Closing removes the log of this name, so it comes before a new store is created.
        last.close()
        kept = f" and is kept as {_set_aside(last.path).name}" if is_aside else ""
        if (is_aside or is_gone) and last not in self._removed:
            self._forget(last)
            what = _EVENTS[event or "removed"]
            self._notes.append(
                f"the store {what}{kept}, with the {self._in_file} exchanges recorded before"
            )
        self._begin(self._sibling(last.path))
        if self.store.file == last.file:
            stored = 0 if self.capture == capture else self.store.count_stored(capture)
            if (lost := in_capture - stored) > 0 and last not in self._removed:
                self._forget(last)
                self._in_file -= lost
                self._notes.append(
                    f"the store {_EVENTS['unlogged']}, with the {lost} exchanges that it alone had"
                )
            if self.capture != capture:
                self.store.end_live(capture)

    def _forget(self, store: SqliteStore) -> None:
        """The content of a store is gone from where it was."""
        self._removed = [*self._removed[-7:], store]

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
        last, capture, checkpoints = self.store, self.capture, self._checkpoints
        self._begin(store)
        checkpoints.close()
        with suppress(StoreError):
            last.end_live(capture)
        self._previous.append(last)
        while len(self._previous) > MAX_PREVIOUS:
            self._previous.pop(0).close()


def _set_aside(path: Path) -> Path:
    """Rename a store and its log; nothing is overwritten."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside, number = path.with_name(f"{path.name}.damaged-{stamp}"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", *LOG):
        try:
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(
                f"{path} is damaged and cannot be set aside: {error.strerror}"
            ) from None
    return aside
