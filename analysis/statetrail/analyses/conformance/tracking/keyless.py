"""Requests without a session key, which wait for what their sender does later.

Enters: such requests with their verdicts so far. Leaves: the final ones, with what excuses them by
`statetrail.analyses.conformance.by_session.excuses`, when the conversation closes or too many wait.
"""

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from statetrail.analyses.conformance import verdict as v
from statetrail.analyses.conformance.tracking.holders import Mark
from statetrail.analyses.conformance.transitions import Param, Verdict
from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.dialects import Dialect

MAX_ENDPOINTS: Final = 65_536
MAX_SESSIONS: Final = 65_536
NEVER: Final = (-FOREVER, 0, 0)

type Moment = tuple[int, int, int]
"""Time, 0 for a response and 1 for a request, exchange id."""


@dataclass(slots=True)
class Session:
    """A session, named by its first value; the moments are those of requests."""

    name: int
    began: Moment
    requested: int | None
    """When the request was sent whose response began it; `None` where a request did."""
    used: bool = False
    last_seen: Moment | None = None
    first_use: Moment | None = None
    ended: bool = False
    end: Moment = NEVER
    over: set[str] = field(default_factory=set)
    """Keys that were neither taken nor issued again since it ended."""
    left: Moment | None = None
    """The last logout."""
    renewed: set[str] = field(default_factory=set)
    """Parameters that were issued again since then."""
    given: set[str] = field(default_factory=set)
    """Parameters that it was given."""
    learned: Moment | None = None
    """When the sender first presented a key, or had to know one."""
    shared: Mark = field(default_factory=Mark)
    """Whether another sender holds it, too."""
    params: dict[str, Param] = field(default_factory=dict)

    def close(self, end: Moment, keys: Iterable[str], *, logs_out: bool) -> None:
        """It ends then, by a logout or a refusal; the keys are those that clients present."""
        self.ended, self.end, self.over = True, max(self.end, end), set(keys)
        if logs_out:
            self.left, self.renewed = max(self.left or NEVER, end), set()

    def need_not(self, param: str, *, is_key: bool) -> bool:
        """Whether nobody has to present the parameter since the session ended (L7)."""
        return param in self.over if is_key else self.left is not None and param not in self.renewed


@dataclass(slots=True)
class Sessions:
    """The sessions of a request and of its response; `entered` once the request is known."""

    entered: bool = False
    request: Session | None = None
    response: Session | None = None


@dataclass(slots=True)
class KeylessRequest:
    """A request without a session key, and its rows so far."""

    moment: Moment
    endpoint: str
    before: tuple[Session, ...]
    """The session that began last, the one of which the sender learned last, and its last one."""
    sessions: Sessions
    responded: Moment
    known: bool
    """Whether the response issues a key that was known before, as far as is known."""
    ended: bool
    over: frozenset[str]
    given: frozenset[str]
    """What these sessions were given, or the sender outside of any."""
    carrying: int
    """Requests with a key that came to the endpoint before it."""
    cart: bool
    """Whether it writes a cart."""
    paused: bool
    shared: bool
    """Whether another sender holds a session of its sender."""
    backwards: bool
    """Whether a clock was set back during it."""
    logs_in: bool
    """Whether it is a login, where that begins a session."""
    beside: bool
    """Whether a response began a session that its sender need not know yet."""
    rows: list[Verdict] = field(default_factory=list)

    @property
    def begins(self) -> bool:
        """Whether the response begins a session."""
        if self.sessions.response is None:
            return not self.known
        return self.sessions.response.began == self.responded

    @property
    def is_another(self) -> bool:
        """Whether it logs in anew, beside a session that its sender has (L1)."""
        return self.logs_in and bool(self.before)

    @property
    def used(self) -> bool:
        """Whether the session before is presented at all, or lies long before (L6)."""
        return self.paused or any(session.used for session in self.before)


class KeylessRequests:
    """The requests of a sender without a key, and what excuses them.

    Attributes
    ----------
    many
        Whether the sender was seen to hold several sessions at once (L4).
    carrying
        Requests with a key by endpoint.
    sessions
        The sender's sessions, at most `MAX_SESSIONS`, in the order in which they began.
    """

    def __init__(self, dialect: Dialect, *, declared: bool) -> None:
        self.dialect = dialect
        self.many = False
        self.carrying: defaultdict[str, int] = defaultdict(int)
        self.sessions: deque[Session] = deque(maxlen=MAX_SESSIONS)
        self._declared = declared
        self._requests: list[KeylessRequest] = []

    def __len__(self) -> int:
        return len(self._requests)

    def carries(self, endpoint: str) -> None:
        """A request with a key came to the endpoint."""
        if len(self.carrying) < MAX_ENDPOINTS or endpoint in self.carrying:
            self.carrying[endpoint] += 1

    def add(self, request: KeylessRequest) -> None:
        """A request waits; the requests are in order of time."""
        self._requests.append(request)

    def so_far(self) -> Iterator[Verdict]:
        """The verdicts so far on the request that waits last."""
        request = self._requests[-1]
        request.rows = [
            replace(
                row,
                settles=self._excused(
                    request, row, alternating=False, between=False, beside=request.beside
                ),
            )
            for row in request.rows
        ]
        yield from (row.settles for row in request.rows if row.settles is not None)

    def settle(self) -> Iterator[Verdict]:
        """The final verdicts on all requests that wait."""
        between, beside = self._between(), self._beside()
        alternating = self._alternating(beside)
        for request in self._requests:
            number = id(request)
            for row in request.rows:
                final = self._excused(
                    request,
                    row,
                    alternating=number in alternating,
                    between=number in between,
                    beside=number in beside,
                )
                yield replace(final, settles=row.settles)
        self._requests.clear()

    def _excused(
        self,
        request: KeylessRequest,
        row: Verdict,
        *,
        alternating: bool,
        between: bool,
        beside: bool,
    ) -> Verdict:
        """The row with what excuses it, by `statetrail.analyses.conformance.by_session.excuses`."""
        asks, key = row.verdict == v.RESTARTED, row.param in self.dialect.session_keys
        declared = self.dialect.param(row.param)
        stateless = declared is not None and declared.stateless is not None
        reason: str | None = None
        if row.reason is not None:
            reason = v.OTHER_SENDERS if request.shared and row.verdict == v.OVERRIDDEN else None
        elif self.many and (asks or not (self._declared and key)):
            reason = v.MANY_SESSIONS
        elif (request.is_another and not asks) or (
            request.used and (asks or request.begins or (beside and row.verdict == v.OMITTED))
        ):
            reason = v.NEW_SESSION
        elif asks and between:
            reason = v.MANY_SESSIONS
        elif alternating and not (stateless and request.cart):
            asks, reason = False, v.MANY_SESSIONS
        elif (request.ended and row.verdict in FAULTS) or (
            row.verdict == v.OMITTED
            and (row.param in request.over or self._not_given(request, row))
        ):
            asks, reason = False, v.SESSION_ENDED
        elif stateless and row.verdict == v.OMITTED and between and not request.cart:
            reason = v.STATELESS
        elif request.shared and v.holds_alone(row.verdict, row.reason):
            asks, reason = False, v.OTHER_SENDERS
        elif request.backwards and row.verdict in FAULTS:
            asks, reason = False, v.CLOCK_SET_BACK
        if reason is None:
            return row
        verdict = row.verdict if asks else v.NOT_APPLICABLE
        session = None if reason == v.MANY_SESSIONS else row.session
        return replace(row, verdict=verdict, reason=reason, fault=False, session=session)

    @staticmethod
    def _not_given(request: KeylessRequest, row: Verdict) -> bool:
        return bool(request.before) and row.param not in request.given

    def _between(self) -> set[int]:
        """Those after which a session is presented that began before them."""
        began = [session.began for session in self.sessions]
        seen = (session.last_seen or NEVER for session in self.sessions)
        latest = [NEVER, *itertools.accumulate(seen, max)]
        return {
            id(request)
            for request in self._requests
            if latest[bisect_left(began, request.moment)] > request.moment
        }

    def _beside(self) -> set[int]:
        """Those beside which another request begins a session (L6): nobody need know it yet, or it
        was sent before these were answered."""
        openings = sorted((s.requested, s.began) for s in self.sessions if s.requested is not None)
        sent = [requested for requested, _ in openings]
        latest = [NEVER, *itertools.accumulate((began for _, began in openings), max)]
        return {
            id(request)
            for request in self._requests
            if request.beside or latest[bisect_right(sent, request.responded[0])] > request.moment
        }

    def _omits(self, request: KeylessRequest, beside: set[int]) -> bool:
        """Whether a request lacks a key, and is not excused by the sessions of its sender."""
        begins = request.begins or id(request) in beside
        excused = request.is_another or (request.used and begins)
        return not excused and any(
            row.verdict == v.OMITTED
            and row.reason is None
            and row.param in self.dialect.session_keys
            for row in request.rows
        )

    def _alternating(self, beside: set[int]) -> set[int]:
        """Those at whose endpoint requests with and without the key alternate (L4)."""
        at: defaultdict[str, list[KeylessRequest]] = defaultdict(list)
        for request in self._requests:
            if not self._declared and self._omits(request, beside):
                at[request.endpoint].append(request)
        found: set[int] = set()
        for endpoint, several in at.items():
            # Requests with a key came before the first, between two, or after the last.
            changes = (several[0].carrying > 0) + (
                self.carrying.get(endpoint, 0) > several[-1].carrying
            )
            changes += sum(2 for a, b in itertools.pairwise(several) if b.carrying > a.carrying)
            if changes >= 2:
                found |= {id(request) for request in several}
        return found
