"""Isotonic regression: the nearest values that never fall.

Enters: values with weights. Leaves: ascending values, nearest in weighted least squares. By pooling
neighbours that are out of order, many of them at once while there are many, one by one at the end.
"""

from typing import Final

import numpy as np

from statetrail.expiry.numerics import Reals

_SWEEPS: Final = 60


def isotonic(values: Reals, weights: Reals) -> Reals:
    """Weighted isotonic regression.

    >>> [float(v) for v in isotonic(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4))]
    [1.0, 2.5, 2.5, 4.0]
    """
    sums, masses = values * weights, weights.astype(np.float64)
    sizes = np.ones(len(values), dtype=np.int64)
    for _ in range(_SWEEPS):
        means = sums / masses
        # Each run of descending means is pooled: all of it belongs together in the end.
        starts = np.flatnonzero(np.concatenate([[True], means[1:] > means[:-1]]))
        if len(starts) == len(means):
            return np.repeat(means, sizes)
        sums, masses = np.add.reduceat(sums, starts), np.add.reduceat(masses, starts)
        sizes = np.add.reduceat(sizes, starts)
    return _one_by_one(sums.tolist(), masses.tolist(), sizes.tolist())


def _one_by_one(sums: list[float], masses: list[float], sizes: list[int]) -> Reals:
    """The classic pass with a stack, for what the sweeps have left."""
    stack: list[tuple[float, float, int]] = []
    for block in zip(sums, masses, sizes, strict=True):
        total, mass, size = block
        while stack and stack[-1][0] / stack[-1][1] >= total / mass:
            before = stack.pop()
            total, mass, size = total + before[0], mass + before[1], size + before[2]
        stack.append((total, mass, size))
    means = np.array([total / mass for total, mass, _ in stack])
    return np.repeat(means, [size for _, _, size in stack])
