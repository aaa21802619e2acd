"""Free hazards: how well the spans tell ends from survivals at all, with no policy in mind.

Enters: `Trials`. Leaves: the logarithm of the evidence for "the chance to end is some function of
the gap, or of the age". Any policy that is named has to explain the traffic better than this one,
which learns a rate for each of a few bins: what no model of ours fits is left unnamed.
"""

from typing import Final

import numpy as np

from statetrail.expiry.error_model import LONGEST_S, SHORTEST_S
from statetrail.expiry.numerics import Reals, log_bernoulli, log_sum
from statetrail.expiry.trials import Trials

_RATIOS: Final = (1.15, 1.5, 2.5)


def free_hazard(trials: Trials, span: str) -> float:
    """Log-evidence of a rate per bin of gap or age, the bins a fixed ratio wide."""
    lived, fatal = trials.lived(span), trials.fatal(span)
    if not len(fatal):
        return -np.inf
    each = []
    for ratio in _RATIOS:
        dead, alive = (_binned(spans, ratio) for spans in (fatal, lived))
        each.append(float(log_bernoulli(dead, dead + alive, (0.5, 0.5)).sum()))
    return log_sum(each) - float(np.log(len(_RATIOS)))


def _binned(spans: Reals, ratio: float) -> Reals:
    at = np.log(np.clip(spans, SHORTEST_S, LONGEST_S) / SHORTEST_S) / np.log(ratio)
    bins = int(np.log(LONGEST_S / SHORTEST_S) / np.log(ratio)) + 1
    return np.bincount(at.astype(np.int64), minlength=bins).astype(np.float64)
