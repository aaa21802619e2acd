"""Missed requests: a sharp idle timeout, where the capture did not see all that kept values alive.

Between two uses that were captured, uses that were missed divide the idle time into pieces, none of
which reached the timeout. So what a capture with holes shows is no soft limit: from the timeout on
the chance to survive is small at once, falls to nothing within a few timeouts, and longer idle
times are always fatal.

The number of uses that were missed is geometric. They fall evenly: the chance that *j* of them
leave no piece of *x* timeouts longer than one is the sum of (-1)^i C(j + 1, i) (1 - i / x)^j over
the *i* up to *x* (Stevens, Solution to a geometrical problem in probability, 1939).
"""

from functools import cache
from typing import Final

import numpy as np

from statetrail.expiry.likelihood.error_model import (
    COARSE_HAZARDS,
    log_end_chance,
    log_unexplained_ends,
    log_widths,
)
from statetrail.expiry.numerics import Reals, edges_of_zones, log_sum, partial_sums
from statetrail.expiry.summaries import EventTable

SHARES: Final = (0.02, 0.05, 0.1, 0.2, 0.3)
"""Chances that one more use was missed, equally likely."""
MIN_EACH: Final = 2
"""Ends beyond the timeout, and survivals."""
MOST: Final = 4
"""Uses missed in one idle time."""
LEAST: Final = 1e-5
"""The chance to survive whatever was missed."""

_STEPS: Final = 200
"""Of the table of chances, for each timeout."""


def missed_requests(events: EventTable) -> float:
    """Log-evidence of a sharp timeout that values outlived by uses which were not captured."""
    lived, fatal = np.sort(events.lived["idle"]), np.sort(events.fatal["idle"])
    if len(fatal) < MIN_EACH or len(lived) < MIN_EACH or lived[-MIN_EACH] <= fatal[0]:
        return -np.inf
    edges = edges_of_zones(lived, fatal, events.longest("idle"))
    floors, middles = edges[:-1], np.sqrt(np.maximum(edges[:-1], edges[1] / 2) * edges[1:])
    ends, survivals = (np.searchsorted(spans, floors, "right") for spans in (fatal, lived))
    acts = len(fatal) - ends >= max(MIN_EACH, len(fatal) / 2)
    acts &= (len(lived) - survivals >= MIN_EACH) & np.isfinite(edges[1:])
    if not acts.any():
        return -np.inf
    floors, middles, ends, survivals = floors[acts], middles[acts], ends[acts], survivals[acts]
    below = log_unexplained_ends(
        ends,
        survivals,
        partial_sums(lived, survivals),
        partial_sums(log_end_chance(fatal, COARSE_HAZARDS), ends),
        COARSE_HAZARDS,
    )
    beyond = np.zeros((len(SHARES), len(floors)))
    for outcome, spans in enumerate((lived, fatal)):
        long = spans[spans > floors[0]]
        step = np.ceil((long[None, :] / middles[:, None] - 1) * _STEPS).astype(np.int64)
        step = np.clip(step, 0, MOST * _STEPS)
        chances = log_chances()[outcome][:, step]
        beyond += np.where(long[None, :] > floors[:, None], chances, 0.0).sum(axis=2)
    by_share = np.logaddexp.reduce(beyond, axis=0) - float(np.log(len(SHARES)))
    return log_sum(log_widths(edges)[acts] + below + by_share)


@cache
def log_chances() -> Reals:
    """Logarithms of the chances to survive, and to end, by share and idle time.

    The idle times are from one timeout on, in steps; the last one stands for all longer ones.
    """
    x = 1 + np.arange(MOST * _STEPS + 1) / _STEPS
    shares = np.array(SHARES)[:, None]
    survival = np.full((len(SHARES), len(x)), LEAST)
    for missed in range(1, MOST + 1):
        signed = np.poly(np.ones(missed + 1))  # (-1)^i C(missed + 1, i)
        pieces = sum(
            coefficient * np.maximum(1 - i / x, 0) ** missed for i, coefficient in enumerate(signed)
        )
        survival += (1 - shares) * shares**missed * np.clip(pieces, 0, 1)
    return np.stack([np.log(survival), np.log1p(-survival)])
