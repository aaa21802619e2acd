"""Two limits: the marginal likelihood of an idle timeout and an absolute limit together.

Enters: `Trials`. Leaves: the logarithm of the evidence. A value ends when either span reaches its
limit; both limits have to act, each explaining `MIN_OWN` ends that the other does not.

The plane of both limits is cut into cells by edges out of the data. A cell is first judged by
its best corner, which can only flatter it, and the best one is cut finer until it holds no more
data: what is summed in the end is exact where the mass is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from statetrail.expiry.error_model import (
    HALF,
    HAZARDS,
    Losses,
    log_loss_chance,
    log_luck,
    log_widths,
)
from statetrail.expiry.evidence import Flags
from statetrail.expiry.models.single_limit import MIN_SHARE
from statetrail.expiry.numerics import Reals, log_sum
from statetrail.expiry.subsample import edged, inside, spread, whole
from statetrail.expiry.trials import Trials

MIN_OWN: Final = 2
_COARSE: Final = 40
_FINE: Final = 12
_ROUNDS: Final = 8
_SPANS: Final = ("gap", "age")


@dataclass(frozen=True, slots=True)
class TwoLimits:
    """An idle timeout with an absolute limit.

    Attributes
    ----------
    log_evidence
        Logarithm of the marginal likelihood, both limits acting `MIN_OWN` times or more.
    log_doubt
        The same of limits of which one acts less often, but once. Where other ends are unexplained,
        the one that it explains is no more than one of them: any of these could have been the last.
    """

    log_evidence: float
    log_doubt: float


def two_limits(trials: Trials) -> TwoLimits:
    """The evidence for an idle timeout with an absolute limit."""
    if trials.ends < 2:
        return TwoLimits(-np.inf, -np.inf)
    points = [np.unique(np.concatenate([trials.longest(s), trials.fatal(s)])) for s in _SPANS]
    edges = [edged(spread(p, _COARSE)) for p in points]
    found = TwoLimits(-np.inf, -np.inf)
    for _ in range(_ROUNDS):
        cells, firm, lost = _cells(trials, *edges)
        if not np.isfinite(cells).any():
            break
        # A cell that holds data is flattered: it is a place to look, and no evidence.
        gap_whole, age_whole = (whole(p, e) for p, e in zip(points, edges, strict=True))
        settled = gap_whole[:, None] & age_whole[None, :]
        doubts = cells - np.log1p(lost)
        found = TwoLimits(log_sum(cells[settled & firm]), log_sum(doubts[settled & ~firm]))
        best = np.unravel_index(int(np.argmax(cells)), cells.shape)
        finer = [
            spread(inside(p, e[i], e[i + 1]), _FINE)
            for p, e, i in zip(points, edges, best, strict=True)
        ]
        if not any(len(new) for new in finer):
            break
        edges = [np.union1d(old, new) for old, new in zip(edges, finer, strict=True)]
    return found


def _cells(trials: Trials, gap_edges: Reals, age_edges: Reals) -> tuple[Reals, Flags, Reals]:
    """Log of prior mass times likelihood for each cell of the plane, where both limits act often,
    and how many ends neither explains."""
    floors, ceilings = (gap_edges[:-1], age_edges[:-1]), (gap_edges[1:], age_edges[1:])
    fatal = (trials.fatal_gap, trials.fatal_age)
    lived = (trials.lived_gap, trials.lived_age)
    rates = HAZARDS[::3]
    chances = log_loss_chance(trials.fatal_gap, rates)
    kept, gaps = _up_to(lived, floors), _up_to(lived, floors, trials.lived_gap)

    everywhere = (np.full(len(floors[0]), np.inf), np.full(len(floors[1]), np.inf))
    lost = _up_to(fatal, floors)
    by_age = trials.ends - _up_to(fatal, (everywhere[0], floors[1]))
    explained = trials.ends - lost
    lucky_uses = len(lived[0]) - _up_to(lived, ceilings, strictly=True)
    lost_chances = np.stack([_up_to(fatal, floors, one) for one in chances])
    by_use = Losses(lost, kept, gaps, lost_chances, rates).log_likelihood()
    by_use += log_luck(lucky_uses, explained)
    # Of an immune value the limits explain no end, and all its uses are exposed to losses.
    longest = (trials.longest("gap"), trials.longest("age"))
    lucky = trials.values - _up_to(longest, ceilings, strictly=True)
    before = (longest[0][trials.fatal_value], longest[1][trials.fatal_value])
    after = (np.maximum(before[0], fatal[0]), np.maximum(before[1], fatal[1]))
    mortal = _up_to(before, floors) - _up_to(after, floors)
    mortal_chances = [_up_to(before, floors, one) - _up_to(after, floors, one) for one in chances]
    by_value = Losses(
        trials.ends - mortal,
        np.full_like(kept, len(lived[0])),
        np.full_like(gaps, lived[0].sum()),
        chances.sum(axis=1)[:, None, None] - np.stack(mortal_chances),
        rates,
    ).log_likelihood()
    by_value += log_luck(lucky, mortal)
    likelihood = np.logaddexp(by_use, by_value) + HALF
    prior = log_widths(gap_edges)[:, None] + log_widths(age_edges)[None, :] + float(np.log(2))
    cells = prior + likelihood
    only_gap = explained - by_age
    only_age = _up_to(fatal, (floors[0], everywhere[1])) - lost
    acts = (only_gap > 0) & (only_age > 0) & (explained >= MIN_SHARE * trials.ends)
    firm = (only_gap >= MIN_OWN) & (only_age >= MIN_OWN)
    ordered = ceilings[1][None, :] > floors[0][:, None]
    return np.where(acts & ordered, cells, -np.inf), firm, lost


def _up_to(
    spans: tuple[Reals, Reals],
    limits: tuple[Reals, Reals],
    weights: npt.NDArray[np.float64] | None = None,
    *,
    strictly: bool = False,
) -> Reals:
    """How much lies at or below each pair of limits, which ascend."""
    side = "right" if strictly else "left"
    rows = np.searchsorted(limits[0], spans[0], side)  # type: ignore[call-overload]
    columns = np.searchsorted(limits[1], spans[1], side)  # type: ignore[call-overload]
    shape = (len(limits[0]) + 1, len(limits[1]) + 1)
    flat = rows * shape[1] + columns
    counts = np.bincount(flat, weights, minlength=shape[0] * shape[1]).reshape(shape)
    total: Reals = counts.astype(np.float64).cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return total
