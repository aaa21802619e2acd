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
T2  An exchange is up to three kinds of event: its response's beginning, with each issue that may be
    known from then on (R1); its request at its start; and for each issue that binds, that it must
    be known after the response's end and the grace period (R2). They are taken in order of time, at
    equal times in this order: may, request, must; then by the exchange's id. So a tie counts for
    the client.
T3  The verdict on a request needs every issue whose response had begun by then, also of exchanges
    that complete later. So events wait for the *watermark*: the earliest start among the exchanges
    of the conversation that are still open, or the latest start seen if none is. What lies before
    it is final, as long as starts are told in order of time.
T4  A request that is told after the watermark has passed it (the clock was set back) gets no
    verdict: it could be blamed for what it could not know. It is counted in `unjudged`. What its
    response issues counts.
T5  The verdict of a request and parameter is decided by
    `statetrail.analyses.conformance.verdict.DECISIONS`, from running maxima
    (`statetrail.analyses.conformance.tracking.sender`). A request without a session key may be
    excused by what its sender does later: it gets a `Provisional` verdict, and the final one when
    its conversation closes.
T6  An issue changes the state of its parameter by `TRANSITIONS`; so does a response that refuses
    (`Dialect.refused`) the value that the request presented. A malformed issue changes nothing.

Memory
------
M1  Issues are not kept, only running maxima, and values as `MAX_VALUES` and `MAX_KEYS` have it. A
    value that was forgotten is judged as one never issued.
M2  At most `max_clients` conversations are kept. The one that was silent for the longest is closed:
    what waits there is judged if none of its exchanges is open, else it counts as `unjudged`.
M3  A conversation with more than `max_waiting` things under way or waiting (an endless stream) is
    forgotten as a whole, as if the capture began after it. What waited is `unjudged`.
M4  A conversation has at most `MAX_PARAMS` parameters, and at most `MAX_ENDPOINTS` endpoints are
    learned to be in scope. What a server names beyond that is not judged.
M5  At most `max_waiting` requests without a session key wait for what their sender does later;
    beyond that their verdicts are final by what it did so far.
"""

import copy
import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from statetrail.analyses.conformance.tracking.holders import Holders, Shares
from statetrail.analyses.conformance.tracking.keyless import MAX_ENDPOINTS, Moment, Sessions
from statetrail.analyses.conformance.tracking.sender import MAX_PARAMS, Sender
from statetrail.analyses.conformance.transitions import (
    Change,
    Event,
    Exchange,
    Provisional,
    Verdict,
    change,
    issued,
)
from statetrail.analyses.conformance.visibility import (
    FOLLOWED_US,
    FOREVER,
    UNBOUND_METHODS,
    Issue,
    Presented,
)
from statetrail.dialects import Dialect, select

__all__ = [
    "MAX_ENDPOINTS", "MAX_PARAMS", "Change", "Event", "Exchange", "Issue", "Presented",
    "Provisional", "Tracker", "Verdict",
]  # fmt: skip

type Binds = Callable[[str, str, str, str], bool]
"""Whether (origin, endpoint, dialect, param) binds its requests (V1)."""

_MAY, _REQUEST, _MUST = 0, 1, 2
_END: Final = 2 * FOREVER


@dataclass(slots=True)
class _Heard:
    """A completed exchange, and its sessions by dialect."""

    exchange: Exchange
    sessions: dict[str, Sessions] = field(default_factory=dict)


@dataclass(slots=True)
class _Conversation:
    """One client at one origin.

    `waiting` is a heap of (time, kind, exchange id, count, exchange, issue). A `_MAY` without an
    issue is the beginning of a response as such.
    """

    client: str
    origin: str
    senders: dict[str, Sender] = field(default_factory=dict)
    redirects: OrderedDict[str, int] = field(default_factory=OrderedDict)
    open: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[int, int, int, int, _Heard, Issue | None]] = field(default_factory=list)
    latest: int = -FOREVER
    released: int = -FOREVER


class Tracker:
    """Judges exchanges as they complete.

    Parameters
    ----------
    dialects
        The dialects whose parameters are judged; all by default. Those whose values are judged by
        declarations are left out: that takes the whole recording.
    grace_us
        The grace period in microseconds.
    binds
        What decides whether a parameter binds the requests of an endpoint. By default the dialects
        do, and an endpoint outside their scope counts from the time when it was seen to issue
        state. An analysis of a whole capture also knows the endpoints that issue state later.
    shares
        What decides whether several clients hold a value of a session key. By default they do from
        the time when the second of them was seen with it.
    declared
        Whether each client is known to be one user.
    max_clients, max_waiting
        The bounds M2, M3 and M5.

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
        shares: Shares | None = None,
        declared: bool = False,
        max_clients: int = 10_000,
        max_waiting: int = 10_000,
    ) -> None:
        known = select() if dialects is None else dialects
        self._dialects = {d.name: d for d in known if not d.by_declaration}
        self._grace_us = grace_us
        self._binds = binds or self._learned
        self._holders = Holders(shares)
        self._declared = declared
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
        guess = copy.deepcopy(talk)
        self._drain(guess, exchange.request_start_us)
        while guess.waiting and guess.waiting[0][:2] <= (exchange.request_start_us, _MAY):
            self._event(guess, *heapq.heappop(guess.waiting))
        events = self._judge(guess, _Heard(exchange), (exchange.request_start_us, 1, 0))
        given = (each.verdict if isinstance(each, Provisional) else each for each in events)
        return [each for each in given if isinstance(each, Verdict)]

    def flush(self) -> list[Event]:
        """The capture is over: the events of everything that waits, also behind open exchanges."""
        events = [event for talk in self._talks.values() for event in self._close(talk)]
        self._talks.clear()
        return events

    def _talk(self, client: str, origin: str) -> tuple[_Conversation, list[Event]]:
        """The conversation, and the events of the one that had to make room for it (M2)."""
        events: list[Event] = []
        talk = self._talks.setdefault((client, origin), _Conversation(client, origin))
        self._talks.move_to_end((client, origin))
        if len(self._talks) > self._max_clients:
            _, silent = self._talks.popitem(last=False)
            if not silent.open:
                events = self._drain(silent, _END)
            events += self._give_up(silent)
        if len(talk.open) + len(talk.waiting) >= self._max_waiting:  # M3
            events += self._give_up(talk)
            talk = self._talks[client, origin] = _Conversation(client, origin)
        return talk, events

    def _close(self, talk: _Conversation) -> list[Event]:
        """The events of everything that waits, and the final verdicts."""
        return [*self._drain(talk, _END), *self._settled(talk)]

    def _give_up(self, talk: _Conversation) -> list[Event]:
        self.unjudged += sum(kind == _REQUEST for _, kind, *_ in talk.waiting)
        return self._settled(talk)

    @staticmethod
    def _settled(talk: _Conversation) -> list[Event]:
        return [verdict for sender in talk.senders.values() for verdict in sender.keyless.settle()]

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
        heard = _Heard(exchange)
        events: list[tuple[int, int, Issue | None]] = [
            (exchange.request_start_us, _REQUEST, None),
            (exchange.issue_start_us, _MAY, None),
        ]
        for issue in exchange.issued:
            if issue.dialect in self._dialects:
                events.append((exchange.issue_start_us, _MAY, issue))
                sender = self._sender(talk, issue.dialect)
                if sender.reader.binds(exchange, issue) and exchange.issue_end_us < FOREVER:
                    events.append((exchange.issue_end_us + self._grace_us, _MUST, issue))
        number = exchange.exchange_id
        for at, kind, what in events:
            self._count += 1
            heapq.heappush(talk.waiting, (at, kind, number, self._count, heard, what))

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
        number: int,
        _: int,
        heard: _Heard,
        issue: Issue | None,
    ) -> Iterable[Event]:
        """One event: what it makes known, and what is to be said of it."""
        exchange = heard.exchange
        if kind == _REQUEST:
            if at < talk.released:  # T4
                self.unjudged += 1
                self._enter(talk, heard, (at, 1, number))
                return ()
            return self._judge(talk, heard, (at, 1, number))
        if issue is None:
            if exchange.redirect_endpoint is not None:
                _remember(talk.redirects, exchange.redirect_endpoint, at)
            for name, sender in self._senders(talk, exchange):
                sender.response(exchange, _sessions(heard, name), (at, 0, number))
            return self._refused(talk, heard)
        sender, sessions = self._sender(talk, issue.dialect), _sessions(heard, issue.dialect)
        if kind == _MUST:
            sender.must_know(exchange, issue, sessions, at)
            return ()
        param = sender.may_know(exchange, issue, sessions)
        return (
            ()
            if issue.problem or param is None
            else issued(param, exchange, issue, server_issued=sender.is_minted(issue.param))
        )

    def _sender(self, talk: _Conversation, dialect: str) -> Sender:
        if dialect not in talk.senders:
            hold = partial(self._holders.hold, talk.client, talk.origin, dialect)
            sender = Sender(self._dialects[dialect], hold, declared=self._declared)
            talk.senders[dialect] = sender
        return talk.senders[dialect]

    def _senders(self, talk: _Conversation, exchange: Exchange) -> Iterator[tuple[str, Sender]]:
        """What is known of the sender under each dialect of which there is anything."""
        named = {i.dialect for i in exchange.issued} | {p.dialect for p in exchange.presented}
        for name in self._dialects:
            if name in named or name in talk.senders:
                yield name, self._sender(talk, name)

    def _enter(self, talk: _Conversation, heard: _Heard, moment: Moment) -> None:
        for name, sender in self._senders(talk, heard.exchange):
            sender.request(heard.exchange, _sessions(heard, name), moment)

    def _judge(self, talk: _Conversation, heard: _Heard, moment: Moment) -> Iterable[Event]:
        """The verdicts on a request, or what they are so far (T5)."""
        exchange, events = heard.exchange, list[Event]()
        self._enter(talk, heard, moment)
        redirected = talk.redirects.get(exchange.endpoint, -FOREVER)
        followed = exchange.request_start_us - redirected <= FOLLOWED_US
        for name, sender in self._senders(talk, exchange):

            def bound(param: str, dialect: str = name) -> bool:
                return (
                    self._dialects[dialect].param(param) is not None
                    and exchange.method not in UNBOUND_METHODS
                    and self._binds(exchange.origin, exchange.endpoint, dialect, param)
                )

            waiting = len(sender.keyless)
            events += sender.judge(
                exchange, _sessions(heard, name), bound, moment, followed=followed
            )
            if len(sender.keyless) > waiting:
                events += map(Provisional, sender.keyless.so_far())
            if len(sender.keyless) > self._max_waiting:  # M5
                events += sender.keyless.settle()
        return events

    def _refused(self, talk: _Conversation, heard: _Heard) -> Iterator[Change]:
        """The changes of state by a response that refuses what was presented (T6)."""
        exchange = heard.exchange
        issued = {(i.dialect, i.param) for i in exchange.issued}
        for shown in exchange.presented:
            sender, key = talk.senders.get(shown.dialect), (shown.dialect, shown.param)
            if sender is None or exchange.status not in sender.dialect.refused or key in issued:
                continue
            session = _sessions(heard, shown.dialect).request
            param = (sender if session is None else session).params.get(shown.param)
            if param is not None and shown.fingerprint == param.newest:
                yield from change(param, "refused", exchange, *key)


def _remember(redirects: OrderedDict[str, int], endpoint: str, at: int) -> None:
    redirects[endpoint] = at
    redirects.move_to_end(endpoint)
    if len(redirects) > MAX_PARAMS:
        redirects.popitem(last=False)


def _sessions(heard: _Heard, dialect: str) -> Sessions:
    return heard.sessions.setdefault(dialect, Sessions())
