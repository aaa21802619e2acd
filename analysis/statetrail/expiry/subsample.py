"""Spreads: a manageable choice out of very many points of the data.

Enters: points that ascend. Leaves: some of them. Candidate limits are judged between such points.
"""

import numpy as np

from statetrail.expiry.evidence import Flags
from statetrail.expiry.numerics import Reals


def spread(points: Reals, count: int) -> Reals:
    """At most so many of the points: the outermost, and evenly between.

    >>> [float(v) for v in spread(np.array([1.0, 2.0, 3.0, 4.0, 9.0]), 3)]
    [1.0, 3.0, 9.0]
    """
    if len(points) <= count:
        return points
    return points[np.unique(np.linspace(0, len(points) - 1, count).round().astype(np.int64))]


def inside(points: Reals, low: float, high: float) -> Reals:
    """The points strictly between."""
    return points[(points > low) & (points < high)]


def edged(points: Reals) -> Reals:
    """The points, with zero before and infinity after them."""
    return np.unique(np.concatenate([[0.0], points, [np.inf]]))


def whole(points: Reals, edges: Reals) -> Flags:
    """Which of the cells between neighbouring edges hold none of the points in their inside."""
    return np.searchsorted(points, edges[1:], "left") <= np.searchsorted(
        points, edges[:-1], "right"
    )
