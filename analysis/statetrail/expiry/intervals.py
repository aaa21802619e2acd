"""Intervals: what the votes say of the idle timeout and of the limit on the age.

Enters: `Ballots`, `Evidence` and the name of the policy. Leaves: `Interval` for either limit,
whatever the policy.

Sharp: C_0, the limits that the fewest values contradict. Reported: what also holds if any one
value is wrong (C_1), and if the server is not exact about its timeout: it sweeps now and then
(`statetrail.expiry.sweep`), or does not note each use (`statetrail.expiry.touch_interval`).
Where the policy says that a limit does not end values, no end votes on it: the longest survived
span bounds it from below.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Evidence
from statetrail.expiry.numerics import Reals
from statetrail.expiry.summaries import Ballots
from statetrail.expiry.sweep import swept
from statetrail.expiry.thresholds import Threshold, threshold
from statetrail.expiry.touch_interval import latest
from statetrail.expiry.trials import Trials

AGE_FAMILY: Final = ("age", "absolute", "periodic")
_WITHOUT: Final = {"gap": AGE_FAMILY, "age": ("idle",)}


@dataclass(frozen=True, slots=True)
class Interval:
    """Where one limit lies, in seconds; `None`: not bounded on that side.

    Attributes
    ----------
    low_s, high_s
        The interval to report.
    sharp
        The sharp one, with votes and contradictions.
    """

    low_s: float | None
    high_s: float | None
    sharp: Threshold


def interval(ballots: Ballots, evidence: Evidence, span: str, policy: str) -> Interval:
    """Bound the idle timeout (``gap``) or the limit on the age (``age``).

    Parameters
    ----------
    ballots
        Votes of all values.
    evidence
        Uses, of a sample of the values at least.
    span, policy
        Which limit, and the name that the policy was given.
    """
    outlived, ended = ballots.outlived(span), ballots.ended(span)
    if policy in _WITHOUT[span]:
        ended = np.full_like(ended, np.inf)
    elif policy == "idle+absolute":
        sharp, wide = (threshold(outlived, _own_ends(ballots, span, k), k) for k in (0, 1))
        return Interval(wide.low_s, wide.high_s, sharp)
    sharp, wide = threshold(outlived, ended), threshold(outlived, ended, 1)
    if span == "age" or sharp.low_s is None or sharp.high_s is None:
        return Interval(wide.low_s, wide.high_s, sharp)
    low, high = wide.low_s, wide.high_s
    if high is not None and np.isfinite(last := latest(evidence)):
        high = max(high, last)
    if low is not None:
        around = (low, np.inf if high is None else high)
        low = swept(Trials.of(evidence, (span,)), span, (sharp.low_s, sharp.high_s), around)
    return Interval(low, high, sharp)


def _own_ends(ballots: Ballots, span: str, tolerance: int) -> Reals:
    """Fatal spans of the values that the other limit cannot have ended; infinite for the rest."""
    other = "age" if span == "gap" else "gap"
    longest = np.sort(ballots.outlived(other))[::-1]
    least = longest[min(tolerance, len(longest) - 1)] if len(longest) else 0.0
    return np.where(ballots.ended(other) <= least, ballots.ended(span), np.inf)
