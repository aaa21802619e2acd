"""A sans-I/O tracker: verdicts and changes of state, one completed exchange at a time.

Enters: that a request started, and later its exchange with what it presented and what its response
issued, in the order in which exchanges complete. Leaves: `Verdict` and `Change` events. No clock,
no network, no frames, so that the same object serves a live proxy and a test.

>>> tracker = Tracker()
>>> tracker.started(1, "app", "https://shop.example", 0)
[]
>>> token = Issue("zest", "_session_token", 71, "uriquery", "forced")
>>> tracker.completed(Exchange(1, "app", "https://shop.example", "/API/V3/Cart", "GET", 0,
...     response_start_us=10, response_end_us=20, issued=(token,)))
[]
>>> [change.change for change in tracker.flush()]
['established']

How it works
------------
T1  A client at an origin is a *conversation*; nothing passes between conversations.
T2  An exchange is up to three kinds of event: its request at its start; for each issue, that it may
    be known at the response's beginning (R1) and that it must be known after the response's end
    and the grace period (R2). They are taken in order of time, at equal times in this order: may,
    request, must. So a tie counts for the client.
T3  The verdict on a request needs every issue whose response had begun by then, also of exchanges
    that complete later. So events wait for the *watermark*: the earliest start among the exchanges
    of the conversation that are still open, or the latest start seen if none is. What lies before
    it is final, as long as starts are told in order of time.
T4  A request that is told after the watermark has passed it (the clock was set back) gets no
    verdict: it could be blamed for what it could not know. It is counted in `unjudged`. What its
    response issues counts.
T5  The verdict of a request and parameter is decided by V1-V10 of
    `statetrail.analyses.conformance.verdict` from the running maxima in `Visibility`.
T6  An issue changes the state of its parameter by `TRANSITIONS`; so does a response that refuses
    (`Dialect.refused`) the value that the request presented. A malformed issue changes nothing.

Memory
------
M1  Issues are not kept, only running maxima, and values as `MAX_VALUES` has it. A value that was
    forgotten is judged as one never issued.
M2  At most `max_clients` conversations are kept. The one that was silent for the longest is closed:
    what waits there is judged if none of its exchanges is open, else it counts as `unjudged`.
M3  A conversation with more than `max_waiting` things under way or waiting (an endless stream) is
    forgotten as a whole, as if the capture began after it. What waited is `unjudged`.
M4  A conversation has at most `MAX_PARAMS` parameters, and at most `MAX_ENDPOINTS` endpoints are
    learned to be in scope. What a server names beyond that is not judged.
"""

import copy
import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from statetrail.analyses.conformance.transitions import (
    TRANSITIONS,
    Change,
    Event,
    Exchange,
    Input,
    State,
    Verdict,
)
from statetrail.analyses.conformance.verdict import VERDICTS
from statetrail.analyses.conformance.visibility import (
    FOREVER,
    UNBOUND_METHODS,
    Issue,
    Presented,
    Visibility,
)
from statetrail.dialects import Dialect, select

__all__ = ["Change", "Event", "Exchange", "Issue", "Presented", "Tracker", "Verdict"]

type Binds = Callable[[str, str, str, str], bool]
"""Whether (origin, endpoint, dialect, param) binds its requests (V1)."""

MAX_PARAMS: Final = 64
MAX_ENDPOINTS: Final = 65_536

_MAY, _REQUEST, _MUST = 0, 1, 2
_END: Final = 2 * FOREVER


@dataclass(slots=True)
class _Param:
    """What is known of a parameter in a conversation, and its state."""

    visibility: Visibility = field(default_factory=Visibility)
    state: State = "none"
    newest: int | None = None


@dataclass(slots=True)
class _Conversation:
    """One client at one origin.

    `waiting` is a heap of (time, kind, count, exchange, issue). A `_MAY` without an issue is the
    beginning of a response as such.
    """

    params: dict[tuple[str, str], _Param] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[int, int, int, Exchange, Issue | None]] = field(default_factory=list)
    latest: int = -FOREVER
    released: int = -FOREVER


class Tracker:
    """Judges exchanges as they complete.

    Parameters
    ----------
    dialects
        The dialects whose parameters are judged; all by default.
    grace_us
        The grace period in microseconds.
    binds
        What decides whether a parameter binds the requests of an endpoint. By default the dialects
        do, and an endpoint outside their scope counts from the time when it was seen to issue
        state. An analysis of a whole capture also knows the endpoints that issue state later.
    max_clients, max_waiting
        The bounds M2 and M3.

    Attributes
    ----------
    unjudged
        Requests that got no verdict (T4, M2, M3).
    """

    def __init__(
        self,
        dialects: Iterable[Dialect] | None = None,
        *,
        grace_us: int = 250_000,
        binds: Binds | None = None,
        max_clients: int = 10_000,
        max_waiting: int = 10_000,
    ) -> None:
        self._dialects = {d.name: d for d in (select() if dialects is None else dialects)}
        self._grace_us = grace_us
        self._binds = binds or self._learned
        self._max_clients = max_clients
        self._max_waiting = max_waiting
        self._talks: OrderedDict[tuple[str, str], _Conversation] = OrderedDict()
        self._issuing: set[tuple[str, str, str]] = set()
        self._count = 0
        self.unjudged = 0

    def started(self, exchange_id: int, client: str, origin: str, start_us: int) -> list[Event]:
        """A request started: nothing from then on is final until it has completed (T3)."""
        talk, events = self._talk(client, origin)
        talk.open[exchange_id] = start_us
        talk.latest = max(talk.latest, start_us)
        return [*events, *self._release(talk)]

    def completed(self, exchange: Exchange) -> list[Event]:
        """An exchange completed, whatever came of it: the events that are final now."""
        talk, events = self._talk(exchange.client, exchange.origin)
        talk.open.pop(exchange.exchange_id, None)
        talk.latest = max(talk.latest, exchange.request_start_us)
        self._learn(exchange)
        self._wait(talk, exchange)
        return [*events, *self._release(talk)]

    def abandoned(self, exchange_id: int, client: str, origin: str) -> list[Event]:
        """A request that started will never complete: the events that are final now."""
        talk, events = self._talk(client, origin)
        talk.open.pop(exchange_id, None)
        return [*events, *self._release(talk)]

    def provisional(self, exchange: Exchange) -> list[Verdict]:
        """The verdicts on an exchange just completed by what is known now; they are not final."""
        talk = self._talks.get((exchange.client, exchange.origin))
        if talk is None:
            return []
        guess = replace(talk, params=copy.deepcopy(talk.params), waiting=list(talk.waiting))
        self._drain(guess, exchange.request_start_us)
        while guess.waiting and guess.waiting[0][:2] <= (exchange.request_start_us, _MAY):
            self._event(guess, *heapq.heappop(guess.waiting))
        return list(self._judge(guess, exchange))

    def flush(self) -> list[Event]:
        """The capture is over: the events of everything that waits, also behind open exchanges."""
        events = [event for talk in self._talks.values() for event in self._drain(talk, _END)]
        self._talks.clear()
        return events

    def _talk(self, client: str, origin: str) -> tuple[_Conversation, list[Event]]:
        """The conversation, and the events of the one that had to make room for it (M2)."""
        events: list[Event] = []
        talk = self._talks.setdefault((client, origin), _Conversation())
        self._talks.move_to_end((client, origin))
        if len(self._talks) > self._max_clients:
            _, silent = self._talks.popitem(last=False)
            if not silent.open:
                events = self._drain(silent, _END)
            self._give_up(silent)
        if len(talk.open) + len(talk.waiting) >= self._max_waiting:  # M3
            self._give_up(talk)
            talk = self._talks[client, origin] = _Conversation()
        return talk, events

    def _give_up(self, talk: _Conversation) -> None:
        self.unjudged += sum(kind == _REQUEST for _, kind, *_ in talk.waiting)

    def _learn(self, exchange: Exchange) -> None:
        """Remember the endpoint if it issues state: it is an API method then."""
        if exchange.method not in UNBOUND_METHODS and len(self._issuing) < MAX_ENDPOINTS:
            place = (exchange.origin, exchange.endpoint)
            self._issuing |= {(*place, i.dialect) for i in exchange.issued if i.problem is None}

    def _learned(self, origin: str, endpoint: str, dialect: str, param: str) -> bool:
        known = self._dialects[dialect]
        issuing = (origin, endpoint, dialect) in self._issuing
        return (issuing or known.in_scope(endpoint)) and known.allows(param, endpoint)

    def _wait(self, talk: _Conversation, exchange: Exchange) -> None:
        """Let the exchange's events wait for the watermark (T2)."""
        events: list[tuple[int, int, Issue | None]] = [
            (exchange.request_start_us, _REQUEST, None),
            (exchange.issue_start_us, _MAY, None),
        ]
        for issue in exchange.issued:
            if issue.dialect in self._dialects:
                events.append((exchange.issue_start_us, _MAY, issue))
                if issue.problem is None and exchange.issue_end_us < FOREVER:
                    events.append((exchange.issue_end_us + self._grace_us, _MUST, issue))
        for at, kind, what in events:
            self._count += 1
            heapq.heappush(talk.waiting, (at, kind, self._count, exchange, what))

    def _release(self, talk: _Conversation) -> list[Event]:
        """What is final: the events before the watermark (T3)."""
        return self._drain(talk, min(talk.open.values(), default=talk.latest))

    def _drain(self, talk: _Conversation, watermark: int) -> list[Event]:
        """Take the events before the watermark, in order."""
        events: list[Event] = []
        while talk.waiting and talk.waiting[0][0] < watermark:
            events += self._event(talk, *heapq.heappop(talk.waiting))
        talk.released = max(talk.released, watermark)
        return events

    def _event(
        self,
        talk: _Conversation,
        at: int,
        kind: int,
        _: int,
        exchange: Exchange,
        issue: Issue | None,
    ) -> Iterable[Event]:
        """One event: what it makes known, and what is to be said of it."""
        if kind == _REQUEST:
            if at < talk.released:  # T4
                self.unjudged += 1
                return ()
            return self._judge(talk, exchange)
        if issue is None:
            return self._refused(talk, exchange)
        param = self._param(talk, issue)
        if param is None:
            return ()
        if kind == _MUST:
            param.visibility.must_know(issue, exchange.issue_start_us, exchange.issue_end_us)
            return ()
        param.visibility.may_know(issue, exchange.issue_end_us)
        return () if issue.problem else self._move(param, exchange, issue)

    def _param(self, talk: _Conversation, issue: Issue) -> _Param | None:
        """What is known of the parameter; `None` if it is unknown and one too many (M4)."""
        key = (issue.dialect, issue.param)
        unknown = self._dialects[issue.dialect].param(issue.param) is None
        if key not in talk.params and unknown and len(talk.params) >= MAX_PARAMS:
            return None
        return talk.params.setdefault(key, _Param())

    def _judge(self, talk: _Conversation, exchange: Exchange) -> Iterator[Verdict]:
        """The verdict of each parameter issued before, and of tokens that nothing explains (T5)."""
        shown: dict[tuple[str, str], list[Presented]] = {}
        for presented in exchange.presented:
            if presented.dialect in self._dialects:
                shown.setdefault((presented.dialect, presented.param), []).append(presented)
        for key in {**talk.params, **shown}:
            dialect, name = key
            declared = self._dialects[dialect].param(name)
            server_issued = declared is not None and declared.minted
            param = talk.params.get(key)
            values: list[Presented | None] = [*shown.get(key, ())]
            if param is None or not param.visibility.sound:
                param = _Param()
                values = [
                    p for p in values if p is not None and server_issued and p.kind == "value"
                ]
            elif not values:
                values = [None]
            bound = (
                declared is not None
                and exchange.method not in UNBOUND_METHODS
                and self._binds(exchange.origin, exchange.endpoint, dialect, name)
            )
            found = [
                (param.visibility.verdict(p, bound=bound, server_issued=server_issued), p)
                for p in values
            ]
            if found:  # of several values presented, the mildest verdict
                verdict, p = min(found, key=lambda each: VERDICTS.index(each[0]))
                subject = (exchange.exchange_id, exchange.client, exchange.origin, dialect, name)
                value = (None, None) if p is None else (p.fingerprint, p.channel)
                yield Verdict(*subject, exchange.request_start_us, verdict, *value)

    def _move(self, param: _Param, exchange: Exchange, issue: Issue) -> Iterator[Change]:
        """The change of state by an issue (T6)."""
        declared = self._dialects[issue.dialect].param(issue.param)
        kinds = {
            p.kind
            for p in exchange.presented
            if (p.dialect, p.param) == (issue.dialect, issue.param)
        }
        given: Input = "other"
        if issue.fingerprint == param.newest:
            given = "same"
        elif "establish" in kinds:
            given = "asked"
        elif declared is not None and declared.minted and "value" in kinds:
            given = "answered"
        param.newest = issue.fingerprint
        yield from _change(param, given, exchange, issue.dialect, issue.param)

    def _refused(self, talk: _Conversation, exchange: Exchange) -> Iterator[Change]:
        """The changes of state by a response that refuses what was presented (T6)."""
        issued = {(i.dialect, i.param) for i in exchange.issued}
        for shown in exchange.presented:
            key = (shown.dialect, shown.param)
            param = talk.params.get(key)
            if param is None or exchange.status not in self._dialects[shown.dialect].refused:
                continue
            if shown.fingerprint == param.newest and key not in issued:
                yield from _change(param, "refused", exchange, *key)


def _change(
    param: _Param, given: Input, exchange: Exchange, dialect: str, name: str
) -> Iterator[Change]:
    """Follow `TRANSITIONS`."""
    follow = TRANSITIONS.get((param.state, given))
    if follow is not None and param.newest is not None:
        param.state, change = follow
        subject = (exchange.exchange_id, exchange.client, exchange.origin, dialect, name)
        yield Change(*subject, exchange.issue_start_us, change, param.newest)
