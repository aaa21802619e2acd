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

from dataclasses import dataclass
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
    return np.log(-np.expm1(-hazards[:, None] * np.maximum(idle_s, 1e-3)[None, :]))


@dataclass(frozen=True, slots=True)
class UnexplainedEnds:
    """What candidate limits do not explain; arrays with one entry a candidate.

    Attributes
    ----------
    ends
        Unexplained ends.
    survivals
        Survived uses below the limit.
    idle_s
        The sum of their idle times.
    log_chances
        One row a hazard: the sum of `log_end_chance` over the unexplained ends.
    hazards
        Those hazards.
    """

    ends: Counts
    survivals: Counts
    idle_s: Reals
    log_chances: Reals
    hazards: Reals

    def log_likelihood(self) -> Reals:
        """Ends by chance at a use, or at any time, averaged."""
        at_use = log_bernoulli(self.ends, self.ends + self.survivals, UNEXPLAINED_END_PRIOR)
        rates = self.hazards.reshape((-1,) + (1,) * self.idle_s.ndim)
        each = self.log_chances - rates * self.idle_s[None]
        top = each.max(axis=0)
        any_time = top + np.log(np.exp(each - top).mean(axis=0))
        some = np.logaddexp(at_use, any_time) + HALF + float(np.log1p(-NO_UNEXPLAINED_ENDS))
        none = np.where(self.ends == 0, float(np.log(NO_UNEXPLAINED_ENDS)), -np.inf)
        return np.logaddexp(none, some)


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
