"""Worlds: simulated servers and clients whose expiry policy is known, as recorded exchanges.

Enters: a policy's name, how many token values the capture sees, a seed. Leaves: a `World`, whose
`seen` makes tables (`tables`) and whose `truth` says what is so; no table holds any of the truth.

    from statetrail.recording.frames import Recording
    from studies.simulation import draw, origin, tables

    worlds = [draw("idle", 100, seed) for seed in range(20)]
    rec = Recording(tables([world.seen for world in worlds]))
    # The row of `expiry(rec)` for worlds[3] is the one whose origin is origin(3).

What a world has
    The server decides by its own clock, which ticks somewhere between request and response; its
    rules (`POLICIES`) have limits log-uniform on ten seconds to thirty days. Clients are
    interactive, cron jobs and polling ones; they have latency, parallel twins, tabs that present
    the value before, logouts, wishes for a new session (`_session_token=1`) now and then or
    always, values that two of them share; they leave for good and others come. The capture begins
    in the middle in most worlds and ends when it would see one value too many. The tokens are
    those of ZEST or of 52eSELLER; where a response may keep silent about a live value, some
    servers do. Clock readings are whole milliseconds in some worlds. All of it is drawn at random.

What can be added
    `Variation`: a capture so brief that it saw few values issued, requests that it missed, restarts
    of the server, a calendar by which all values are replaced, clock readings in whole seconds, and
    a `plain` world without accidents.

Seeds
    The same arguments give the same world. The families of seeds are disjoint: `development` is
    for building and testing an estimator, `held-out` for calibrating it.
"""

import math
import zlib
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from statetrail.errors import UsageError
from studies.simulation.rules import POLICIES, Rules, draw_rules
from studies.simulation.server import CAUSES
from studies.simulation.simulate import Circumstances, Simulation
from studies.simulation.tables import HOLDERS, Seen, host, origin, tables
from studies.simulation.traffic import Traffic, draw_traffic
from studies.simulation.truth import Trials, Truth

__all__ = [
    "CAUSES",
    "POLICIES",
    "Rules",
    "Seen",
    "Trials",
    "Truth",
    "Variation",
    "World",
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
    """What befalls a world besides its rules.

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
class World:
    """One world: what a proxy saw of it, and what is true of it."""

    seen: Seen
    truth: Truth


def draw(
    policy: str,
    values: int,
    seed: int,
    *,
    family: Family = "development",
    variation: Variation | None = None,
) -> World:
    """A world drawn at random.

    Parameters
    ----------
    policy
        One of `POLICIES`.
    values
        How many distinct token values the capture sees.
    seed, family
        The same ones give the same world.
    variation
        What befalls it besides; nothing by default.

    Raises
    ------
    UsageError
        There is no such policy, or there are too few values for two clients.
    """
    if values < 2:
        raise UsageError(f"a world of {values} values shows nothing: ask for 2 or more")
    with_what = variation or Variation()
    key = np.random.SeedSequence([_FAMILIES[family], zlib.crc32(policy.encode()), values, seed])
    rng = np.random.default_rng(key)
    rules = draw_rules(policy, rng)
    traffic = draw_traffic(rules, values, rng)
    holder = int(rng.choice(3, p=(0.5, 0.3, 0.2)))
    silent = holder > 0 and rng.random() < 0.7
    grain_us = 1_000 if rng.random() < 0.3 else 1
    unrecorded = round(rng.uniform(0, 2) * traffic.clients) if rng.random() < 0.7 else 0
    rejects = rng.random() < 0.2
    if with_what.brief:
        traffic = replace(traffic, clients=max(3, round(values / _BRIEF)))
        unrecorded = round(_BEFORE * values)
    if with_what.plain:
        traffic, grain_us = _without_accidents(traffic), 1
    around = Circumstances(
        values=values,
        unrecorded=unrecorded,
        uncaptured=with_what.uncaptured,
        crashes=tuple(rng.integers(values // 5, max(values * 4 // 5, 1), with_what.restarts)),
        calendar_s=_calendar(rules) if with_what.calendar else math.inf,
        rejects=rejects,
    )
    simulation = Simulation(rules, traffic, around, rng)
    tape = simulation.run()
    seen = Seen.of(
        tape,
        key=int(key.generate_state(1, np.uint64)[0] >> 1),
        holder=holder,
        silent=silent,
        grain_us=1_000_000 if with_what.seconds else grain_us,
    )
    dialect, param = HOLDERS[holder][:2]
    truth = Truth(rules, around, dialect, param, tuple(simulation.restarts_s), Trials.of(tape))
    return World(seen, truth)


def _without_accidents(traffic: Traffic) -> Traffic:
    return replace(traffic, twins=0.0, logouts=0.0, restarts=0.0, always=0.0, shared=0.0, tabs=0.0)


def _calendar(rules: Rules) -> float:
    """The shortest customary period that leaves room for the rules to show."""
    return next((c for c in _CALENDARS if c >= 5 * rules.scale_s), _CALENDARS[-1])
