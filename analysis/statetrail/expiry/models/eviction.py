"""Eviction: values are lost by chance, and nothing else ends them.

Two forms are averaged: a hazard that does not depend on the age or the idle time of a value
(log-uniform), and a chance to lose it at each use (a rate drawn from Beta(1, 3)).
"""

from typing import Final

import numpy as np

from statetrail.expiry.error_model import HALF, LONGEST_S, log_end_chance
from statetrail.expiry.models.model import MANY_ENDS, Data, Fit, Model, Policy
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
    chances = log_end_chance(events.fatal_idle, _RATES).sum(axis=1)
    at_any_time = log_sum(chances - _RATES * events.lived_idle.sum()) - float(np.log(len(_RATES)))
    uses = events.ends + len(events.lived_idle)
    at_a_use = float(log_bernoulli(events.ends, uses, _AT_A_USE))
    return float(np.logaddexp(at_any_time, at_a_use)) + HALF


def _eviction(data: Data) -> Fit:
    return Fit(eviction(data.events))


POLICIES: Final = (EVICTION,)
MODELS: Final = (Model("eviction", EVICTION, 1.0, _eviction),)
