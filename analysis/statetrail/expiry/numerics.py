"""Numerics: the few special functions that the marginal likelihoods need, on whole arrays.

Enters: NumPy arrays. Leaves: NumPy arrays. Pure NumPy, so that no larger library is needed for
three functions.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

type Reals = npt.NDArray[np.float64]

_SHIFT: Final = 8
_HALF_LOG_TAU: Final = 0.5 * float(np.log(2 * np.pi))
# Stirling's series, from 1/x upwards in odd powers.
_STIRLING: Final = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def log_gamma(x: npt.ArrayLike) -> Reals:
    """Logarithm of the gamma function of positive numbers, to about 1e-12.

    Shifted up by eight, where Stirling's series has converged.

    >>> [round(float(v), 6) for v in log_gamma([0.5, 1.0, 5.0])]
    [0.572365, 0.0, 3.178054]
    """
    given = np.asarray(x, dtype=np.float64)
    product = np.ones_like(given)
    for step in range(_SHIFT):
        product = product * (given + step)
    far = given + _SHIFT
    inverse = 1 / far
    series = np.zeros_like(given)
    for term in reversed(_STIRLING):
        series = series * inverse * inverse + term
    stirling = (far - 0.5) * np.log(far) - far + _HALF_LOG_TAU + series * inverse
    return np.asarray(stirling - np.log(product), dtype=np.float64)


def log_beta(a: npt.ArrayLike, b: npt.ArrayLike) -> Reals:
    """Logarithm of the beta function."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return log_gamma(first) + log_gamma(second) - log_gamma(first + second)


def log_bernoulli(
    events: npt.ArrayLike, trials: npt.ArrayLike, prior: tuple[float, float]
) -> Reals:
    """Log-probability of one sequence with so many events, its rate drawn from a beta prior.

    Parameters
    ----------
    events, trials
        Counts, of one shape.
    prior
        The two parameters of the beta distribution of the rate.

    Examples
    --------
    >>> round(float(np.exp(log_bernoulli(1, 2, (1, 1)))), 6)
    0.166667
    """
    seen, tried = np.asarray(events, dtype=np.int64), np.asarray(trials, dtype=np.int64)
    a, b = prior
    most = int(tried.max(initial=0))
    spared: Reals = _log_rising(b, most)[tried - seen]
    return np.asarray(_log_rising(a, most)[seen] + spared - _log_rising(a + b, most)[tried])


def _log_rising(a: float, most: int) -> Reals:
    """Logarithms of a (a + 1) ... (a + n - 1) for n from 0 to at least `most`."""
    return _log_rising_to(a, 1 << max(most, 1023).bit_length())


@lru_cache(maxsize=64)
def _log_rising_to(a: float, length: int) -> Reals:
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
