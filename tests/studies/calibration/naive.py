"""Naive estimators of a time limit: what people do instead, on the same evidence.

Enters: `Lives`, per value what a table of tokens says. Leaves: an estimate with its usual 95 %
interval. None of them asks what ended a value; that is what is wrong with them.

References: Kaplan and Meier 1958 with Greenwood's variance and the log-log interval; the median's
interval by order statistics (binomial); Weibull by maximum likelihood on interval-censored spans,
with Wald's interval.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

type Reals = npt.NDArray[np.float64]
type Estimate = tuple[float, float, float]
"""The estimate, and the ends of its interval."""

_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Lives:
    """The values of one capture, one entry a value.

    Attributes
    ----------
    life_s
        From the value's birth, or its first sighting, to its last.
    ended
        The last sighting found it ended.
    outlived_s, fatal_s
        The longest span survived, and the one that ended it (infinite: none did).
    """

    life_s: Reals
    ended: npt.NDArray[np.bool_]
    outlived_s: Reals
    fatal_s: Reals


def lives(rows: Mapping[str, npt.NDArray[Any]], span: str) -> Lives:
    """The values of one capture.

    Parameters
    ----------
    rows
        Columns of the capture's rows of `USES` that count: ``fingerprint``, ``outcome``, and the
        brackets.
    span
        ``idle`` or ``age``: what the Weibull and the longest-survived estimators look at.
    """
    _, value = np.unique(rows["fingerprint"], return_inverse=True)
    count = int(value.max(initial=-1)) + 1
    dead = rows["outcome"] == "ended"

    def largest(spans: Reals, which: npt.NDArray[np.bool_]) -> Reals:
        top = np.zeros(count)
        np.maximum.at(top, value[which], np.nan_to_num(spans[which]))
        return top

    every = np.ones(len(value), dtype=np.bool_)
    fatal = largest(rows[f"{span}_high_s"].astype(np.float64), dead)
    return Lives(
        life_s=largest(rows["age_low_s"].astype(np.float64), every),
        ended=np.bincount(value[dead], minlength=count) > 0,
        outlived_s=largest(rows[f"{span}_low_s"].astype(np.float64), ~dead),
        fatal_s=np.where(fatal > 0, fatal, np.inf),
    )


def longest_survived(seen: Lives) -> Estimate:
    """The longest span that was survived; percentile bootstrap over values."""
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, len(seen.outlived_s), (400, len(seen.outlived_s)))
    tops = seen.outlived_s[drawn].max(axis=1)
    return float(seen.outlived_s.max()), *map(float, np.quantile(tops, (0.025, 0.975)))


def median_lifetime(seen: Lives) -> Estimate:
    """The median of the lifetimes that were seen to end."""
    spans = np.sort(seen.life_s[seen.ended])
    n = len(spans)
    if not n:
        return math.nan, math.nan, math.nan
    half = _Z * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - half)), min(n - 1, math.ceil(n / 2 + half))
    return float(np.median(spans)), float(spans[low]), float(spans[high])


def kaplan_meier(seen: Lives) -> Estimate:
    """The median of the Kaplan-Meier curve of lifetimes, open lives censored."""
    times, deaths, at_risk = _risk(seen.life_s, seen.ended)
    curve = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        spread = _Z * np.sqrt(variance) / np.log(curve)
        low, high = curve ** np.exp(spread * -1), curve ** np.exp(spread)

    def crossing(values: Reals) -> float:
        below = np.flatnonzero(np.nan_to_num(values) <= 0.5)
        return float(times[below[0]]) if len(below) else math.inf

    ends = sorted((crossing(low), crossing(high)))
    return crossing(curve), ends[0], ends[1]


def _risk(spans: Reals, ended: npt.NDArray[np.bool_]) -> tuple[Reals, Reals, Reals]:
    """Distinct times of death, how many died then, and how many could have."""
    times = np.unique(spans[ended])
    ordered, deaths = np.sort(spans), np.sort(spans[ended])
    died = np.searchsorted(deaths, times, "right") - np.searchsorted(deaths, times, "left")
    at_risk = len(ordered) - np.searchsorted(ordered, times, "left")
    return times, died.astype(np.float64), at_risk.astype(np.float64)


def weibull(seen: Lives) -> Estimate:
    """The median of a Weibull fitted to the spans in which values ended."""
    low, high = np.maximum(seen.outlived_s, 1e-6), seen.fatal_s
    fits = low < high
    low, high = np.log(low[fits]), np.log(high[fits])
    ends = np.isfinite(high)
    if not ends.any():
        return math.nan, math.nan, math.nan

    def fit(scale: Reals, shape: Reals) -> Reals:
        """Log-likelihood for arrays of log scales and log shapes."""
        k = np.exp(shape)[..., None]
        lower = -np.exp(np.minimum(k * (low - scale[..., None]), 500))
        upper = -np.exp(np.minimum(k * (high - scale[..., None]), 500))
        inside = -np.expm1(np.minimum(upper - lower, -1e-300))
        return np.asarray((lower + np.log(np.maximum(inside, 1e-300))).sum(axis=-1))

    middle = float(np.median(high[ends]))
    scale, shape, wide, tall = middle, 2.0, 5.0, 4.0
    for _ in range(16):
        grid = np.meshgrid(
            np.linspace(scale - wide, scale + wide, 21),
            np.clip(np.linspace(shape - tall, shape + tall, 21), -3, 7),
        )
        likely = fit(*grid)
        # Of what fits alike, the steepest: the likelihood has no other end.
        rows, columns = np.nonzero(likely >= likely.max() - 1e-9)
        best = rows[-1], columns[rows == rows[-1]][np.count_nonzero(rows == rows[-1]) // 2]
        scale, shape = float(grid[0][best]), float(grid[1][best])
        # Slowly in the shape, which can grow only once the scale is well known.
        wide, tall = wide / 3, tall * 0.8
    # The expected information on the log scale: the fit grows ever steeper, and this vanishes, as
    # it does where a package inverts the Hessian.
    error = _Z * math.exp(-shape) / math.sqrt(np.count_nonzero(ends))
    middle = scale + math.log(math.log(2)) * math.exp(-shape)
    return math.exp(middle), math.exp(middle - error), math.exp(middle + error)


ESTIMATORS: dict[str, Callable[[Lives], Estimate]] = {
    "longest survived": longest_survived,
    "median lifetime": median_lifetime,
    "Kaplan-Meier on lifetimes": kaplan_meier,
    "Weibull on intervals": weibull,
}
