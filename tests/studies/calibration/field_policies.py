"""Field policies: how servers that are in use end their sessions, drawn by a seed.

Enters: a policy's name and a generator of random numbers. Leaves: `FieldServer`, which judges uses
of values by its own clock and knows the truth: the names that are right, and the limits.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

_DAY_S: Final = 86_400.0
_IDLE: Final = ("idle", "grey-zone")
_NEITHER: Final = ("none-seen",)

RIGHT: Final[Mapping[str, tuple[str, ...]]] = {
    "plain idle": ("idle",),
    "leeway": ("idle",),
    "whole-second clocks": ("idle",),
    "deploys": ("idle",),
    "Tomcat with sweeper": _IDLE,
    "sweepers": _IDLE,
    "jitter of 20 %": _IDLE,
    "renewal at half": _IDLE,
    "probabilistic GC": _IDLE,
    "LRU": ("eviction", "grey-zone"),
    "writes-only TTL": ("idle-by-writes",),
    "two limits by login": ("mixed",),
    "midnight logout": ("wall-clock", "none-seen"),
    "separate stores": ("eviction",),
    "JWT leeway": ("age", "absolute"),
    "two weeks in a day": ("none-seen", "idle", "age", "absolute"),
}
"""The policies, and the names that are right for them. `undetermined` is never wrong, `none-seen`
only where an end was recorded. A full cache ends what was not used for long, without a limit; a
midnight logout shows as a calendar beside `none-seen`."""


@dataclass(slots=True)
class Held:
    """One value on the server, times in seconds by its clock."""

    born: float
    noted: float
    used: float
    wrote: float
    order: int
    limit_s: float
    store: int = 0
    login: bool = False
    dead: bool = False


@dataclass(slots=True)
class FieldServer:
    """A server with its values.

    Attributes
    ----------
    name
        One of `RIGHT`.
    scale_s
        Around what clients' pauses are drawn.
    idle_s, login_s, age_s
        The limits that hold, leeway included; of sessions logged in `login_s`, where that differs.
    """

    name: str
    rng: np.random.Generator
    scale_s: float
    idle_s: float = math.inf
    login_s: float | None = None
    age_s: float = math.inf
    sweep_s: float = 0.0
    throttle_s: float = 0.0
    collect_s: float = 0.0
    jitter: float = 0.0
    capacity: int = 0
    stores: int = 1
    strays: float = 0.0
    floor_s: float = 0.0
    writes_only: bool = False
    midnight_s: float | None = None
    deploys_s: tuple[float, ...] = ()
    held: list[Held] = field(default_factory=list)
    _collected: list[float] = field(default_factory=list)
    _phase: float = 0.0
    _order: int = 0

    @property
    def truths(self) -> dict[str, float]:
        """The limits to be covered, by the span that they are on."""
        known = {"idle": self.idle_s, "age": self.age_s}
        return {span: limit for span, limit in known.items() if math.isfinite(limit)}

    def issue(self, now: float, *, login: bool = False) -> int:
        """A new value."""
        now = self._read(now)
        limit = self.idle_s * (1 + self.jitter * self.rng.uniform(-1, 1))
        self._order += 1
        store = int(self.rng.integers(self.stores))
        self.held.append(Held(now, now, now, now, self._order, limit, store, login))
        if self.capacity:
            alive = [value for value in self.held if not value.dead]
            if len(alive) > self.capacity:
                min(alive, key=lambda value: value.order).dead = True
        return len(self.held) - 1

    def use(self, number: int, now: float, *, write: bool, login: bool) -> bool:
        """Whether the value is accepted; if so, it is noted."""
        value, at = self.held[number], self._read(now)
        if not value.dead and self._over(value, at):
            value.dead = True
        if value.dead:
            return False
        if self.stores > 1 and self.rng.random() < self.strays:
            return False
        if at - value.noted >= self.throttle_s:
            value.noted = at
        value.used = at
        if write:
            value.wrote = at
        value.login |= login
        self._order += 1
        value.order = self._order
        return True

    def _read(self, now: float) -> float:
        return math.floor(now / self.floor_s) * self.floor_s if self.floor_s else now

    def _over(self, value: Held, now: float) -> bool:
        if now - value.born >= self.age_s:
            return True
        if any(value.used < moment <= now for moment in self.deploys_s):
            return True
        if self.midnight_s is not None:
            days = [(at - self.midnight_s) // _DAY_S for at in (value.used, now)]
            if days[0] != days[1]:
                return True
        since = value.wrote if self.writes_only else value.noted
        limit = self.login_s if value.login and self.login_s else value.limit_s
        if self.collect_s and math.isfinite(limit):
            return any(since + limit <= moment <= now for moment in self._collections(now))
        if self.sweep_s and math.isfinite(limit):
            rounds = math.ceil((since + limit - self._phase) / self.sweep_s)
            return now >= self._phase + rounds * self.sweep_s
        return now - since >= limit

    def _collections(self, now: float) -> list[float]:
        """When garbage was collected so far: at random, at this rate."""
        while not self._collected or self._collected[-1] <= now:
            last = self._collected[-1] if self._collected else 0.0
            self._collected.append(last + self.rng.exponential(self.collect_s))
        return self._collected


def draw_server(name: str, rng: np.random.Generator, sessions: int) -> FieldServer:
    """A server of that policy; `sessions` are how many users there are at a time."""

    def span(low: float, high: float) -> float:
        return math.exp(rng.uniform(math.log(low), math.log(high)))

    timeout = float(rng.choice((300, 600, 900, 1200, 1440, 1800, 3600, 7200))) * span(0.9, 1.1)
    one = FieldServer(name=name, rng=rng, scale_s=timeout, idle_s=timeout)
    one._phase = rng.uniform(0, 3600)
    match name:
        case "leeway":
            one.idle_s = timeout + float(rng.choice((30.0, 60.0, 120.0)))
        case "whole-second clocks":
            one.idle_s, one.floor_s = float(round(timeout)), 1.0
        case "deploys":
            one.deploys_s = tuple(rng.uniform(5, 60, int(rng.integers(1, 5))) * timeout)
        case "Tomcat with sweeper":
            one.scale_s = one.idle_s = float(rng.choice((900.0, 1800.0, 3600.0)))
            one.sweep_s = 60.0
        case "sweepers":
            one.sweep_s = timeout * span(0.05, 0.5)
        case "jitter of 20 %":
            one.jitter = 0.2
        case "renewal at half":
            one.throttle_s = timeout / 2
        case "probabilistic GC":
            one.collect_s = timeout * span(0.3, 1.5)
        case "LRU":
            one.idle_s, one.capacity = math.inf, max(2, round(sessions * rng.uniform(0.4, 0.9)))
        case "writes-only TTL":
            one.writes_only = True
        case "two limits by login":
            one.idle_s, one.login_s = 1200.0 * span(0.5, 2), 7200.0 * span(0.7, 1.4)
            one.scale_s = math.sqrt(one.idle_s * one.login_s)
        case "midnight logout":
            one.idle_s, one.scale_s = math.inf, 8 * 3600.0
            one.midnight_s = 3600.0 * float(rng.integers(24))
        case "separate stores":
            one.idle_s, one.stores, one.strays = math.inf, 2, rng.uniform(0.02, 0.3)
        case "JWT leeway":
            one.idle_s, one.age_s = math.inf, timeout + float(rng.choice((30.0, 60.0, 300.0)))
        case "two weeks in a day":
            aged = rng.random() < 0.5
            one.scale_s = 3 * 3600.0
            one.idle_s, one.age_s = (math.inf, 14 * _DAY_S) if aged else (14 * _DAY_S, math.inf)
    return one
