"""Smears: how far a limit may lie below where values end, if the server only sweeps now and then.

Enters: `Trials`. Leaves: what the limit exceeds, allowing for a sweeper.

With a sweeper, values end up to one round after the timeout: the chance to end rises from 0 to 1
through a zone that begins at the timeout. So the beginning of the zone is bounded, by its posterior
under an evenly rising chance, weighed against a sharp limit. (With a throttled renewal values end
before the timeout: what that allows follows from the times of the uses, see
`statetrail.expiry.touch_interval.latest`.)

A sweeper with a short round looks like a sharp limit until very much was seen. An interval that
leaves out hardly any of the posterior would be twice as wide as the data deserve where there is no
sweeper. So an interval is first tried at a few relative widths (`STEPS`), which it fills; the
narrowest is taken below which a sweeper's timeout lies with small odds. Only where there is none,
the interval is as wide as a sweeper needs.
"""

from itertools import product
from typing import Final

import numpy as np

from statetrail.expiry.numerics import Reals, log_sum
from statetrail.expiry.trials import Trials

SMEARED: Final = 0.5
"""Prior of a zone."""
UNLIKELY: Final = 0.02
"""Posterior probability below which no zone is allowed for."""
STEPS: Final = ((0.01, 0.13), (0.03, 0.13), (0.094, 0.13), (0.275, 0.2), (0.825, 0.2))
"""Relative widths that are tried, each with what such an interval may leave out below it: the odds
of a sweeper's timeout there to a sharp limit anywhere."""
TAIL: Final = 0.01
"""What is left out of the posterior of a zone's beginning otherwise."""
MARGIN: Final = 0.01
"""Share of the bound by which it is lowered: no chance rises as evenly as here."""

_NARROWEST, _WIDEST = 1.05, 1.5
"""A zone ends at so many times its beginning, at least and at most."""
_LOWEST, _HIGHEST = 0.35, 2.7
_STEP: Final = 0.008
_FINE: Final = 12
_LOSSES: Final = (0.0005, 0.01)
_LUCK: Final = (0.0005, 0.03)
_BINS: Final = 1500
_NEAREST: Final = 1e-4


def swept(
    trials: Trials, span: str, sharp: tuple[float, float], wide: tuple[float, float]
) -> float:
    """What the limit exceeds, in seconds; no more than the lower end of `wide`.

    Parameters
    ----------
    trials
        What survived and what did not.
    span
        ``gap`` or ``age``.
    sharp
        The sharp interval; zones are sought from a third of its middle to almost three times it.
    wide
        The interval that holds without a sweeper; its upper end may be infinite.
    """
    low_s, high_s = sharp
    around_s = (low_s * high_s) ** 0.5
    lived, fatal = np.sort(trials.lived(span) / around_s), np.sort(trials.fatal(span) / around_s)
    grid = _grid(low_s / around_s, high_s / around_s)
    begin, end = np.nonzero(
        (grid[None, :] >= _NARROWEST * grid[:, None]) & (grid[None, :] <= _WIDEST * grid[:, None])
    )
    ramps = _log_ramps(lived, fatal, grid)[begin, end]
    begins, ends = grid[begin], grid[end]
    # Beginning and relative width are log-uniform.
    masses = np.gradient(np.log(grid))
    prior = np.log(masses[begin] * masses[end] * ends / (ends - begins))
    edges = np.unique(
        np.concatenate(
            [grid[[0, -1]], _within(grid, trials.longest(span) / around_s), _within(grid, fatal)]
        )
    )
    zones, sharps = [], []
    for loss, luck in product(_LOSSES, _LUCK):
        rates = (np.log(loss), np.log1p(-loss), np.log(luck), np.log1p(-luck))
        zones.append(ramps + _outside(lived, fatal, begins, ends, rates))
        sharps.append(_outside(lived, fatal, edges[:-1], edges[1:], rates))
    zone = _summed(zones) + prior - log_sum(prior) + float(np.log(SMEARED))
    limit = _summed(sharps) + np.log(np.diff(np.log(edges)) / np.log(grid[-1] / grid[0]))
    limit += float(np.log1p(-SMEARED))
    whole = log_sum(np.concatenate([zone, limit]))
    left_out = np.cumsum(np.bincount(begin, np.exp(zone - whole), minlength=len(grid)))
    share, exact = float(left_out[-1]), float(np.exp(log_sum(limit) - whole))
    if share < UNLIKELY:
        return wide[0]
    low = (1 - MARGIN) * float(grid[np.searchsorted(left_out, TAIL * share)]) * around_s
    return _filled(min(low, wide[0]), wide, grid * around_s, left_out / max(exact, _NEAREST))


def _filled(low_s: float, wide: tuple[float, float], begins: Reals, odds: Reals) -> float:
    """The lower end of the narrowest step that leaves out little; `low_s` where none does.

    `odds`: what lies up to each of `begins`.
    """
    if not np.isfinite(wide[1]):
        return low_s
    middle = (wide[0] * wide[1]) ** 0.5
    for step, most in STEPS:
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


def _summed(each: list[Reals]) -> Reals:
    return np.asarray(np.logaddexp.reduce(each, axis=0), dtype=np.float64)


def _within(grid: Reals, spans: Reals) -> Reals:
    return np.asarray(spans[(spans > grid[0]) & (spans < grid[-1])])


def _outside(
    lived: Reals, fatal: Reals, begins: Reals, ends: Reals, rates: tuple[float, ...]
) -> Reals:
    """Log-likelihood of what happened below and above the zones; spans ascend."""
    lost, spared, lucky, due = rates
    likelihood: Reals = (
        np.searchsorted(fatal, begins, "right") * lost
        + np.searchsorted(lived, begins, "right") * spared
        + (len(lived) - np.searchsorted(lived, ends, "left")) * lucky
        + (len(fatal) - np.searchsorted(fatal, ends, "left")) * due
    )
    return likelihood


def _log_ramps(lived: Reals, fatal: Reals, grid: Reals) -> Reals:
    """Log-likelihood of what happened inside zones, the chance to end rising evenly.

    Rows: where a zone begins; columns: where it ends. The distance from one edge is summed over the
    spans up to the other, for all zones at once.
    """
    dead, deaths = _binned(_within(grid, fatal), grid)
    alive, survivals = _binned(_within(grid, lived), grid)
    widths = np.log(np.maximum(grid[None, :] - grid[:, None], _NEAREST))
    # What ended: by its distance from the beginning.
    away = np.log(np.maximum(dead[None, :] - grid[:, None], _NEAREST)) * deaths
    sums = np.pad(np.cumsum(away, axis=1), ((0, 0), (1, 0)))
    many = np.pad(np.cumsum(deaths), (1, 0))
    first, last = np.searchsorted(dead, grid, "right"), np.searchsorted(dead, grid, "left")
    total = sums[:, last] - np.take_along_axis(sums, first[:, None], 1)
    total -= (many[last][None, :] - many[first][:, None]) * widths
    # What survived: by its distance from the end.
    away = np.log(np.maximum(grid[:, None] - alive[None, :], _NEAREST)) * survivals
    sums = np.pad(np.cumsum(away, axis=1), ((0, 0), (1, 0)))
    many = np.pad(np.cumsum(survivals), (1, 0))
    first, last = np.searchsorted(alive, grid, "right"), np.searchsorted(alive, grid, "left")
    total += (np.take_along_axis(sums, last[:, None], 1) - sums[:, first]).T
    total -= (many[last][None, :] - many[first][:, None]) * widths
    return np.asarray(total, dtype=np.float64)


def _binned(spans: Reals, grid: Reals) -> tuple[Reals, Reals]:
    """Distinct points with their numbers; where there are very many, rounded on a log scale."""
    if len(spans) > _BINS:
        step = np.log(grid[-1] / grid[0]) / _BINS
        spans = grid[0] * np.exp((np.floor(np.log(spans / grid[0]) / step) + 0.5) * step)
    points, counts = np.unique(spans, return_counts=True)
    return points, counts.astype(np.float64)
