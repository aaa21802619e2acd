"""Smears: how far a limit may lie from where values end, if the server is not exact about it.

Enters: `Trials`. Leaves: an interval for the limit that allows for a sweeper or a throttled
renewal.

With a sweeper, values end up to one round after the timeout; with a throttled renewal, up to one
throttle before it, measured from the last use. Either way the chance to end rises from 0 to 1
through a zone, and the timeout is one of its edges: the lower with a sweeper, the upper with a
throttle. Which of them it is, gaps do not tell. So both edges are bounded, by their posterior under
an evenly rising chance, averaged with that of a sharp limit: where the data say that the limit is
sharp, the interval is that of the sharp limit.
"""

from itertools import product
from typing import Final

import numpy as np

from statetrail.inference.numerics import Reals, log_sum
from statetrail.inference.trials import Trials

SMEARED: Final = 0.3
"""Prior of a zone."""
LIKELY: Final = 0.5
"""Probability from which a zone is taken for one."""
TAIL: Final = 0.004
"""What the interval leaves out on either side where there is likely a zone..."""
TAILS: Final = (0.007, 0.05)
"""... and below and above where there is likely none."""

_STARTS: Final = np.geomspace(0.35, 1.8, 110)
_WIDTHS: Final = np.geomspace(0.05, 0.5, 26)
_LOSSES: Final = (0.0005, 0.01)
_LUCK: Final = (0.0005, 0.03)
_BINS: Final = 1500


def smeared(trials: Trials, span: str, around_s: float) -> tuple[float, float]:
    """Where the edges of the zone of a limit may be, at least and at most.

    Parameters
    ----------
    trials
        What survived and what did not.
    span
        ``gap`` or ``age``.
    around_s
        About where the limit is; zones are sought from a third of it to three times it.
    """
    lived, fatal = trials.lived(span) / around_s, trials.fatal(span) / around_s
    begins = np.repeat(_STARTS, len(_WIDTHS))
    ends = begins * (1 + np.tile(_WIDTHS, len(_STARTS)))
    edges = np.unique(
        np.concatenate(
            [[_STARTS[0]], _near(trials.longest(span) / around_s), _near(fatal), [_STARTS[-1]]]
        )
    )
    ramps = _log_ramps(lived, fatal, begins, ends)
    zones, sharps = [], []
    for loss, luck in product(_LOSSES, _LUCK):
        rates = (np.log(loss), np.log1p(-loss), np.log(luck), np.log1p(-luck))
        zones.append(ramps + _outside(lived, fatal, begins, ends, rates))
        sharps.append(_outside(lived, fatal, edges[:-1], edges[1:], rates))
    zone = _summed(zones) - float(np.log(len(begins)))
    cell = np.log(np.diff(np.log(edges)) / np.log(_STARTS[-1] / _STARTS[0]))
    sharp = _summed(sharps) + cell
    in_zone = log_sum(zone) + float(np.log(SMEARED))
    in_sharp = log_sum(sharp) + float(np.log1p(-SMEARED))
    share = float(np.exp(in_zone - np.logaddexp(in_zone, in_sharp)))
    weights = np.concatenate(
        [share * np.exp(zone - log_sum(zone)), (1 - share) * np.exp(sharp - log_sum(sharp))]
    )
    below, above = (TAIL, TAIL) if share > LIKELY else TAILS
    low: float = _quantile(np.concatenate([begins, edges[:-1]]), weights, below)
    high: float = _quantile(-np.concatenate([ends, edges[1:]]), weights, above)
    return low * around_s, -high * around_s


def _summed(each: list[Reals]) -> Reals:
    return np.asarray(np.logaddexp.reduce(each, axis=0), dtype=np.float64)


def _near(spans: Reals) -> Reals:
    return np.asarray(spans[(spans > _STARTS[0]) & (spans < _STARTS[-1])])


def _quantile(points: Reals, weights: Reals, share: float) -> float:
    order = np.argsort(points)
    at = int(np.searchsorted(np.cumsum(weights[order]), share))
    return float(points[order][min(at, len(points) - 1)])


def _outside(
    lived: Reals, fatal: Reals, begins: Reals, ends: Reals, rates: tuple[float, ...]
) -> Reals:
    """Log-likelihood of what happened below and above the zones."""
    lost, spared, lucky, due = rates
    lived, fatal = np.sort(lived), np.sort(fatal)
    likelihood: Reals = (
        np.searchsorted(fatal, begins, "right") * lost
        + np.searchsorted(lived, begins, "right") * spared
        + (len(lived) - np.searchsorted(lived, ends, "left")) * lucky
        + (len(fatal) - np.searchsorted(fatal, ends, "left")) * due
    )
    return likelihood


def _log_ramps(lived: Reals, fatal: Reals, begins: Reals, ends: Reals) -> Reals:
    """Log-likelihood of what happened inside zones, the chance to end rising evenly."""
    low, high = float(begins[0]), float(ends[-1])
    total = np.zeros(len(begins))
    for spans, rising in ((fatal, True), (lived, False)):
        points, counts = _binned(spans[(spans > low) & (spans < high)], low, high)
        for point, count in zip(points, counts, strict=True):
            inside = np.flatnonzero((begins < point) & (point < ends))
            part = (point - begins[inside]) / (ends[inside] - begins[inside])
            total[inside] += count * np.log(np.clip(part if rising else 1 - part, 1e-3, 1.0))
    return total


def _binned(spans: Reals, low: float, high: float) -> tuple[Reals, Reals]:
    """Distinct points with their numbers; where there are very many, rounded on a log scale."""
    if len(spans) > _BINS:
        step = np.log(high / low) / _BINS
        spans = low * np.exp((np.floor(np.log(spans / low) / step) + 0.5) * step)
    points, counts = np.unique(spans, return_counts=True)
    return points, counts.astype(np.float64)
