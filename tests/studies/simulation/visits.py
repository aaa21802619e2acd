"""Visits: when clients send requests, drawn without regard to the responses.

Enters: a policy (only its time scale and kind) and a generator of random numbers. Leaves:
`Traffic`, what is typical of all clients, and `Visits`, one client's visits as blocks of requests.

Three kinds of clients: *interactive* ones come in bursts with log-normal pauses between; *cron*
jobs come by the clock, often at whole multiples of their period, and leave out some runs; *polling*
ones ask at even steps for a while and then pause. Every client leaves after some visits, and
another comes in its place.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from studies.simulation.policies import Policy

KINDS: Final = ("interactive", "cron", "polling")
INTERACTIVE, CRON, POLLING = range(3)

PLAIN, LOGOUT, RESTART = range(3)
"""What a request does: nothing special, end its session, ask for a new one."""

_VISITS: Final = 32
"""Visits that are drawn at a time."""
_REQUESTS: Final = (3.0, 1.2, 8.0)
"""Mean number of requests in a visit, by kind of client."""

# Median pause by time scale (log-uniform between), and the spread of pauses: around the timeout
# where idle time counts, well below the limit where age does.
_PAUSES: Final = {
    "idle": (0.15, 0.8, 1.0, 1.8),
    "age": (0.02, 0.15, 0.8, 1.4),
    "both": (0.08, 0.4, 0.9, 1.4),
    "loss": (0.02, 0.3, 0.8, 1.8),
}
_FAMILY: Final = {
    "absolute": "age",
    "periodic": "age",
    "idle+absolute": "both",
    "eviction": "loss",
    "none": "loss",
}

type _Floats = npt.NDArray[np.float64]
type Request = tuple[float, float, float, float, float, int]
"""Sent, looked up by the server, dealt with, response started, response ended; its action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is typical of the clients of a capture.

    Attributes
    ----------
    clients
        How many there are at a time.
    stay
        Mean number of visits until a client leaves for good.
    shares
        Shares of the `KINDS`.
    pause_s, pause_spread
        Median pause between visits, and the standard deviation of its logarithm.
    cron_s
        Period that half of the cron jobs share.
    step_s
        Median pause within a visit.
    latency_s
        Median time from request to response.
    twins
        Chance that a request has a parallel twin.
    logouts, restarts
        Chance that a visit ends with a logout, or begins with a wish for a new session.
    always
        Chance that a cron job asks for a new session every time.
    shared
        Chance that a newcomer brings a value that another client has.
    tabs
        Chance that a request after a change still presents the value before.
    """

    clients: int
    stay: float
    shares: tuple[float, float, float]
    scale_s: float
    pause_s: float
    pause_spread: float
    cron_s: float
    step_s: float
    latency_s: float
    twins: float
    logouts: float
    restarts: float
    always: float
    shared: float
    tabs: float


def draw_traffic(policy: Policy, values: int, rng: np.random.Generator) -> Traffic:
    """What is typical of a capture of that many values."""

    def span(low: float, high: float) -> float:
        return math.exp(rng.uniform(math.log(low), math.log(high)))

    def sometimes(chance: float, most: float) -> float:
        return rng.uniform(0, most) if rng.random() < chance else 0.0

    low, high, narrow, wide = _PAUSES[_FAMILY.get(policy.name, "idle")]
    scale = policy.scale_s
    endless = policy.name in ("none", "eviction")
    shares = rng.dirichlet((5, 1.5, 1.5))
    pause, latency = scale * span(low, high), span(0.01, 0.2)
    return Traffic(
        clients=round(span(max(2.5, values / 40), max(4, values / 5))),
        stay=span(4, 15) if endless else span(15, 100),
        shares=(float(shares[0]), float(shares[1]), float(shares[2])),
        scale_s=scale,
        pause_s=pause,
        pause_spread=rng.uniform(narrow, wide),
        cron_s=max(pause * span(0.5, 2), 30 * latency),
        step_s=min(scale / 100, 8.0) * span(0.3, 1),
        latency_s=latency,
        twins=sometimes(0.7, 0.08),
        logouts=sometimes(0.5, 0.05),
        restarts=sometimes(0.5, 0.04),
        always=sometimes(0.3, 0.2),
        shared=sometimes(0.5, 0.2),
        tabs=sometimes(0.7, 0.3),
    )


class Visits:
    """One client's visits, drawn block by block.

    Attributes
    ----------
    kind
        Its position in `KINDS`.
    always
        It asks for a new session every time.
    """

    def __init__(self, traffic: Traffic, rng: np.random.Generator, start_s: float) -> None:
        self.kind = int(np.searchsorted(np.cumsum(traffic.shares[:-1]), rng.random(), "right"))
        self.always = self.kind == CRON and rng.random() < traffic.always
        self._traffic, self._rng = traffic, rng
        self._left = int(rng.geometric(1 / traffic.stay))
        self._at = start_s
        self._pause = traffic.pause_s * math.exp(0.3 * rng.standard_normal())
        self._step = traffic.step_s
        if self.kind == POLLING:
            self._step = traffic.pause_s * math.exp(rng.uniform(math.log(0.1), math.log(0.6)))
        if self.kind == CRON:
            common = rng.random() < 0.5
            self._pause = traffic.cron_s if common else max(self._pause, 30 * traffic.latency_s)
            self._phase = 0.0 if rng.random() < 0.5 else rng.uniform(0, self._pause)

    def block(self) -> tuple[list[Request], float]:
        """The requests of the next visits, and when the last of these visits begins.

        None are left once the list is empty. Later blocks begin later.
        """
        visits = min(_VISITS, self._left)
        if not visits:
            return [], self._at
        self._left -= visits
        traffic, rng = self._traffic, self._rng
        counts = rng.geometric(1 / _REQUESTS[self.kind], visits)
        total = int(counts.sum())
        firsts = np.cumsum(counts) - counts
        latency = traffic.latency_s * np.exp(0.5 * rng.standard_normal(total))
        spread = 0.02 if self.kind == POLLING else 0.8
        steps = self._step * np.exp(spread * rng.standard_normal(total))
        # Each request of a visit follows the response to the one before.
        run = np.cumsum(latency + steps) - latency - steps
        within = run - np.repeat(run[firsts], counts)
        lasts = firsts + counts - 1
        begin = self._begins(visits, within[lasts] + latency[lasts])
        sent = np.repeat(begin, counts) + within
        action = np.zeros(total, dtype=np.int64)
        action[firsts[rng.random(visits) < traffic.restarts]] = RESTART
        action[lasts[rng.random(visits) < traffic.logouts]] = LOGOUT
        twin = np.flatnonzero((rng.random(total) < traffic.twins) & (action == PLAIN))
        sent = np.concatenate([sent, sent[twin] + rng.random(len(twin)) * latency[twin]])
        latency = np.concatenate([latency, latency[twin] * rng.uniform(0.5, 2, len(twin))])
        action = np.concatenate([action, np.zeros(len(twin), dtype=np.int64)])
        parts = np.sort(rng.random((3, len(sent))), axis=0)
        looked, dealt, response_start = sent + parts * latency
        columns = (sent, looked, dealt, response_start, sent + latency, action)
        return list(zip(*(c.tolist() for c in columns), strict=True)), float(begin[-1])

    def _begins(self, visits: int, lengths: _Floats) -> _Floats:
        """When the next visits begin, given how long they are."""
        rng = self._rng
        if self.kind == CRON:
            runs = np.cumsum(rng.geometric(0.9, visits)) + math.floor(
                (self._at - self._phase) / self._pause
            )
            late = np.minimum(np.abs(rng.standard_normal(visits)), 3) * min(0.003 * self._pause, 1)
            begin = self._phase + runs * self._pause + late
            self._at = self._phase + float(runs[-1]) * self._pause + self._pause / 2
            return begin
        pauses = self._pause * np.exp(self._traffic.pause_spread * rng.standard_normal(visits))
        ends = np.cumsum(pauses + lengths)
        begin = self._at + ends - lengths
        self._at += float(ends[-1])
        return begin
