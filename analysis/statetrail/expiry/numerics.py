"""Numerics: the few functions on arrays that the marginal likelihoods share.

Enters: NumPy arrays. Leaves: NumPy arrays.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

type Reals = npt.NDArray[np.float64]
type Codes = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]
type Counts = npt.NDArray[np.float64 | np.signedinteger]

ZONES: Final = 56
"""Edges at most where spans both survived and ended."""


def log_bernoulli(events: npt.ArrayLike, total: npt.ArrayLike, prior: tuple[float, float]) -> Reals:
    """Log-probability of one sequence with so many events, its rate drawn from a beta prior.

    Parameters
    ----------
    events, total
        Numbers of events and of chances for one, of one shape.
    prior
        The two parameters of the beta distribution of the rate.

    Examples
    --------
    >>> round(float(np.exp(log_bernoulli(1, 2, (1, 1)))), 6)
    0.166667
    """
    happened, chances = np.asarray(events, dtype=np.int64), np.asarray(total, dtype=np.int64)
    a, b = prior
    length = 1 << max(int(chances.max(initial=0)), 1023).bit_length()
    without: Reals = _log_rising(b, length)[chances - happened]
    return np.asarray(
        _log_rising(a, length)[happened] + without - _log_rising(a + b, length)[chances]
    )


@lru_cache(maxsize=64)
def _log_rising(a: float, length: int) -> Reals:
    """Logarithms of a (a + 1) ... (a + n - 1) for n from 0 to `length`."""
    return np.concatenate([[0.0], np.cumsum(np.log(a + np.arange(length)))])


def log_sum(x: npt.ArrayLike) -> float:
    """Logarithm of the sum of exponentials; minus infinity for nothing.

    >>> log_sum([])
    -inf
    """
    terms = np.asarray(x, dtype=np.float64)
    top = float(terms.max(initial=-np.inf))
    if not np.isfinite(top):
        return top
    return top + float(np.log(np.exp(terms - top).sum()))


def partial_sums(weights: Reals, counts: Codes) -> Reals:
    """The sums of the first so many weights (last axis)."""
    total = np.cumsum(weights, axis=-1)
    padded = np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)
    return np.asarray(padded[..., counts])


def largest(numbers: Reals, of: Codes, groups: int) -> Reals:
    """Per group the largest of its numbers (last axis), and 0 at least; the groups `of` ascend.

    >>> largest(np.array([3.0, 1.0, 2.0]), np.array([0, 0, 2]), 3).tolist()
    [3.0, 0.0, 2.0]
    """
    top, first = np.zeros((*numbers.shape[:-1], groups)), np.flatnonzero(np.diff(of, prepend=-1))
    if len(first):
        top[..., of[first]] = np.maximum(np.maximum.reduceat(numbers, first, axis=-1), 0.0)
    return top


def subsample(points: Reals, count: int) -> Reals:
    """At most so many of the points: the outermost, and evenly between.

    >>> [float(v) for v in subsample(np.array([1.0, 2.0, 3.0, 4.0, 9.0]), 3)]
    [1.0, 3.0, 9.0]
    """
    if len(points) <= count:
        return points
    return points[np.unique(np.linspace(0, len(points) - 1, count).round().astype(np.int64))]


def between(points: Reals, low: float, high: float) -> Reals:
    """The points strictly between two limits."""
    return points[(points > low) & (points < high)]


def cell_edges(*points: Reals) -> Reals:
    """All the points, with zero before and infinity after them: the edges of cells."""
    return np.unique(np.concatenate([[0.0], *points, [np.inf]]))


def empty_cells(points: Reals, edges: Reals) -> Flags:
    """Which of the cells between neighbouring edges have none of the points in their interior."""
    return np.searchsorted(points, edges[1:], "left") <= np.searchsorted(
        points, edges[:-1], "right"
    )


def edges_of_zones(lived: Reals, fatal: Reals, longest: Reals) -> Reals:
    """Edges around the spans that both survived and ended, densest at the two outermost.

    The spans ascend; `longest` are those that each value outlived.
    """
    first, last = fatal[0], lived[-1]
    points = np.unique(np.concatenate([longest, fatal]))
    near = points[(points >= first) & (points <= last)]
    outside = (points[points < first][-8:], points[points > last][:8])
    return cell_edges(subsample(near, ZONES), near[:8], near[-8:], *outside, subsample(points, 24))
