"""Memoryless ends: values that are lost by chance, and values that live for one use.

Enters: `Trials`. Leaves: logarithms of the evidence for each.

Eviction has two forms, averaged: a hazard that does not remember how old or how unused a value
is (log-uniform), and a chance to lose it at each use (a rate drawn from Beta(1, 3)).
"""

from typing import Final

import numpy as np

from statetrail.expiry.error_model import LONGEST_S, log_loss_chance, log_luck
from statetrail.expiry.numerics import log_bernoulli, log_sum
from statetrail.expiry.trials import Trials

_RATES: Final = 1 / np.geomspace(10.0, LONGEST_S, 160)
_AT_A_USE: Final = (1.0, 3.0)
_HALF: Final = float(np.log(0.5))


def eviction(trials: Trials) -> float:
    """Log-evidence that values are lost by chance, and nothing else ends them."""
    chances = log_loss_chance(trials.fatal_gap, _RATES).sum(axis=1)
    at_any_time = log_sum(chances - _RATES * trials.lived_gap.sum()) - float(np.log(len(_RATES)))
    uses = trials.ends + len(trials.lived_gap)
    at_a_use = float(log_bernoulli(trials.ends, uses, _AT_A_USE))
    return float(np.logaddexp(at_any_time, at_a_use)) + _HALF


def per_request(trials: Trials) -> float:
    """Log-evidence that every use ends its value, but for a few lucky ones."""
    lived, ended = np.array([float(len(trials.lived_gap))]), np.array([float(trials.ends)])
    return float(log_luck(lived, ended)[0])
