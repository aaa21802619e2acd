"""Limits: the marginal likelihood of one limit, on the idle time or on the age.

Enters: `Trials`. Leaves: the logarithm of the evidence for "values end when this span reaches a
limit", the limit being unknown, with losses and luck as `statetrail.expiry.error_model` has them.

Between two neighbouring spans in the data nothing tells one limit from another, so the integral
over the limit is an exact sum over these cells. Only limits that act count, those that explain
`MIN_EXPLAINED` ends or more and `MIN_SHARE` of all: one beyond all that was seen is no policy but
the lack of one.
"""

from typing import Final

import numpy as np

from statetrail.expiry.error_model import (
    HALF,
    HAZARDS,
    Losses,
    log_loss_chance,
    log_luck,
    log_widths,
)
from statetrail.expiry.numerics import Reals, log_sum
from statetrail.expiry.trials import Trials

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
    lived, longest = np.sort(trials.lived(span)), trials.longest(span)
    fatal = trials.fatal(span)
    # What values outlived before their longest span moves no cell's count by more than a use.
    edges = np.unique(np.concatenate([[0.0], longest, fatal, [np.inf]]))
    by_length = np.argsort(fatal)
    acting = trials.ends - _up_to(fatal[by_length], edges[:-1])
    acts = (acting >= max(MIN_EXPLAINED, share[0] * trials.ends)) & (edges[:-1] >= above_s)
    acts &= acting <= share[1] * trials.ends
    if not acts.any():
        return -np.inf
    floor, ceiling, lost = edges[:-1][acts], edges[1:][acts], trials.ends - acting[acts]
    kept = _up_to(lived, floor)
    gaps = _sums(trials.lived_gap[np.argsort(trials.lived(span))], kept)
    chances = log_loss_chance(trials.fatal_gap, hazards)

    lucky_uses = len(lived) - _up_to(lived, ceiling, side="left")
    lost_chances = _sums(chances[:, by_length], lost)
    by_use = Losses(lost, kept, gaps, lost_chances, hazards).log_likelihood()
    by_use += log_luck(lucky_uses, acting[acts])
    # Of an immune value the limit explains no end, and all its uses are exposed to losses.
    before = longest[trials.fatal_value]
    mortal = before < fatal
    explained, explained_chances = np.zeros_like(kept), np.zeros_like(lost_chances)
    for spans, sign in ((before, 1), (fatal, -1)):
        spent = np.where(mortal, spans, np.inf)
        order = np.argsort(spent)
        count = _up_to(spent[order], floor)
        explained += sign * count
        explained_chances += sign * _sums(chances[:, order], count)
    longest.sort()
    lucky = len(longest) - _up_to(longest, ceiling, side="left")
    by_value = Losses(
        trials.ends - explained,
        np.full_like(kept, len(lived)),
        np.full_like(gaps, trials.lived_gap.sum()),
        chances.sum(axis=1)[:, None] - explained_chances,
        hazards,
    ).log_likelihood()
    by_value += log_luck(lucky, explained)
    cells = log_widths(edges)[acts] + np.logaddexp(by_use, by_value) + HALF
    return log_sum(cells)


def _up_to(ordered: Reals, limits: Reals, side: str = "right") -> Reals:
    """How many of the spans, which are in order, lie up to each limit."""
    return np.asarray(np.searchsorted(ordered, limits, side), dtype=np.float64)  # type: ignore[call-overload]


def _sums(weights: Reals, counts: Reals) -> Reals:
    """The sums of the first so many weights (last axis)."""
    total = np.cumsum(weights, axis=-1)
    padded = np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)
    return np.asarray(padded[..., counts.astype(np.int64)])
