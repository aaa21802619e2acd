"""Missed polls: idle times in which a request of a steady client may have been missed.

Enters: `Evidence`. Leaves: the same uses, those idle times counted as no longer than one step.

A poller or a cron job makes requests at even steps. Where it seems to have left out some and its
value was still alive, either it did, or the capture missed a request that kept the value alive: an
idle time of twice the usual step is what a missed request looks like. So such an idle time says no
more than that the value outlived one step, unless it agrees with what all others say. (An end needs
no such care: a missed request only makes the fatal idle time shorter, and its upper bound holds.)
"""

from dataclasses import replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import threshold
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.numerics import Reals

MULTIPLES: Final = (2, 3, 4)
"""An idle time of so many steps is doubted."""
EVEN: Final = 0.04
"""By what share of a step a client's steps may differ."""
MIN_STEPS: Final = 3
MIN_SHARE: Final = 0.3
"""So many of a client's idle times, and so large a share of them, have to be one step long."""

_APART: Final = 1e3
"""More than logarithms of idle times can differ."""


def shorten_missed(evidence: Evidence) -> Evidence:
    """The evidence with survived idle times of several even steps counted as one step.

    The same object where no idle time is doubted.
    """
    low, high = evidence.brackets("idle")
    timed = np.flatnonzero((low > 0) & np.isfinite(high))
    client, logs = evidence.party[timed], np.log((low[timed] + high[timed]) / 2)
    # Clients lie so far apart on this axis that a window never holds the idle times of two.
    position = client * _APART + logs
    ordered = np.sort(position)
    least = np.maximum(MIN_STEPS, MIN_SHARE * np.bincount(client, minlength=1)[client])
    multiples, most = np.ones(len(timed)), np.zeros(len(timed))
    for multiple in MULTIPLES:
        shifted = position - np.log(multiple)
        upper = np.searchsorted(ordered, shifted + EVEN, "right")
        count = upper - np.searchsorted(ordered, shifted - EVEN, "left")
        better = (count >= least) & (count > most)
        multiples[better], most[better] = multiple, count[better]
    divisors = np.ones(len(evidence))
    divisors[timed] = np.where(evidence.survived[timed], multiples, 1.0)
    # What agrees with the others needs no doubt.
    agreed = threshold(*_divided(evidence, divisors).summary("idle")).high_s
    doubted = np.where(low > (agreed or 0.0), divisors, 1.0)
    return _divided(evidence, doubted) if np.any(doubted > 1) else evidence


def _divided(evidence: Evidence, divisors: Reals) -> Evidence:
    low, high = (bound / divisors for bound in evidence.brackets("idle"))
    return replace(evidence, idle_low_s=low, idle_high_s=high)
