"""One token parameter: clients and a server in the order of the server's ticks, seen by a proxy.

Enters: a policy, traffic and the circumstances of the capture. Leaves: a `Tape`: what the proxy
saw, exchange by exchange, each with what only the server knew of it.

A client presents the newest value that had reached it when it asked. The server judges when it
looks the value up, somewhere between request and response.
"""

import heapq
import itertools
import math
import random
from bisect import insort
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from studies.simulation.policies import Policy
from studies.simulation.servers import ACCEPTED, OVERLAP, RENEWED, Server
from studies.simulation.visits import LOGOUT, PLAIN, RESTART, Request, Traffic, Visits

type Floats = npt.NDArray[np.float64]

NOTHING: Final = -1
_REMEMBERED: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How a capture was made, and what befell the server besides its policy.

    Attributes
    ----------
    values
        Distinct token values that the capture sees.
    unrecorded
        Values that were issued before the capture began.
    uncaptured
        Share of the accepted requests that the capture missed.
    crashes
        Numbers of values seen at which the server restarts and forgets all values.
    calendar_s
        The server replaces all values at every multiple of this.
    rejects
        An ended value is refused with 401, instead of being replaced by another at once.
    """

    values: int
    unrecorded: int = 0
    uncaptured: float = 0.0
    crashes: tuple[int, ...] = ()
    calendar_s: float = math.inf
    rejects: bool = False


class Tape(NamedTuple):
    """What the proxy saw and what only the server knew, in the order of the requests' starts.

    Attributes
    ----------
    sent, response_start, ended
        Start of the request, start and end of the response, in seconds.
    client, kind
        The client's number, and its kind.
    presented, issued
        Numbers of values, or `NOTHING`; `issued` is the value that the exchange left its client.
    new
        The issued value is a new one.
    refused, action
        The response is a 401; what the request did.
    idle, age, cause
        Of the value presented: true time since its last use and since its birth, when the server
        looked it up, and what it met with (position in `CAUSES`).
    idle_known, age_known
        The capture saw the value before, and saw its birth.
    """

    sent: Floats
    response_start: Floats
    ended: Floats
    client: Floats
    kind: Floats
    presented: Floats
    issued: Floats
    new: Floats
    refused: Floats
    action: Floats
    idle: Floats
    age: Floats
    cause: Floats
    idle_known: Floats
    age_known: Floats


class _Client:
    """What one client has in mind."""

    __slots__ = ("_replies", "_returned", "number", "other", "visits")

    def __init__(self, number: int, visits: Visits, held: int, other: bool) -> None:
        self.number, self.visits, self.other = number, visits, other
        # When each reply arrives that leaves another value, or none, and which.
        self._replies: list[tuple[float, int]] = [(-math.inf, held)]
        self._returned = -math.inf

    def held(self, now: float) -> int:
        """The newest value that had arrived by then."""
        at, value = self._replies[-1]
        if at <= now:
            return value
        return next((value for at, value in reversed(self._replies) if at <= now), NOTHING)

    def take(self, at: float, value: int) -> None:
        """A reply is on its way."""
        insort(self._replies, (at, value))
        del self._replies[:-_REMEMBERED]

    def earlier(self, now: float) -> int:
        """The value before the one held, asked for once after each change; else `NOTHING`."""
        if self._replies[-1][0] == self._returned:
            return NOTHING
        arrived = [reply for reply in self._replies if reply[0] <= now]
        self._returned, held = arrived.pop()
        if held < 0:
            return NOTHING
        return next((value for _, value in reversed(arrived) if value >= 0), NOTHING)


class Simulation:
    """A simulation; `run` gives its tape."""

    def __init__(
        self,
        policy: Policy,
        traffic: Traffic,
        around: Circumstances,
        rng: np.random.Generator,
    ) -> None:
        self._policy, self._traffic, self._around, self._rng = policy, traffic, around, rng
        self._chance = random.Random(int(rng.integers(2**62)))
        self.server = Server(policy, self._chance, calendar_s=around.calendar_s)
        self._rows: list[tuple[float, ...]] = []
        self.restarts_s: list[float] = []
        """When the server restarted."""
        self._clients: list[_Client] = []
        self._order = itertools.count()
        self._queue: list[tuple[float, int, _Client | None, Request | None]] = []
        self._seen: set[int] = set()
        self._births: set[int] = set()
        self._crashes = sorted(around.crashes, reverse=True)
        self._from = 0.0 if not around.unrecorded else math.inf

    def run(self) -> Tape:
        """Simulate until the capture would see one value too many."""
        # Nobody begins at midnight sharp.
        base = self._rng.uniform(0, 7 * 86_400)
        settling = 4 * self._traffic.pause_s
        for _ in range(self._traffic.clients):
            self._push(base + self._rng.uniform(0, settling), None, None)
        queue = self._queue
        while True:
            at, _, client, request = heapq.heappop(queue)
            if client is None:
                self._arrive(at)
            elif request is None:
                self._plan(client)
            elif not self._exchange(client, request):
                rows = np.array(self._rows, dtype=np.float64).reshape(-1, len(Tape._fields))
                return Tape(*rows[np.argsort(rows[:, 0], kind="stable")].T)

    def _push(self, at: float, client: _Client | None, request: Request | None) -> None:
        heapq.heappush(self._queue, (at, next(self._order), client, request))

    def _arrive(self, at: float) -> None:
        """A newcomer, who may bring another's value along."""
        chance, held = self._chance, NOTHING
        if self._clients and chance.random() < self._traffic.shared:
            held = chance.choice(self._clients[-self._traffic.clients :]).held(at)
        other = chance.random() < self._policy.other_share
        visits = Visits(self._traffic, self._rng, at)
        client = _Client(len(self._clients), visits, held, other)
        self._clients.append(client)
        self._plan(client)

    def _plan(self, client: _Client) -> None:
        """The client's next visits; one that leaves for good makes room for another."""
        requests, begin = client.visits.block()
        queue, order = self._queue, self._order
        for request in requests:
            heapq.heappush(queue, (request[1], next(order), client, request))
        if requests:
            self._push(begin, client, None)
        else:
            self._push(begin + self._chance.expovariate(1 / self._traffic.pause_s), None, None)

    def _exchange(self, client: _Client, request: Request) -> bool:
        """One request and its answer; false where the capture ends before it."""
        sent, looked, dealt, _, ended, action = request
        server, chance = self.server, self._chance
        shown = client.held(sent)
        if self._traffic.tabs and action == PLAIN:
            earlier = client.earlier(sent)
            if earlier >= 0 and chance.random() < self._traffic.tabs:
                shown = earlier
        if action == RESTART or client.visits.always:
            shown = NOTHING
        leaves = action == LOGOUT and shown >= 0
        idle = age = math.nan
        cause = ACCEPTED
        if shown >= 0:
            idle = max(looked - server.used[shown], 0.0)
            age = looked - server.born[shown]
            cause = server.use(shown, looked, dealt)
        new = shown < 0 or (cause != ACCEPTED and cause != OVERLAP)
        refused = new and shown >= 0 and self._around.rejects and cause != RENEWED
        new &= not refused
        seeing = sent >= self._from
        missed = not (new or refused) and chance.random() < self._around.uncaptured
        if seeing and not missed:
            fresh = (shown >= 0 and shown not in self._seen) + new
            if len(self._seen) + fresh > self._around.values:
                return False
        left = server.issue(looked, dealt, other=client.other) if new else shown
        if refused:
            left = NOTHING
        elif leaves and not new:
            server.drop(shown)
            left = NOTHING
        if seeing and not missed:
            self._record(client, request, (shown, left), new, refused, (idle, age), cause)
        if left != shown:
            client.take(ended, left)
        if not seeing and len(server.born) >= self._around.unrecorded:
            self._from = ended
        if self._crashes and len(self._seen) >= self._crashes[-1]:
            self._crashes.pop()
            server.starts += 1
            self.restarts_s.append(looked)
        return True

    def _record(
        self,
        client: _Client,
        request: Request,
        values: tuple[int, int],
        new: bool,
        refused: bool,
        spans: tuple[float, float],
        cause: int,
    ) -> None:
        """Put the exchange on the tape."""
        shown, left = values
        sent, _, _, response_start, ended, action = request
        seen = (shown in self._seen, shown in self._births)
        of_client = (client.number, client.visits.kind)
        of_server = (new, refused, action, *spans, cause)
        self._rows.append((sent, response_start, ended, *of_client, *values, *of_server, *seen))
        if shown >= 0:
            self._seen.add(shown)
        if new:
            self._seen.add(left)
            self._births.add(left)
