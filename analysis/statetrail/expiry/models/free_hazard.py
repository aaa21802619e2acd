"""Free hazard: how well idle times, or ages, tell ends from survivals at all, under no policy.

The chance to end is some function of the span, with a rate for each of a few bins. A policy that is
named has to explain the traffic better: what no other model fits stays undetermined.
"""

from functools import partial
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Span
from statetrail.expiry.likelihood.error_model import LONGEST_S, SHORTEST_S
from statetrail.expiry.models.eviction import eviction
from statetrail.expiry.models.model import Model, fit_age, fit_idle
from statetrail.expiry.models.undetermined import UNDETERMINED
from statetrail.expiry.numerics import Reals, log_bernoulli, log_sum
from statetrail.expiry.summaries import EventTable

_RATIOS: Final = (1.15, 1.5, 2.5)


def free_hazard(events: EventTable, span: Span) -> float:
    """Log-evidence of a rate per bin of the span, the bins a fixed ratio wide."""
    if not events.ends:
        return -np.inf
    each = []
    for ratio in _RATIOS:
        ended, lived = (_binned(spans, ratio) for spans in (events.fatal[span], events.lived[span]))
        each.append(float(log_bernoulli(ended, ended + lived, (0.5, 0.5)).sum()))
    return log_sum(each) - float(np.log(len(_RATIOS)))


def _binned(spans: Reals, ratio: float) -> Reals:
    at = np.log(np.clip(spans, SHORTEST_S, LONGEST_S) / SHORTEST_S) / np.log(ratio)
    bins = int(np.log(LONGEST_S / SHORTEST_S) / np.log(ratio)) + 1
    return np.bincount(at.astype(np.int64), minlength=bins).astype(np.float64)


MODELS: Final = (
    Model(
        "any function of idle time", UNDETERMINED, 0.1, fit_idle(partial(free_hazard, span="idle"))
    ),
    Model(
        "any function of age",
        UNDETERMINED,
        0.1,
        fit_age(partial(free_hazard, span="age"), eviction),
    ),
)
