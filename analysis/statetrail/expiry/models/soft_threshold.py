"""Zones: a limit that is not sharp, since the server looks at it, or renews it, only now and then.

Enters: `Trials`. Leaves: the logarithm of the evidence for a grey zone: below it nothing ends,
above it nothing survives, and in between it happens either way, with some unknown chance or with
one that rises evenly through the zone. That is what a sweeper (idle values go at its next round)
and a throttled renewal (not every use counts as one) look like when nothing but gaps is known.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.error_model import (
    HALF,
    HAZARDS,
    LONGEST_S,
    SHORTEST_S,
    Losses,
    log_loss_chance,
    log_luck,
    log_widths,
)
from statetrail.expiry.numerics import Reals, log_bernoulli, log_sum
from statetrail.expiry.subsample import edged, spread
from statetrail.expiry.trials import Trials

NARROWEST: Final = 0.01
WIDEST: Final = 1.0
"""Widths of zones by their beginning, equally likely on a log scale in between: who looks for what
has timed out less often than once in the timeout has no timeout."""
MIN_EACH: Final = 2
"""Survivals in a zone, and ends: fewer are no zone but noise."""

_GRID: Final = 56
_RISING: Final = 300
_BEGINS: Final = 8


@dataclass(frozen=True, slots=True)
class Zone:
    """A grey zone.

    Attributes
    ----------
    log_evidence
        Logarithm of the marginal likelihood.
    low_s, high_s
        The most probable zone: where ends begin, where survivals stop; `None`: none can be.
    """

    log_evidence: float
    low_s: float | None
    high_s: float | None


def zone(trials: Trials, span: str) -> Zone:
    """The evidence for a limit on gap or age with a grey zone."""
    lived, fatal = trials.lived(span), trials.fatal(span)
    if len(fatal) < MIN_EACH or len(lived) < MIN_EACH:
        return Zone(-np.inf, None, None)
    edges = _edges(lived, fatal, trials.longest(span))
    floors, ceilings = edges[:-1], edges[1:]
    rates = HAZARDS[::3]
    chances = log_loss_chance(trials.fatal_gap, rates)
    by_fatal, by_lived = np.argsort(fatal), np.argsort(lived)
    ends_below = np.searchsorted(fatal[by_fatal], floors, "right")
    kept_below = np.searchsorted(lived[by_lived], floors, "right")
    kept_to = np.searchsorted(lived[by_lived], ceilings, "left")
    gaps = np.concatenate([[0.0], np.cumsum(trials.lived_gap[by_lived])])
    sums = np.concatenate([np.zeros((len(rates), 1)), chances[:, by_fatal].cumsum(axis=1)], axis=1)
    losses = Losses(
        ends_below.astype(np.float64),
        kept_below.astype(np.float64),
        gaps[kept_below],
        sums[:, ends_below],
        rates,
    ).log_likelihood()
    # Rows: the cell in which the zone begins; columns: the one in which it ends.
    dead = (ends_below[None, :] - ends_below[:, None]).astype(np.float64)
    alive = (kept_to[None, :] - kept_below[:, None]).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = (
            (dead >= MIN_EACH)
            & (alive >= MIN_EACH)
            & (floors[None, :] <= (1 + WIDEST) * ceilings[:, None])
            & np.isfinite(ceilings)[None, :]
        )
    within = log_bernoulli(np.maximum(dead, 0), np.maximum(dead, 0) + np.maximum(alive, 0), (1, 1))
    above = log_luck(
        (len(lived) - kept_to).astype(np.float64), (len(fatal) - ends_below).astype(np.float64)
    )
    prior = log_widths(edges)[:, None] + _log_ends(edges)
    cells = np.where(fits, prior + losses[:, None] + within + above[None, :], -np.inf)
    if not np.isfinite(cells).any():
        return Zone(-np.inf, None, None)
    # The rising chance costs a pass over the data for each zone: for the best ones only.
    ranked = np.argsort(cells.ravel())[::-1][: min(_RISING, np.count_nonzero(fits))]
    best = [np.unravel_index(at, cells.shape) for at in ranked if np.isfinite(cells.flat[at])]
    rising = []
    for begin, end in best:
        rest = cells[begin, end] - within[begin, end]
        rising.append(rest + _rise(lived, fatal, float(floors[begin]), float(ceilings[end])))
    begin, end = best[int(np.argmax(rising))]
    low, high = float(floors[begin]), float(ceilings[end])
    return Zone(float(np.logaddexp(log_sum(cells), log_sum(rising))) + HALF, low, high)


def _log_ends(edges: Reals) -> Reals:
    """Log prior masses of the cells in which a zone ends, one row for each in which it begins."""
    bounded = np.clip(edges, SHORTEST_S, LONGEST_S)
    within = (np.arange(_BEGINS) + 0.5)[:, None] / _BEGINS
    begins = bounded[:-1] * (bounded[1:] / bounded[:-1]) ** within
    reached = np.clip(edges / begins[..., None] - 1, NARROWEST, WIDEST)
    masses = np.diff(np.log(reached), axis=2).mean(axis=0) / np.log(WIDEST / NARROWEST)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(masses))


def _rise(lived: Reals, fatal: Reals, low: float, high: float) -> float:
    """Log-likelihood of what happened inside a zone, the chance to end rising evenly."""
    ended = fatal[(fatal > low) & (fatal <= high)]
    survived = lived[(lived > low) & (lived < high)]
    width = high - low
    chances = np.concatenate([(ended - low) / width, (high - survived) / width])
    return float(np.log(np.maximum(chances, 1e-3)).sum())


def _edges(lived: Reals, fatal: Reals, longest: Reals) -> Reals:
    """Points around the spans that both survived and ended, densest at the two outermost."""
    first, last = fatal.min(), lived.max()
    points = np.unique(np.concatenate([longest, fatal]))
    near = points[(points >= first) & (points <= last)]
    outside = np.concatenate([points[points < first][-8:], points[points > last][:8]])
    some = [spread(near, _GRID), near[:8], near[-8:], outside, spread(points, 24)]
    return edged(np.unique(np.concatenate(some)))
