"""NPMLE: the survival curve of values whose ends are known only within intervals (Turnbull).

Enters: per value an interval (l, r] in which it ended, r infinite where it had not. Leaves:
`Curve`, the nonparametric maximum likelihood estimate, with a certificate of how close to the
maximum it is and a band that holds whatever the curve.

1.  The mass of the estimate lies in the innermost intervals: those between a left end and the next
    right end.
2.  The masses are improved in turns: by self-consistency (EM), which never lowers the likelihood
    but is slow, and by a step of the iterative convex minorant, which is fast: a weighted isotonic
    regression of the Newton step, halved until it helps.
3.  The gradient bounds what is left to gain. Below `PRECISION` the estimate is final.

References
----------
Turnbull, J. R. Stat. Soc. B 38 (1976) 290. Groeneboom, Wellner: Information Bounds and
Nonparametric Maximum Likelihood Estimation (1992). Wellner, Zhan, J. Am. Stat. Assoc. 92 (1997)
945: the two in turns. Massart, Ann. Probab. 18 (1990) 1269: the constant of the band.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.errors import UsageError
from statetrail.expiry.numerics import Codes, Reals

PRECISION: Final = 1e-6
"""Log-likelihood per value that may be left to gain."""
ROUNDS: Final = 400

_HALVINGS: Final = 12
_SWEEPS: Final = 60
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Curve:
    """A survival curve that is constant but for falls within intervals.

    Attributes
    ----------
    left_s, right_s
        The innermost intervals (left, right]: somewhere within each the curve falls.
    mass
        By how much.
    survival
        What is left after each.
    band_low, band_high
        Bounds of the true curve after each interval, that hold for all of them at once.
    log_likelihood
        Of the estimate.
    gain
        Log-likelihood per value by which no curve can exceed the estimate.
    values, censored
        How many values there are, and how many of them had not ended.
    """

    left_s: Reals
    right_s: Reals
    mass: Reals
    survival: Reals
    band_low: Reals
    band_high: Reals
    log_likelihood: float
    gain: float
    values: int
    censored: int

    def quantile(self, share: float) -> tuple[float, float]:
        """In which interval the given share of the values has ended; infinite: beyond all."""
        at = int(np.searchsorted(1 - self.survival, share - 1e-12))
        if at >= len(self.left_s):
            return float(self.right_s[-1]) if len(self.right_s) else 0.0, float(np.inf)
        return float(self.left_s[at]), float(self.right_s[at])


def npmle(left: Reals, right: Reals, *, level: float = 0.95) -> Curve:
    """The nonparametric maximum likelihood estimate from intervals (left, right].

    Parameters
    ----------
    left, right
        Bounds of each end in seconds; an infinite right bound is a value that had not ended.
    level
        Confidence of the band.

    Raises
    ------
    UsageError
        An interval is empty.

    Examples
    --------
    >>> curve = npmle(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, np.inf]))
    >>> [round(float(s), 3) for s in curve.survival]
    [0.667, 0.333, 0.0]
    """
    if np.any(left >= right):
        at = int(np.flatnonzero(left >= right)[0])
        raise UsageError(f"({left[at]}, {right[at]}] is empty: give left < right")
    if not len(left):
        return Curve(*(np.zeros(0),) * 6, 0.0, 0.0, 0, 0)
    starts, stops = _innermost(left, right)
    # Per value the range of the innermost intervals that it holds.
    first = np.searchsorted(starts, left, "left")
    last = np.searchsorted(stops, right, "right")
    pairs, counts = np.unique(np.stack([first, last]), axis=1, return_counts=True)
    mass, gain = _maximize(pairs[0], pairs[1], counts.astype(np.float64), len(starts))
    chances = _between(np.cumsum(mass), pairs[0], pairs[1])
    survival = np.clip(1 - np.cumsum(mass), 0.0, 1.0)
    low, high = _band(left, right, stops, level)
    return Curve(
        left_s=starts,
        right_s=stops,
        mass=mass,
        survival=survival,
        band_low=low,
        band_high=high,
        log_likelihood=float(counts @ np.log(np.maximum(chances, _LEAST))),
        gain=gain,
        values=len(left),
        censored=int(np.count_nonzero(np.isinf(right))),
    )


def _innermost(left: Reals, right: Reals) -> tuple[Reals, Reals]:
    """Left ends that are followed by a right end before another left end, with that right end."""
    points = np.concatenate([left, right])
    is_right = np.concatenate([np.zeros(len(left)), np.ones(len(right))])
    # Of equal points the right end comes first: (1, 2] and (2, 3] share nothing.
    order = np.lexsort((-is_right, points))
    points, is_right = points[order], is_right[order]
    at = np.flatnonzero((is_right[:-1] == 0) & (is_right[1:] == 1))
    return points[at], points[at + 1]


def _between(total: Reals, first: Codes, last: Codes) -> Reals:
    """The mass that each value's interval holds."""
    padded = np.concatenate([[0.0], total])
    return np.asarray(padded[last] - padded[first])


def _maximize(first: Codes, last: Codes, counts: Reals, cells: int) -> tuple[Reals, float]:
    """The masses of the innermost intervals, and what is left to gain per value."""
    total = counts.sum()
    mass = np.full(cells, 1.0 / cells)
    gain = np.inf
    for _ in range(ROUNDS):
        for _ in range(3):
            gradient = _gradient(mass, first, last, counts) / total
            mass = mass * gradient
            mass /= mass.sum()
        gradient = _gradient(mass, first, last, counts) / total
        # The likelihood is concave: no curve gains more than the steepest direction.
        gain = float(gradient.max() - 1.0)
        if gain <= PRECISION:
            break
        mass = _minorant(mass, first, last, counts)
    return mass, gain


def _gradient(mass: Reals, first: Codes, last: Codes, counts: Reals) -> Reals:
    """Derivative of the log-likelihood by each mass."""
    weights = counts / np.maximum(_between(np.cumsum(mass), first, last), _LEAST)
    jumps = np.bincount(first, weights, len(mass) + 1) - np.bincount(last, weights, len(mass) + 1)
    return np.maximum(np.cumsum(jumps)[: len(mass)], 0.0)


def _minorant(mass: Reals, first: Codes, last: Codes, counts: Reals) -> Reals:
    """One step of the iterative convex minorant on the distribution function."""
    cells = len(mass)
    if cells < 2:
        return mass
    total = np.cumsum(mass)
    chances = np.maximum(_between(total, first, last), _LEAST)
    one, two = counts / chances, counts / chances**2
    # A value's chance is F(last) - F(first); the last F is 1 and stays.
    slope = np.bincount(last, one, cells + 1) - np.bincount(first, one, cells + 1)
    bend = np.bincount(last, two, cells + 1) + np.bincount(first, two, cells + 1)
    inner = slice(1, cells)
    weights = np.maximum(bend[inner], 1e-12)
    wanted = isotonic(total[:-1] + slope[inner] / weights, weights)
    wanted = np.concatenate([np.clip(wanted, 0.0, 1.0), [1.0]])
    now = float(counts @ np.log(chances))
    step = 1.0
    for _ in range(_HALVINGS):
        tried = total + step * (wanted - total)
        held = _between(tried, first, last)
        if held.min() > 0 and float(counts @ np.log(held)) > now:
            moved = np.diff(tried, prepend=0.0)
            # A mass of 0 could never come back by EM.
            moved = np.maximum(moved, 1e-12 / cells)
            return np.asarray(moved / moved.sum())
        step /= 2
    return mass


def _band(left: Reals, right: Reals, at: Reals, level: float) -> tuple[Reals, Reals]:
    """Bounds of the true survival right after some spans, all at once.

    The share that surely ended by then is at most the empirical distribution function of the true
    ends, the share that may have ended at least; and that function is nowhere further from the
    true one than the bound of Dvoretzky, Kiefer, Wolfowitz and Massart.
    """
    count = len(left)
    off = float(np.sqrt(np.log(2 / (1 - level)) / (2 * count)))
    surely = np.searchsorted(np.sort(right), at, "right") / count
    maybe = np.searchsorted(np.sort(left), at, "left") / count
    return np.clip(1 - maybe - off, 0.0, 1.0), np.clip(1 - surely + off, 0.0, 1.0)


def isotonic(values: Reals, weights: Reals) -> Reals:
    """Weighted isotonic regression: ascending values, nearest in weighted least squares.

    Neighbours that are out of order are pooled, many of them at once while there are many, one by
    one at the end.

    >>> [float(v) for v in isotonic(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4))]
    [1.0, 2.5, 2.5, 4.0]
    """
    sums, masses = values * weights, weights.astype(np.float64)
    sizes = np.ones(len(values), dtype=np.int64)
    for _ in range(_SWEEPS):
        means = sums / masses
        # Each run of descending means is pooled: all of it is one block in the end.
        starts = np.flatnonzero(np.concatenate([[True], means[1:] > means[:-1]]))
        if len(starts) == len(means):
            return np.repeat(means, sizes)
        sums, masses = np.add.reduceat(sums, starts), np.add.reduceat(masses, starts)
        sizes = np.add.reduceat(sizes, starts)
    return _pooled(sums.tolist(), masses.tolist(), sizes.tolist())


def _pooled(sums: list[float], masses: list[float], sizes: list[int]) -> Reals:
    """The classic pass with a stack, for the blocks that the sweeps have left."""
    stack: list[tuple[float, float, int]] = []
    for block in zip(sums, masses, sizes, strict=True):
        total, mass, size = block
        while stack and stack[-1][0] / stack[-1][1] >= total / mass:
            before = stack.pop()
            total, mass, size = total + before[0], mass + before[1], size + before[2]
        stack.append((total, mass, size))
    means = np.array([total / mass for total, mass, _ in stack])
    return np.repeat(means, [size for _, _, size in stack])
