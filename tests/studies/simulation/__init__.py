"""One simulator of servers and clients, as recorded exchanges whose truth is known.

Modules
    `policies`, `servers`: what servers do. `visits`, `characters`: when clients send requests, and
    what they are like. `tokens`: one token parameter, for the inference of expiry. `clients`: all
    parameters of both dialects, for verdicts and causes. `facts`, `har`: what a proxy leaves of it,
    as fact tables or as a file. `truth`: what only the simulation knows. `histories`: exchanges at
    random on a coarse clock, without servers, for oracles.

Expiry
    Enters: a policy's name, how many token values the capture sees, a seed. Leaves: a `Capture`,
    whose `view` makes tables (`tables`); no table holds any of its `truth`.

    >>> from statetrail.recording.frames import Recording
    >>> captures = [draw("idle", 20, seed) for seed in range(3)]
    >>> rec = Recording(tables([capture.view for capture in captures]))

    The row of `expiry(rec)` for captures[2] is the one whose origin is origin(2).

What a capture has
    The server decides by its own clock, which ticks somewhere between request and response; its
    policy (`POLICIES`) has limits log-uniform on ten seconds to thirty days. Clients are
    interactive, cron jobs and polling ones; they have latency, parallel twins, tabs that present
    the value before, logouts, wishes for a new session (`_session_token=1`) now and then or
    always, values that two of them share; they leave for good and others come. The capture starts
    in the middle in most cases and ends when it would see one value too many. The tokens are
    those of ZEST or of 52eSELLER; where a response may keep silent about a live value, some
    servers do. Clock readings are whole milliseconds in some captures. All of it is random.

What can be added
    `Variation`: a capture so brief that it saw few values issued, requests that it missed, restarts
    of the server, a calendar by which all values are replaced, clock readings in whole seconds, and
    a `plain` capture without accidents.

Seeds
    The same arguments give the same capture. The families of seeds are disjoint: `development` is
    for building and testing an estimator, `held-out` for calibrating it.
"""

import math
import zlib
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from studies.simulation.facts import HOLDERS, ProxyView, host, origin, tables
from studies.simulation.policies import POLICIES, Policy, draw_policy
from studies.simulation.servers import CAUSES
from studies.simulation.tokens import Circumstances, Simulation
from studies.simulation.truth import TokenUses, Truth
from studies.simulation.visits import Traffic, draw_traffic

__all__ = [
    "CAUSES",
    "POLICIES",
    "Capture",
    "Policy",
    "ProxyView",
    "TokenUses",
    "Truth",
    "Variation",
    "draw",
    "host",
    "origin",
    "tables",
]

type Family = Literal["development", "held-out"]

_FAMILIES: Final[dict[Family, int]] = {"development": 1, "held-out": 2}
_CALENDARS: Final = tuple(n * 60.0 for n in (1, 10, 60, 360, 1440, 10_080, 43_200, 525_600))

_BRIEF: Final = 1.8
"""Values that a brief capture sees of a client."""
_BEFORE: Final = 1.5
"""Values that were issued before it, by those that it sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What befalls a capture besides its policy.

    Attributes
    ----------
    brief
        Many clients, and a capture so brief that most values were issued before it.
    uncaptured
        Share of the accepted requests that the capture missed.
    restarts
        How often the server restarts and forgets all values.
    calendar
        The server replaces all values at every full minute, hour, day or the like.
    seconds
        Clock readings are whole seconds.
    plain
        No twins, tabs, logouts, restarts by clients, shared values, and microseconds.
    """

    brief: bool = False
    uncaptured: float = 0.0
    restarts: int = 0
    calendar: bool = False
    seconds: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture: what a proxy saw of it, and what is true of it."""

    view: ProxyView
    truth: Truth


def draw(
    policy: str,
    values: int,
    seed: int,
    *,
    family: Family = "development",
    variation: Variation | None = None,
) -> Capture:
    """A capture drawn at random.

    Parameters
    ----------
    policy
        One of `POLICIES`.
    values
        How many distinct token values the capture sees.
    seed, family
        The same ones give the same capture.
    variation
        What befalls it besides; nothing by default.

    Raises
    ------
    ValueError
        There is no such policy, or there are too few values for two clients.
    """
    if values < 2:
        raise ValueError(f"a capture of {values} values shows nothing: ask for 2 or more")
    variation = variation or Variation()
    key = np.random.SeedSequence([_FAMILIES[family], zlib.crc32(policy.encode()), values, seed])
    rng = np.random.default_rng(key)
    server_policy = draw_policy(policy, rng)
    traffic = draw_traffic(server_policy, values, rng)
    holder = int(rng.choice(3, p=(0.5, 0.3, 0.2)))
    silent = holder > 0 and rng.random() < 0.7
    grain_us = 1_000 if rng.random() < 0.3 else 1
    unrecorded = round(rng.uniform(0, 2) * traffic.clients) if rng.random() < 0.7 else 0
    rejects = rng.random() < 0.2
    if variation.brief:
        traffic = replace(traffic, clients=max(3, round(values / _BRIEF)))
        unrecorded = round(_BEFORE * values)
    if variation.plain:
        traffic, grain_us = _without_accidents(traffic), 1
    around = Circumstances(
        values=values,
        unrecorded=unrecorded,
        uncaptured=variation.uncaptured,
        crashes=tuple(rng.integers(values // 5, max(values * 4 // 5, 1), variation.restarts)),
        calendar_s=_calendar(server_policy) if variation.calendar else math.inf,
        rejects=rejects,
    )
    simulation = Simulation(server_policy, traffic, around, rng)
    tape = simulation.run()
    view = ProxyView.of(
        tape,
        key=int(key.generate_state(1, np.uint64)[0] >> 1),
        holder=holder,
        silent=silent,
        grain_us=1_000_000 if variation.seconds else grain_us,
    )
    dialect, param = HOLDERS[holder][:2]
    restarts_s = tuple(simulation.restarts_s)
    truth = Truth(server_policy, around, dialect, param, restarts_s, TokenUses.of(tape))
    return Capture(view, truth)


def _without_accidents(traffic: Traffic) -> Traffic:
    return replace(traffic, twins=0.0, logouts=0.0, restarts=0.0, always=0.0, shared=0.0, tabs=0.0)


def _calendar(policy: Policy) -> float:
    """The shortest customary period that leaves room for the policy to show."""
    return next((c for c in _CALENDARS if c >= 5 * policy.scale_s), _CALENDARS[-1])
