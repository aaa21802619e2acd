"""Exchanges that a store has already: found again in another capture, or recorded once more.

Enters: the facts of a capture's exchanges, some at a time. Leaves: rows in the store, each exchange
once.

A flow may be in a file twice: as it was written when the proxy stopped, and complete. A browser
exports what it has recorded so far, so the same requests are in each export: pending ones first,
complete later; with credentials or without. A record that is complete replaces one that is not, and
one that tells more one that tells less.
Requests of one moment, method and address are the same if they were answered alike and at the same
time, by clients of one name, and no parameter has other values; within one file they are never.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from statetrail.extract.exchange_row import ExchangeRow
from statetrail.extract.extractor import ExchangeFacts
from statetrail.extract.records import BODY_UNSEEN, PLACEHOLDER
from statetrail.store.rows import Fingerprints, StoredExchange
from statetrail.store.sqlite import CaptureId, SqliteStore

_REACH_US: Final = 300_000_000
"""How much later a request may have been sent than it was composed."""
_MAX_SAME: Final = 64
_MANY: Final = 500_000
"""Where numbers begin of what has more than `_MAX_SAME` beside it."""
_NUMBERED: Final = re.compile(r"(har-[0-9a-f]{16})-[0-9]{1,6}")


@dataclass(slots=True)
class Additions:
    """Adds the exchanges of one capture to a store.

    `found_in` are the clients (column `source`) of those that were there already. `earlier`: the
    store has exchanges of other files. `found` are those that were there already.
    """

    store: SqliteStore
    capture: CaptureId
    earlier: bool
    exchanges: int = 0
    duplicates: int = 0
    found_in: set[str] = field(default_factory=set)
    found: set[int] = field(default_factory=set)

    def add(self, batch: Sequence[ExchangeFacts]) -> None:
        """Add exchanges, or complete what is there of them."""
        rest = [each for each in batch if not (self.earlier and self._is_there(each))]
        ids = self.store.append_many(rest, self.capture)
        self.exchanges += len(ids) - ids.count(None)
        for facts, stored_id in zip(rest, ids, strict=True):
            if stored_id is None:
                self._again(facts)

    def end(self) -> None:
        """Exchanges that are in two exports are one browser's: so are the others of this one."""
        if len(self.found_in) == 1 and self.exchanges:
            self.store.adopt(self.capture, next(iter(self.found_in)))

    def _is_there(self, facts: ExchangeFacts) -> bool:
        """Whether the exchange is stored with another number, or with another start: it was pending
        there, or is here."""
        row = facts.exchange
        if _NUMBERED.fullmatch(row.flow_id) and _is_complete(row):
            self._beside(facts)
            return True
        composed_us = row.request_composed_us
        if composed_us is not None:
            earlier = self.store.find(composed_us, row.flow_id)
            if earlier is not None and not earlier.is_complete:
                self._count(facts, earlier, replaces=True)
                return True
        elif row.source is not None and not _is_complete(row):
            later = self.store.find(row.request_start_us, row.flow_id, _REACH_US)
            if later is not None and later.request_start_us != row.request_start_us:
                self._count(facts, later, replaces=False)
                return True
        return False

    def _again(self, facts: ExchangeFacts) -> None:
        """An exchange with this start and id is stored."""
        row = facts.exchange
        stored = self.store.find(row.request_start_us, row.flow_id)
        if stored is None:
            self.duplicates += 1
        elif row.source is None or not stored.is_complete or not _is_complete(row):
            self._count(facts, stored, replaces=_is_complete(row) and not stored.is_complete)
        elif self._is_same(facts, stored):
            self._count(facts, stored, replaces=_tells_more(row, stored))
        else:
            self._beside(facts)

    def _beside(self, facts: ExchangeFacts) -> None:
        """Another exchange has the same start and id: this one may stand beside it."""
        row = facts.exchange
        numbered = _NUMBERED.fullmatch(row.flow_id)
        plain = numbered[1] if numbered else row.flow_id
        numbers = (f"{plain}-{number}" for number in range(2, _MAX_SAME))
        for at, flow_id in enumerate((row.flow_id, plain, *numbers)):
            stored = self.store.find(row.request_start_us, flow_id)
            if stored is None and at:
                break
            if stored is not None and self._is_same(facts, stored):
                self._count(facts, stored, replaces=_tells_more(row, stored))
                return
        else:
            flow_id = f"{plain}-{_MANY + self.exchanges % _MANY}"
        renamed = msgspec.structs.replace(row, flow_id=flow_id)
        added = self.store.append_many(
            [msgspec.structs.replace(facts, exchange=renamed)], self.capture
        )
        self.exchanges += 1 - added.count(None)
        self.duplicates += added.count(None)

    def _is_same(self, facts: ExchangeFacts, stored: StoredExchange) -> bool:
        """Whether a complete exchange is the stored one, which began at the same time; not one that
        was found for another exchange of this capture, or added by it."""
        row = facts.exchange
        if stored.capture_id == self.capture or stored.exchange_id in self.found:
            return False
        if stored.answer != (row.status, row.response_start_us, row.response_end_us):
            return False
        agents = {row.user_agent, stored.user_agent} - {None}
        return len(agents) < 2 and not _differ(facts, self.store.values_of(stored))

    def _count(self, facts: ExchangeFacts, stored: StoredExchange, *, replaces: bool) -> None:
        self.duplicates += 1
        self.found.add(stored.exchange_id)
        if stored.source is not None and stored.capture_id != self.capture:
            self.found_in.add(stored.source)
        if replaces:
            row = msgspec.structs.replace(facts.exchange, source=stored.source)
            whole = msgspec.structs.replace(facts, exchange=row)
            self.store.write([(stored.exchange_id, whole)])


def _is_complete(row: ExchangeRow) -> bool:
    return row.status is not None and row.error is None


def _differ(facts: ExchangeFacts, stored: Fingerprints) -> bool:
    """Whether a parameter has values in both exchanges, and none that is the same.

    An export without credentials, or without content, lacks them.
    """
    own: Fingerprints = {}
    for table, values in (("issued", facts.issued), ("presented", facts.presented)):
        for each in values:
            if getattr(each, "kind", None) != PLACEHOLDER:
                own.setdefault((table, each.dialect, each.param), set()).add(each.fingerprint)
    return any(own[key].isdisjoint(stored[key]) for key in own.keys() & stored.keys())


def _tells_more(row: ExchangeRow, stored: StoredExchange) -> bool:
    """Whether an export without credentials, or without content, came first."""
    cookies = bool(row.has_cookies) - bool(stored.has_cookies)
    body = (BODY_UNSEEN in stored.notes) - (BODY_UNSEEN in row.notes)
    return cookies >= 0 and body >= 0 and cookies + body > 0
