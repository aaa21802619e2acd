"""Error model: how probable the ends and survivals are that a limit leaves unexplained.

Enters: counts and sums per candidate limit. Leaves: logarithms of marginal likelihoods.

Unexplained ends
    A value may end although no limit was reached: by chance at a use (a rate drawn from
    Beta(½, 100)), or at any time (a memoryless hazard, averaged over a grid). The two are averaged.
    With probability `NO_UNEXPLAINED_ENDS` a recording has none.
Unexplained survivals
    A use may outlive the limit: a request that kept the value alive was not captured. Or a value
    may be immune: a client out of sight keeps it alive, and only chance ends it. Each has a rate
    drawn from Beta(½, 20), and the two are averaged as well. With probability
    `NO_UNEXPLAINED_SURVIVALS` a recording has none.
"""

from typing import Final

import numpy as np

from statetrail.expiry.numerics import Counts, Reals, log_bernoulli

UNEXPLAINED_END_PRIOR: Final = (0.5, 100.0)
UNEXPLAINED_SURVIVAL_PRIOR: Final = (0.5, 20.0)
NO_UNEXPLAINED_SURVIVALS: Final = 0.75
NO_UNEXPLAINED_ENDS: Final = 0.6
SHORTEST_S: Final = 0.05
CUSTOMARY_S: Final = 10.0
LONGEST_S: Final = 30 * 86_400.0
"""Limits lie between the shortest and the longest. Those above the shortest customary one are
equally likely on a log scale; those below it have the prior `UNUSUAL` together."""
UNUSUAL: Final = 0.01
HAZARDS: Final[Reals] = 1 / np.geomspace(10.0, LONGEST_S, 24)
"""Unexplained ends per second."""
COARSE_HAZARDS: Final[Reals] = HAZARDS[::3]

HALF: Final = float(np.log(0.5))


def log_end_chance(idle_s: Reals, hazards: Reals = HAZARDS) -> Reals:
    """Per hazard and idle time, the logarithm of the chance to end within it."""
    rates = hazards.reshape((-1,) + (1,) * idle_s.ndim)
    return np.log(-np.expm1(-rates * np.maximum(idle_s, 1e-3)))


def log_unexplained_ends(
    ends: Counts, survivals: Counts, idle_s: Reals, log_chances: Reals, hazards: Reals = HAZARDS
) -> Reals:
    """Ends by chance at a use, or at any time, averaged; arrays with one entry a candidate limit.

    Parameters
    ----------
    ends, survivals
        Unexplained ends, and survived uses below the limit.
    idle_s
        The sum of their idle times.
    log_chances
        One row a hazard: the sum of `log_end_chance` over the unexplained ends.
    """
    at_use = log_bernoulli(ends, ends + survivals, UNEXPLAINED_END_PRIOR)
    each = log_chances - hazards.reshape((-1,) + (1,) * idle_s.ndim) * idle_s[None]
    top = each.max(axis=0)
    any_time = top + np.log(np.exp(each - top).mean(axis=0))
    some = np.logaddexp(at_use, any_time) + HALF + float(np.log1p(-NO_UNEXPLAINED_ENDS))
    return np.logaddexp(np.where(ends == 0, float(np.log(NO_UNEXPLAINED_ENDS)), -np.inf), some)


def log_unexplained_survivals(unexplained: Counts, explained: Counts) -> Reals:
    """Uses, or values, that outlived a limit, and the ends that the limit explains."""
    none = np.where(unexplained == 0, float(np.log(NO_UNEXPLAINED_SURVIVALS)), -np.inf)
    some = log_bernoulli(unexplained, unexplained + explained, UNEXPLAINED_SURVIVAL_PRIOR)
    return np.logaddexp(none, some + float(np.log1p(-NO_UNEXPLAINED_SURVIVALS)))


def log_widths(edges: Reals) -> Reals:
    """Log prior masses of the cells between neighbouring edges; minus infinity for empty ones."""
    logs = [float(np.log(x)) for x in (SHORTEST_S, CUSTOMARY_S, LONGEST_S)]
    with np.errstate(divide="ignore"):
        below = np.interp(np.log(edges), logs, [0.0, UNUSUAL, 1.0])
        return np.log(np.diff(below))
