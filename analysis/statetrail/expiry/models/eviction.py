"""Eviction: values are lost by chance, and nothing else ends them.

Two forms are averaged: a hazard that does not depend on the age or the idle time of a value
(log-uniform), and a chance to lose it at each use (a rate drawn from Beta(1, 3)).
"""

from typing import Final

import numpy as np

from statetrail.expiry.likelihood.error_model import HALF, LONGEST_S, log_end_chance
from statetrail.expiry.models.model import MANY_ENDS, Model, Policy, fit_idle
from statetrail.expiry.numerics import log_bernoulli, log_sum
from statetrail.expiry.summaries import EventTable

_RATES: Final = 1 / np.geomspace(10.0, LONGEST_S, 160)
_AT_A_USE: Final = (1.0, 3.0)

EVICTION: Final = Policy(
    name="eviction",
    description="by chance, whatever the idle time and the age",
    sentence="is lost by chance, whatever its idle time and its age",
    min_ends=MANY_ENDS,
)


def eviction(events: EventTable) -> float:
    """Log-evidence that values are lost by chance alone."""
    lived, fatal = events.lived["idle"], events.fatal["idle"]
    by_rate = log_end_chance(fatal, _RATES).sum(axis=1) - _RATES * lived.sum()
    at_any_time = log_sum(by_rate) - float(np.log(len(_RATES)))
    at_a_use = float(log_bernoulli(len(fatal), len(fatal) + len(lived), _AT_A_USE))
    return float(np.logaddexp(at_any_time, at_a_use)) + HALF


POLICIES: Final = (EVICTION,)
MODELS: Final = (Model("eviction", EVICTION, 1.0, fit_idle(eviction)),)
