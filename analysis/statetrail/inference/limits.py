"""Limits: the marginal likelihood of one limit, on the idle time or on the age.

Enters: `Trials`. Leaves: the logarithm of the evidence for "values end when this span reaches a
limit", the limit being unknown, with losses and luck as `statetrail.inference.noise` has them.

Between two neighbouring spans in the data nothing tells one limit from another, so the integral
over the limit is an exact sum over these cells. Only limits that act count, those that explain
`MIN_EXPLAINED` ends or more and `MIN_SHARE` of all: one beyond all that was seen is no policy but
the lack of one.
"""

from typing import Final

import numpy as np

from statetrail.inference.noise import HALF, HAZARDS, Losses, log_loss_chance, log_luck, log_widths
from statetrail.inference.numerics import Reals, log_sum
from statetrail.inference.trials import Trials

MIN_EXPLAINED: Final = 2
MIN_SHARE: Final = 0.5


def single_limit(
    trials: Trials,
    span: str,
    *,
    hazards: Reals = HAZARDS,
    above_s: float = 0.0,
    share: tuple[float, float] = (MIN_SHARE, 1.0),
) -> float:
    """Log-evidence of one limit.

    Parameters
    ----------
    trials
        What survived and what did not.
    span
        ``gap`` for an idle timeout, ``age`` for a limit on the age.
    hazards
        Rates of losses that are tried.
    above_s
        Only limits above this are asked for.
    share
        The least and the largest share of the ends that the limit may explain.
    """
    if not trials.ends:
        return -np.inf
    lived, fatal, longest = trials.lived(span), trials.fatal(span), trials.longest(span)
    # What values outlived before their longest span moves no cell's count by more than a use.
    edges = np.unique(np.concatenate([[0.0], longest, fatal, [np.inf]]))
    floor, ceiling = edges[:-1], edges[1:]
    kept, gaps = _up_to(lived, floor), _up_to(lived, floor, trials.lived_gap)
    chances = log_loss_chance(trials.fatal_gap, hazards)

    lost = _up_to(fatal, floor)
    lucky_uses = len(lived) - _up_to(lived, ceiling, side="left")
    lost_chances = _up_to(fatal, floor, chances)
    by_use = Losses(lost, kept, gaps, lost_chances, hazards).log_likelihood()
    by_use += log_luck(lucky_uses, trials.ends - lost)
    # Of an immune value the limit explains no end, and all its uses are exposed to losses.
    before = longest[trials.fatal_value]
    mortal = before < fatal
    spent = np.where(mortal, fatal, np.inf), np.where(mortal, before, np.inf)
    explained = _up_to(spent[1], floor) - _up_to(spent[0], floor)
    explained_chances = _up_to(spent[1], floor, chances) - _up_to(spent[0], floor, chances)
    lucky = len(longest) - _up_to(longest, ceiling, side="left")
    by_value = Losses(
        trials.ends - explained,
        np.full_like(kept, len(lived)),
        np.full_like(gaps, trials.lived_gap.sum()),
        chances.sum(axis=1)[:, None] - explained_chances,
        hazards,
    ).log_likelihood()
    by_value += log_luck(lucky, explained)
    cells = log_widths(edges) + np.logaddexp(by_use, by_value) + HALF
    acting = trials.ends - lost
    acts = (acting >= max(MIN_EXPLAINED, share[0] * trials.ends)) & (floor >= above_s)
    return log_sum(cells[acts & (acting <= share[1] * trials.ends)])


def _up_to(spans: Reals, limits: Reals, weights: Reals | None = None, side: str = "right") -> Reals:
    """How many spans lie up to each limit, or the sums of their weights (last axis: the spans)."""
    order = np.argsort(spans)
    at = np.searchsorted(spans[order], limits, side)  # type: ignore[call-overload]
    if weights is None:
        return np.asarray(at, dtype=np.float64)
    total = np.cumsum(weights[..., order], axis=-1)
    padded = np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)
    return np.asarray(padded[..., at])
