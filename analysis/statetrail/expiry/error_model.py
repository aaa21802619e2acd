"""Noise: how probable the ends and survivals are that a limit leaves unexplained.

Enters: counts and sums per candidate limit. Leaves: logarithms of marginal likelihoods.

Losses
    A value may be lost although no limit was reached: by chance at a use (a rate drawn from
    Beta(½, 100)), or at any time (a hazard that does not remember, averaged over a grid). The
    two are averaged. In many recordings (`NO_LOSSES`) there is none.
Luck
    A use may outlive the limit: a request that kept the value alive was not captured. Or a value
    may be immune: somebody keeps it alive out of sight, and what ends it in the end is a loss.
    Each has a rate drawn from Beta(½, 20), and the two are averaged as well. In most recordings
    (`NO_LUCK`) there is none.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.numerics import Reals, log_bernoulli

LOSS_PRIOR: Final = (0.5, 100.0)
LUCK_PRIOR: Final = (0.5, 20.0)
NO_LUCK: Final = 0.75
NO_LOSSES: Final = 0.6
SHORTEST_S: Final = 0.05
CUSTOMARY_S: Final = 10.0
LONGEST_S: Final = 30 * 86_400.0
"""Limits are sought between these, all equally likely on a log scale, but for those shorter than
what is customary, which together have the prior `UNUSUAL`."""
UNUSUAL: Final = 0.01
HAZARDS: Final[Reals] = 1 / np.geomspace(10.0, LONGEST_S, 24)
"""Losses per second."""

HALF: Final = float(np.log(0.5))


def log_loss_chance(gaps: Reals, hazards: Reals = HAZARDS) -> Reals:
    """Per hazard and gap, the logarithm of the chance to be lost within it."""
    return np.log(-np.expm1(-hazards[:, None] * np.maximum(gaps, 1e-3)[None, :]))


@dataclass(frozen=True, slots=True)
class Losses:
    """What candidate limits do not explain; arrays with one entry a candidate.

    Attributes
    ----------
    lost
        Unexplained ends.
    kept
        Survived uses below the limit.
    gaps_s
        The sum of their gaps.
    chances
        One row a hazard: the sum of `log_loss_chance` over the unexplained ends.
    hazards
        Those hazards.
    """

    lost: Reals
    kept: Reals
    gaps_s: Reals
    chances: Reals
    hazards: Reals

    def log_likelihood(self) -> Reals:
        """Losses by chance at a use, or at any time, averaged."""
        at_use = log_bernoulli(self.lost, self.lost + self.kept, LOSS_PRIOR)
        rates = self.hazards.reshape((-1,) + (1,) * self.gaps_s.ndim)
        each = self.chances - rates * self.gaps_s[None]
        top = each.max(axis=0)
        any_time = top + np.log(np.exp(each - top).mean(axis=0))
        some = np.logaddexp(at_use, any_time) + HALF + float(np.log1p(-NO_LOSSES))
        return np.logaddexp(np.where(self.lost == 0, float(np.log(NO_LOSSES)), -np.inf), some)


def log_luck(lucky: Reals, explained: Reals) -> Reals:
    """What outlived a limit (uses, or values), and the ends that the limit explains."""
    none = np.where(lucky == 0, float(np.log(NO_LUCK)), -np.inf)
    some = log_bernoulli(lucky, lucky + explained, LUCK_PRIOR) + float(np.log1p(-NO_LUCK))
    return np.logaddexp(none, some)


def log_widths(edges: Reals) -> Reals:
    """Log prior masses of the cells between neighbouring edges; minus infinity for empty ones."""
    logs = [float(np.log(x)) for x in (SHORTEST_S, CUSTOMARY_S, LONGEST_S)]
    with np.errstate(divide="ignore"):
        below = np.interp(np.log(edges), logs, [0.0, UNUSUAL, 1.0])
        return np.log(np.diff(below))
