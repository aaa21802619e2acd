"""Wall clock: every value ends at the same time of each day, used or not.

Some applications log everybody out at midnight, by their own time zone. A value survives a use if
that time of day does not lie between the use and the one before.
"""

from typing import Final

import numpy as np

from statetrail.expiry.likelihood.error_model import (
    COARSE_HAZARDS,
    log_end_chance,
    log_unexplained_ends,
    log_unexplained_survivals,
)
from statetrail.expiry.mass_expiry import Clock, crossings
from statetrail.expiry.models.model import MANY_ENDS, Data, Fit, Model, Policy
from statetrail.expiry.numerics import log_sum
from statetrail.expiry.summaries import event_uses

DAY_US: Final = 86_400_000_000
PHASES: Final = tuple(range(0, DAY_US, 1_800_000_000))
"""Times of day that are tried: time zones differ by half hours."""
MIN_DAYS: Final = 3
"""Days at whose time values have to have ended."""

WALL_CLOCK: Final = Policy(
    name="wall-clock",
    description="at the same time of each day",
    sentence="ends at the same time of each day, used or not",
    min_ends=MANY_ENDS,
    needs_age=False,
    advice="Tokens end at the same time of each day. A client that uses a token just before and "
    "just after that time would show the moment.",
)


def _fit(data: Data) -> Fit:
    evidence = data.evidence
    lived, ends = event_uses(evidence, ("idle",))
    at = evidence.request_start_us
    idle_us = [
        np.round(np.where(np.isfinite(bound), bound, 0.0) * 1e6).astype(np.int64)
        for bound in evidence.brackets("idle")
    ]
    idle_s = evidence.idle_low_s[lived]
    chances = log_end_chance(evidence.idle_high_s[ends], COARSE_HAZARDS)
    best, each = None, []
    top = -np.inf
    clocks = [Clock(DAY_US, phase) for phase in PHASES]
    for clock, found in zip(
        clocks, crossings(clocks, at[ends] - idle_us[1][ends], at[ends]), strict=True
    ):
        explained = int(np.count_nonzero(found))
        days = np.unique((at[ends[found]] - clock.phase_us) // DAY_US)
        if len(days) < MIN_DAYS or explained < len(ends) / 2:
            continue
        outlived = clock.lies_in(at[lived] - idle_us[0][lived], at[lived])
        unexplained = log_unexplained_ends(
            np.array([len(ends) - explained]),
            np.array([np.count_nonzero(~outlived)]),
            np.array([idle_s[~outlived].sum()]),
            chances[:, ~found].sum(axis=1)[:, None],
            COARSE_HAZARDS,
        )
        outliving = log_unexplained_survivals(
            np.array([np.count_nonzero(outlived)]), np.array([explained])
        )
        each.append(float(unexplained[0] + outliving[0]))
        if each[-1] > top:
            top, best = each[-1], clock
    return Fit(log_sum(each) - float(np.log(len(PHASES))), clock=best)


POLICIES: Final = (WALL_CLOCK,)
MODELS: Final = (Model("wall clock", WALL_CLOCK, 1.0, _fit),)
