"""Steps: gaps in which a request of a steady client may have been missed.

Enters: `Evidence`. Leaves: the same uses, those gaps counted as no longer than one step.

A poller or a cron job asks at even steps. Where it seems to have left out some and its value was
still alive, either it did, or the capture missed a request that kept the value alive: a gap of
twice the usual step is what a missed request looks like. So such a gap tells no more than that the
value outlived one step, unless it agrees with what all others say. (An end needs no such care: a
missed request only makes the fatal gap shorter, and its bound from above stays true.)
"""

from dataclasses import replace
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.numerics import Reals
from statetrail.expiry.thresholds import threshold

MULTIPLES: Final = (2, 3, 4)
"""A gap of so many steps is not trusted."""
EVEN: Final = 0.04
"""By what share of a step a client's steps may differ."""
MIN_STEPS: Final = 3
MIN_SHARE: Final = 0.3
"""So many of a client's gaps, and so large a share of them, have to be one step long."""

_APART: Final = 1e3
"""More than logarithms of gaps can differ."""


def unmissed(evidence: Evidence) -> Evidence:
    """The evidence with survived gaps of several of a client's even steps counted as one step.

    The very same evidence where there are none to doubt.
    """
    low, high = evidence.bounds("gap")
    timed = np.flatnonzero((low > 0) & np.isfinite(high))
    logs = np.log((low[timed] + high[timed]) / 2)
    by_client = evidence.client[timed] * _APART
    keys = np.sort(by_client + logs)
    many = np.bincount(evidence.client[timed], minlength=int(evidence.client.max(initial=-1)) + 1)
    least = np.maximum(MIN_STEPS, MIN_SHARE * many[evidence.client[timed]])
    steps, most = np.ones(len(timed)), np.zeros(len(timed))
    for multiple in MULTIPLES:
        at = by_client + logs - np.log(multiple)
        even = np.searchsorted(keys, at + EVEN, "right") - np.searchsorted(keys, at - EVEN, "left")
        better = (even >= least) & (even > most)
        steps[better], most[better] = multiple, even[better]
    times = np.ones(len(evidence))
    times[timed] = np.where(evidence.survived[timed], steps, 1.0)
    careful = _shortened(evidence, times)
    # What agrees with the others needs no doubt.
    agreed = threshold(*careful.votes("gap")).high_s
    doubted = np.where(low > (agreed or 0.0), times, 1.0)
    return _shortened(evidence, doubted) if np.any(doubted > 1) else evidence


def _shortened(evidence: Evidence, times: Reals) -> Evidence:
    low, high = (bound / times for bound in evidence.bounds("gap"))
    return replace(evidence, gap_low_s=low, gap_high_s=high)
