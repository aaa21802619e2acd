"""Judging while recording: marks the flows of clients that ignored state, and warns of them.

Enters: that a request started, and its flow with what was sighted in it. Leaves: marked flows with
a comment, warnings (one a client, rule and hour), and counts for the console's commands and for
monitoring. Everything that is said comes out of what may be stored, so it holds no secret; the
memory is bounded. A request without a session key gets the verdict so far: what its sender does
later may excuse it.
"""

import logging
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from mitmproxy.http import HTTPFlow

from statetrail.analyses.conformance.scoreboard import MAX_CLIENTS, Score, Scoreboard
from statetrail.analyses.conformance.tracker import (
    Event,
    Exchange,
    Provisional,
    Tracker,
    Verdict,
)
from statetrail.analyses.conformance.visibility import Issue, Presented
from statetrail.dialects import Dialect
from statetrail.extract.extractor import ExchangeFacts
from statetrail.extract.records import Request
from statetrail.recording.conversations import origin
from statetrail.schema.clients import client_name

if TYPE_CHECKING:
    from statetrail_addons._monitoring import Monitoring

logger = logging.getLogger("statetrail")

MAX_FLOWS: Final = 10_000
WARN_EVERY_S: Final = 3600
MARK: Final = ":warning:"

type Subject = tuple[int, str, str]
"""What a request is known by: its number, its client and its origin."""


class LiveJudge:
    """Judges exchanges as they complete.

    `shown` is called with flows that have changed since they were last shown.

    Attributes
    ----------
    announces
        Whether flows are marked, and faults warned of.
    monitoring
        What counts for monitoring, if anything does.
    """

    def __init__(
        self, dialects: Iterable[Dialect], shown: Callable[[list[HTTPFlow]], None]
    ) -> None:
        self.scoreboard = Scoreboard()
        self.announces = True
        self.monitoring: Monitoring | None = None
        self._tracker = Tracker(dialects, max_clients=MAX_CLIENTS)
        self._shown = shown
        self._numbers = 0
        self._flows: OrderedDict[int, weakref.ref[HTTPFlow]] = OrderedDict()
        self._warned: dict[tuple[str, str, str], float] = {}

    def started(self, request: Request, client: str) -> Subject:
        """A request started; returns what it is known by."""
        self._numbers += 1
        at = origin(request.scheme, request.host.lower(), request.port)
        self._take(self._tracker.started(self._numbers, client, at, request.start_us))
        return self._numbers, client, at

    def abandoned(self, subject: Subject) -> None:
        """A request will not be reported any more."""
        self._take(self._tracker.abandoned(*subject))

    def completed(self, flow: HTTPFlow, subject: Subject, facts: ExchangeFacts) -> None:
        """An exchange completed."""
        row, (number, client, at) = facts.exchange, subject
        self.scoreboard.count(
            *(client, at, client_name((row.peer, row.user_agent))),
            origin(row.scheme, row.host, row.port),
        )
        if facts.presented or facts.issued or row.dialects:
            self._flows[number] = weakref.ref(flow)
            if len(self._flows) > MAX_FLOWS:
                self._flows.popitem(last=False)
        events = self._tracker.completed(_exchange(subject, facts))
        # Where nothing else is under way the verdict is final with the next thing that happens,
        # and any later moment will do for that.
        after = row.request_start_us + 1
        events += self._tracker.started(-number, client, at, after)
        events += self._tracker.abandoned(-number, client, at)
        self._take(events)
        if self.monitoring is not None:
            self.monitoring.completed(facts)

    def _take(self, events: Iterable[Event]) -> None:
        changed: dict[int, HTTPFlow] = {}
        for event in events:
            score = self.scoreboard.take(event)
            if self.monitoring is not None:
                self.monitoring.counts.take(event)
            if not self.announces:
                continue
            # A provisional fault is marked at once; the final verdict, much later, says no more.
            verdict = event.verdict if isinstance(event, Provisional) else event
            if isinstance(verdict, Verdict) and verdict.fault and verdict.settles is None:
                so_far = " so far" if isinstance(event, Provisional) else ""
                self._warn(verdict, score, so_far)
                self._mark(verdict, changed, so_far)
        if changed:
            self._shown(list(changed.values()))

    def _mark(self, verdict: Verdict, changed: dict[int, HTTPFlow], so_far: str) -> None:
        reference = self._flows.get(verdict.exchange_id)
        flow = reference() if reference is not None else None
        if flow is None:
            return
        fault = f"{verdict.verdict} {verdict.param}{so_far}"
        comment = f"statetrail: {fault}"
        if comment not in flow.comment and fault not in flow.comment.split(", "):
            if "statetrail: " in flow.comment:
                flow.comment += f", {fault}"
            else:
                flow.comment = f"{flow.comment}; {comment}" if flow.comment else comment
        flow.marked = flow.marked or MARK
        changed[verdict.exchange_id] = flow

    def _warn(self, verdict: Verdict, known: Score, so_far: str) -> None:
        key = (f"{verdict.client} {verdict.origin}", verdict.verdict, verdict.param)
        now = time.monotonic()
        if now - self._warned.get(key, -WARN_EVERY_S) < WARN_EVERY_S:
            return
        if len(self._warned) >= MAX_CLIENTS:
            self._warned.clear()
        self._warned[key] = now
        logger.warning(
            "statetrail: %s at %s ignores state%s: %s %s",
            *(known.client, known.origin, so_far, verdict.verdict, verdict.param),
        )


def _exchange(subject: Subject, facts: ExchangeFacts) -> Exchange:
    row = facts.exchange
    return Exchange(
        *(*subject, row.endpoint, row.method, row.request_start_us),
        *(row.request_end_us, row.response_start_us, row.response_end_us, row.status, row.age_s),
        *(row.fetch_dest, row.redirect_endpoint, row.request_origin, row.exposed_headers),
        has_cookies=row.has_cookies,
        fetch_mode=row.fetch_mode,
        issued=[
            Issue(i.dialect, i.param, i.fingerprint, i.usage, i.priority, i.problem, i.channel)
            for i in facts.issued
        ],
        presented=[
            Presented(p.dialect, p.param, p.fingerprint, p.channel, p.kind) for p in facts.presented
        ],
    )
