"""Sweep: how far a limit may lie from where values end, if the server is not exact about it.

Enters: `EventTable`. Leaves: where the idle timeout lies, allowing for a sweeper, or for a limit
that is not the same for all values (jitter).

With a sweeper, values end up to one round after the timeout: the chance to end rises from 0 to 1
through a zone that begins at the timeout. So the beginning of the zone is bounded, by its posterior
under an evenly rising chance, weighed against a sharp limit. (With a throttled renewal values end
before the timeout: what that allows follows from the times of the uses, see
`statetrail.expiry.models.touch_interval.latest`.)

A sweeper with a short round looks like a sharp limit until very much was seen. An interval that
leaves out hardly any of the posterior would be twice as wide as the data deserve where there is no
sweeper. So the lower bound is found in these steps:

1.  Where a zone is improbable (`UNLIKELY`), it is that of the interval without a sweeper.
2.  The interval is widened to a few relative widths (`WIDTHS`). The narrowest is taken below which
    a sweeper's timeout lies with small odds.
3.  Where there is none, the bound leaves out `TAIL` of the posterior of the zone's beginning.

Where limits are drawn around a middle for each value, the zone begins below the middle and ends
above it, and ends by short limits hide the long ones: what survived long was not yet asked of
again. So where a zone is the likelier, its whole posterior is reported: the upper bound leaves out
`TAIL` of the posterior of the zone's end.
"""

from itertools import product
from typing import Final

import numpy as np

from statetrail.expiry.numerics import Codes, Reals, log_sum
from statetrail.expiry.summaries import EventTable

SOFT_PRIOR: Final = 0.5
"""Prior of a zone in which the chance to end rises."""
UNLIKELY: Final = 0.02
"""Posterior probability below which no zone is allowed for."""
WIDTHS: Final = ((0.01, 0.04), (0.03, 0.05), (0.094, 0.05), (0.275, 0.1), (0.825, 0.1))
"""Relative widths, each with what such an interval may leave out below it: the odds of a sweeper's
timeout there to a sharp limit anywhere."""
TAIL: Final = 0.01
MARGIN: Final = 0.03
"""Share of the bound by which it is lowered: no chance rises as evenly as here."""

_NARROWEST, _WIDEST = 1.05, 1.5
"""A zone ends at so many times its beginning, at least and at most."""
_LOWEST, _HIGHEST = 0.35, 2.7
_STEP: Final = 0.008
_FINE: Final = 12
_UNEXPLAINED_ENDS: Final = (0.0005, 0.01)
_UNEXPLAINED_SURVIVALS: Final = (0.0005, 0.03)
_BINS: Final = 1500
_NEAREST: Final = 1e-4


def sweep(
    events: EventTable, sharp: tuple[float, float], wide: tuple[float, float]
) -> tuple[float, float]:
    """Where the idle timeout lies, in seconds: `wide`, or wider.

    `wide` is the interval that holds for an exact server; its upper end may be infinite. Zones are
    sought from a third of the middle of the sharp interval to almost three times it.
    """
    low_s, high_s = sharp
    middle_s = (low_s * high_s) ** 0.5
    lived, fatal = (np.sort(spans["idle"] / middle_s) for spans in (events.lived, events.fatal))
    grid = _grid(low_s / middle_s, high_s / middle_s)
    begin, end = np.nonzero(
        (grid[None, :] >= _NARROWEST * grid[:, None]) & (grid[None, :] <= _WIDEST * grid[:, None])
    )
    ramps = _log_ramps(lived, fatal, grid, begin, end)
    begins, ends = grid[begin], grid[end]
    # Beginning and relative width are log-uniform.
    masses = np.gradient(np.log(grid))
    prior = np.log(masses[begin] * masses[end] * ends / (ends - begins))
    longest = _within(grid, events.longest("idle") / middle_s)
    edges = np.unique(np.concatenate([grid[[0, -1]], longest, _within(grid, fatal)]))
    soft, sharps = [], []
    for rates in product(_UNEXPLAINED_ENDS, _UNEXPLAINED_SURVIVALS):
        below, above = _outside(lived, fatal, grid, grid, *rates)
        soft.append(ramps + below[begin] + above[end])
        sharps.append(np.add(*_outside(lived, fatal, edges[:-1], edges[1:], *rates)))
    rising = np.logaddexp.reduce(soft, axis=0) + prior - log_sum(prior) + float(np.log(SOFT_PRIOR))
    limit = np.logaddexp.reduce(sharps, axis=0)
    with np.errstate(divide="ignore"):  # edges that differ in the last digit only have no mass
        limit += np.log(np.diff(np.log(edges)) / np.log(grid[-1] / grid[0]))
    limit += float(np.log1p(-SOFT_PRIOR))
    total = log_sum(np.concatenate([rising, limit]))
    left_out = np.cumsum(np.bincount(begin, np.exp(rising - total), minlength=len(grid)))
    share, exact = float(left_out[-1]), float(np.exp(log_sum(limit) - total))
    if share < UNLIKELY:
        return wide
    high_s = wide[1]
    if share > 1 / 2:
        reached = np.cumsum(np.bincount(end, np.exp(rising - total), minlength=len(grid)))
        high_s = max(high_s, float(grid[np.searchsorted(reached, (1 - TAIL) * share)]) * middle_s)
    low = (1 - MARGIN) * float(grid[np.searchsorted(left_out, TAIL * share)]) * middle_s
    odds = left_out / max(exact, _NEAREST)
    return _narrowest(min(low, wide[0]), wide, grid * middle_s, odds), high_s


def _narrowest(low_s: float, wide: tuple[float, float], begins: Reals, odds: Reals) -> float:
    """The lower end of the narrowest step that leaves out little; `low_s` where none does.

    `odds`: the odds up to each of `begins`.
    """
    if not np.isfinite(wide[1]):
        return low_s
    middle = (wide[0] * wide[1]) ** 0.5
    for step, most in WIDTHS:
        edge = wide[1] - step * middle
        if low_s < edge <= wide[0] and odds[max(np.searchsorted(begins, edge) - 1, 0)] <= most:
            return float(edge)
    return low_s


def _grid(low: float, high: float) -> Reals:
    """Where zones may begin or end: evenly on a log scale, densely near the sharp interval."""
    even = np.exp(np.arange(np.log(_LOWEST), np.log(_HIGHEST), _STEP))
    step = np.log(high / low) / _FINE
    if step >= _STEP:
        return even
    near = low * np.exp(step * np.arange(-2 * _FINE, 3 * _FINE + 1))
    return np.union1d(even[(even < near[0]) | (even > near[-1])], near)


def _within(grid: Reals, spans: Reals) -> Reals:
    return np.asarray(spans[(spans > grid[0]) & (spans < grid[-1])])


def _outside(
    lived: Reals, fatal: Reals, begins: Reals, ends: Reals, end_rate: float, survival_rate: float
) -> tuple[Reals, Reals]:
    """Log-likelihood of what happened below where zones begin, and above where they end.

    Spans ascend.
    """
    below: Reals = np.searchsorted(fatal, begins, "right") * np.log(end_rate)
    below += np.searchsorted(lived, begins, "right") * np.log1p(-end_rate)
    above: Reals = (len(lived) - np.searchsorted(lived, ends, "left")) * np.log(survival_rate)
    above += (len(fatal) - np.searchsorted(fatal, ends, "left")) * np.log1p(-survival_rate)
    return below, above


def _log_ramps(lived: Reals, fatal: Reals, grid: Reals, begin: Codes, end: Codes) -> Reals:
    """Log-likelihood of what happened inside zones, the chance to end rising evenly.

    `begin`, `end`: where on the grid each zone does so.
    """
    widths = np.log(np.maximum(grid[end] - grid[begin], _NEAREST))
    total = np.zeros(len(widths))
    # Ends count by their distance from the beginning, survivals by that from the end.
    for spans, edge in ((fatal, begin), (lived, end)):
        points, counts = _binned(_within(grid, spans), grid)
        first = np.searchsorted(points, grid, "right")[begin]
        last = np.searchsorted(points, grid, "left")[end]
        up_to = np.pad(np.cumsum(counts), (1, 0))
        total += _log_distances(points, counts, grid, edge, first, last)
        total -= (up_to[last] - up_to[first]) * widths
    return total


def _log_distances(
    points: Reals, counts: Reals, grid: Reals, edge: Codes, first: Codes, last: Codes
) -> Reals:
    """Per zone, the sum of log-distances of the points `first` to `last` from its edge.

    Zones with an edge in common share sums over the first so many of the points near it.
    """
    least, most = np.full(len(grid), len(points)), np.zeros(len(grid), dtype=np.int64)
    np.minimum.at(least, edge, first)
    np.maximum.at(most, edge, last)
    sizes = np.maximum(most - least, 0)
    shift = np.cumsum(sizes) - sizes - least
    near = np.arange(sizes.sum()) - np.repeat(shift, sizes)
    distances = np.abs(points[near] - np.repeat(grid, sizes))
    sums = np.cumsum(np.log(np.maximum(distances, _NEAREST)) * counts[near])
    sums, shift = np.pad(sums, (1, 0)), shift[edge]
    return np.asarray(sums[shift + last] - sums[shift + first], dtype=np.float64)


def _binned(spans: Reals, grid: Reals) -> tuple[Reals, Reals]:
    """Distinct points with their numbers; where there are very many, rounded on a log scale."""
    if len(spans) > _BINS:
        step = np.log(grid[-1] / grid[0]) / _BINS
        spans = grid[0] * np.exp((np.floor(np.log(spans / grid[0]) / step) + 0.5) * step)
    points, counts = np.unique(spans, return_counts=True)
    return points, counts.astype(np.float64)
