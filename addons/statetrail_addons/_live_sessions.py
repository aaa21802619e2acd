"""Sessions while they are recorded: when each begins and ends, and how many are alive.

Enters: the facts of completed exchanges, in the order in which they complete. Leaves: counts by
dialect, and a `SessionEvent` where a session begins or ends. The memory is bounded.

1. A session is known by the values of its keys, in whichever client presents them. Its name is the
   first of them, as in the table `sessions`.
2. It begins where a response that is no error issues a new key. A key that was issued before the
   recording began, and that is accepted, is of a session alive; its beginning was not seen.
3. A new value in answer to a request of the session goes on with it. In dialects whose tokens stay
   (those not judged by declarations) it is a reset: the session ends, and another begins.
4. It ends with a logout, a refusal of its key (401, 419, 440 as the dialect has it; a 403 may be
   about the page alone), the deletion of its first key, or an hour without a request.
5. An idle session whose key is presented and accepted begins anew.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from statetrail.analyses.conformance.visibility import IMPLICIT, PAUSE_US, UNBOUND_METHODS
from statetrail.dialects import Dialect
from statetrail.extract.exchange_row import ExchangeRow
from statetrail.extract.extractor import ExchangeFacts
from statetrail.extract.records import OPERATED
from statetrail.extract.state import Issued, Presented
from statetrail_addons._live_counts import UNDECLARED

MAX_SESSIONS: Final = 50_000
"""Sessions that are remembered, alive or ended; beyond it, the one silent for the longest goes."""
MAX_RANKS: Final = 4096
"""Names of parameters whose rank among the keys is remembered."""
MAX_KEYS: Final = 4
"""The newest keys of a session that are remembered, and its first one."""
BATCH: Final = 500
"""Idle sessions that are ended at once: whoever waits for the lock does not wait long."""

type Key = tuple[str, int]
"""Dialect and fingerprint."""
type End = Literal["logout", "refused", "deleted", "reset", "idle"]


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """A session began (`end` is `None`) or ended; `previous` is the session that it replaces.

    Sessions are known by all 16 digits of their fingerprints: there are many in a backend. The
    first eight are those of the pseudonym in reports.
    """

    session: str
    dialect: str
    time_us: int
    end: End | None = None
    previous: str | None = None
    scheme: str | None = None
    host: str | None = None
    port: int | None = None


@dataclass(slots=True, eq=False)
class _Session:
    name: Key
    param: str
    last_us: int
    end: End | None = None
    keys: list[Key] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.end is None


class LiveSessions:
    """The sessions of a recorder.

    Parameters
    ----------
    dialects
        Those whose sessions count; of the others there is none.
    notify
        Is called with each event, from whatever thread calls; it does not raise.

    Attributes
    ----------
    started, alive
        Sessions by dialect.
    ended
        Sessions by dialect and how they ended.
    renewed
        Keys that were replaced in a session that goes on, by dialect and parameter.
    """

    def __init__(
        self, dialects: Iterable[Dialect], notify: Callable[[SessionEvent], None] | None = None
    ) -> None:
        self.started: Counter[str] = Counter()
        self.ended: Counter[tuple[str, End]] = Counter()
        self.alive: Counter[str] = Counter()
        self.renewed: Counter[tuple[str, str]] = Counter()
        self.notify = notify
        self._dialects = {dialect.name: dialect for dialect in dialects}
        # Whether the tokens of a dialect stay: what it declares is read once.
        self._stays = {name for name, each in self._dialects.items() if not each.by_declaration}
        self._ranks: dict[tuple[str, str], int | None] = {}
        self._known: OrderedDict[Key, _Session] = OrderedDict()
        self._keys: dict[Key, _Session] = {}
        # The time of the traffic, which goes on while there is none; it never goes back.
        self._latest_us, self._latest_at = 0, time.monotonic()
        self._events: list[SessionEvent] = []
        # Guards what is above, never held for long.
        self._lock = threading.Lock()

    def completed(self, facts: ExchangeFacts) -> None:
        """An exchange completed."""
        if not (facts.presented or facts.issued) or facts.exchange.status is None:
            return
        if not set(facts.exchange.notes.split(",")).isdisjoint(OPERATED):
            return
        names = {p.dialect for p in facts.presented} | {i.dialect for i in facts.issued}
        with self._lock:
            self._advance(facts.exchange.request_start_us)
            for name in names & self._dialects.keys():
                self._complete(self._dialects[name], facts)
            self._expire(2)
        self._tell()

    def sweep(self) -> None:
        """End the sessions that are idle by now."""
        ended = BATCH
        while ended == BATCH:
            with self._lock:
                ended = self._expire(BATCH)
            self._tell()

    def _advance(self, now_us: int) -> None:
        if now_us > self._now_us():
            self._latest_us, self._latest_at = now_us, time.monotonic()

    def _now_us(self) -> int:
        return self._latest_us + int((time.monotonic() - self._latest_at) * 1_000_000)

    def _complete(self, dialect: Dialect, facts: ExchangeFacts) -> None:
        row, status = facts.exchange, facts.exchange.status or 0
        shown = self._of_keys(dialect, (p for p in facts.presented if p.kind == "value"))
        issued = self._of_keys(dialect, facts.issued)
        if not (shown or issued):
            return
        stays = dialect.name in self._stays
        given = [i for i in issued if _is_sound(i, stays) and status < 400 and not row.age_s]
        keys = [*map(_key, shown), *map(_key, given)]
        own = [self._keys[key] for key in keys if key in self._keys]
        seen = {_key(p) for p in shown}
        fresh = [i for i in given if (key := _key(i)) not in self._keys and key not in seen]
        session = next((each for each in own if each.alive), own[0] if own else None)
        if session is not None and session.alive:
            end = self._end_of(dialect, row, session, shown, issued)
            replaced = {p.param for p in shown} & {i.param for i in fresh}
            if end is None and replaced and stays:
                end = "reset"
            if end is None:
                for param in replaced:
                    declared = dialect.param(param) is not None
                    self.renewed[dialect.name, param if declared else UNDECLARED] += 1
                self._use(session, row, fresh)
                return
            self._end(session, end, row)
        if fresh:
            self._start(fresh, row, session)
        elif shown and 200 <= status < 400 and not _ends(dialect, row):
            # It was accepted, as far as can be seen.
            if session is None:
                self._enter(_Session(_key(shown[0]), shown[0].param, 0), row, shown)
            elif session.end == "idle":
                self._revive(session, row)

    def _of_keys[V: (Issued, Presented)](self, dialect: Dialect, values: Iterable[V]) -> list[V]:
        """The values of keys of the dialect's sessions, the key that decides in front."""
        ranked = []
        for value in values:
            if value.dialect == dialect.name:
                rank = self._rank(dialect, value.param)
                if rank is not None:
                    ranked.append((rank, value))
        ranked.sort(key=lambda each: each[0])
        return [value for _, value in ranked]

    def _rank(self, dialect: Dialect, param: str) -> int | None:
        key = (dialect.name, param)
        if key not in self._ranks:
            if len(self._ranks) >= MAX_RANKS:
                self._ranks.clear()
            self._ranks[key] = dialect.key_rank(param)
        return self._ranks[key]

    def _end_of(
        self,
        dialect: Dialect,
        row: ExchangeRow,
        session: _Session,
        shown: list[Presented],
        issued: list[Issued],
    ) -> End | None:
        """How the exchange ends the session that it is of, if it does."""
        status = row.status or 0
        if _ends(dialect, row):
            return "logout"
        answered = {i.param for i in issued}
        refused = any(p.param not in answered for p in shown)
        if status in dialect.refused and status != 403 and refused:
            return "refused"
        voided = {i.param for i in issued if i.kind == "void"}
        sound = {i.param for i in issued if i.kind is None}
        return "deleted" if session.param in voided - sound else None

    def _start(self, fresh: list[Issued], row: ExchangeRow, before: _Session | None) -> None:
        session = _Session(_key(fresh[0]), fresh[0].param, 0)
        self._enter(session, row, fresh)
        self.started[session.name[0]] += 1
        self._note(session, row, previous=before)

    def _revive(self, session: _Session, row: ExchangeRow) -> None:
        session.end = None
        self.alive[session.name[0]] += 1
        self.started[session.name[0]] += 1
        self._use(session, row, ())
        self._note(session, row)

    def _enter(
        self, session: _Session, row: ExchangeRow, values: Iterable[Issued | Presented]
    ) -> None:
        self._known[session.name] = session
        self.alive[session.name[0]] += 1
        self._use(session, row, values)
        if len(self._known) > MAX_SESSIONS:
            _, silent = self._known.popitem(last=False)
            self.alive[silent.name[0]] -= silent.alive
            for key in silent.keys:
                self._keys.pop(key, None)

    def _use(
        self, session: _Session, row: ExchangeRow, values: Iterable[Issued | Presented]
    ) -> None:
        """The session was used by an exchange, in which these keys are new."""
        session.last_us = max(session.last_us, row.request_start_us)
        self._known.move_to_end(session.name)
        for value in values:
            if (key := _key(value)) not in self._keys:
                self._keys[key] = session
                session.keys.append(key)
        while len(session.keys) > MAX_KEYS + 1:
            self._keys.pop(session.keys.pop(1), None)

    def _end(self, session: _Session, end: End, row: ExchangeRow | None = None) -> None:
        session.end = end
        self.alive[session.name[0]] -= 1
        self.ended[session.name[0], end] += 1
        self._note(session, row, end=end)

    def _expire(self, most: int) -> int:
        """End idle sessions, at most so many; returns how many were looked at."""
        before_us, looked = self._now_us() - PAUSE_US, 0
        for session in self._known.values():
            if looked == most or session.last_us > before_us:
                break
            looked += 1
        for _ in range(looked):
            _, session = self._known.popitem(last=False)
            if session.alive:
                self._end(session, "idle")
                # Its keys are known a while longer: it may be used again.
                session.last_us = self._now_us()
                self._known[session.name] = session
            else:
                for key in session.keys:
                    self._keys.pop(key, None)
        return looked

    def _note(
        self,
        session: _Session,
        row: ExchangeRow | None,
        *,
        end: End | None = None,
        previous: _Session | None = None,
    ) -> None:
        if self.notify is None:
            return
        # An idle session ended with its last request.
        time_us = row.response_start_us or row.request_start_us if row else session.last_us
        self._events.append(
            SessionEvent(
                *(_id(session), session.name[0], time_us, end),
                None if previous is None else _id(previous),
                *((row.scheme, row.host, row.port) if row is not None else ()),
            )
        )

    def _tell(self) -> None:
        if self.notify is not None and self._events:
            with self._lock:
                events, self._events = self._events, []
            for event in events:
                self.notify(event)


def _id(session: _Session) -> str:
    return f"{session.name[1] & 0xFFFF_FFFF_FFFF_FFFF:016x}"


def _key(value: Issued | Presented) -> Key:
    return value.dialect, value.fingerprint


def _is_sound(issue: Issued, stays: bool) -> bool:
    """Whether an issue can be read, and clients present what it issues."""
    return issue.problem is None and issue.kind is None and not (stays and issue.usage == IMPLICIT)


def _ends(dialect: Dialect, row: ExchangeRow) -> bool:
    """Whether the exchange is a successful logout."""
    done = 200 <= (row.status or 0) < 400 and row.method not in UNBOUND_METHODS
    return done and dialect.is_action("logout", row.endpoint)
