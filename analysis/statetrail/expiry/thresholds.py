"""Thresholds: the interval in which a time limit lies, by one vote per value.

Enters: per value the longest span that it surely outlived, and the span by which it surely ended.
Leaves: the limits that hardly more values contradict than any limit has to put up with.

A value that outlived `a` and ended by `f` says that the limit lies in (a, f]; one that has not
ended, that it lies beyond `a`. Between two neighbouring bounds nothing distinguishes one limit
from another, so the interval is made of whole cells and is never narrower than the evidence. With
v(t) the number of values that a limit t contradicts, C_k = {t : v(t) <= min v + k}: C_0 is sharp,
and in C_1 any one value may be wrong.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.expiry.numerics import Reals


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a limit lies: longer than `low_s`, at most `high_s`.

    Attributes
    ----------
    low_s, high_s
        Seconds; `None` where nothing was outlived, or nothing ended.
    votes
        Values that say anything.
    contradictions
        Values that the best limit does not explain.
    """

    low_s: float | None
    high_s: float | None
    votes: int
    contradictions: int

    @property
    def middle_s(self) -> float | None:
        """The span whose trial would halve the interval; `None` where it is open."""
        if self.low_s is None or self.high_s is None:
            return None
        return (self.low_s + self.high_s) / 2


def threshold(outlived: Reals, ended: Reals, tolerance: int = 0) -> Threshold:
    """The limits that few values contradict, as one interval.

    Parameters
    ----------
    outlived
        Per value, the longest span in seconds that it survived; 0 where none was seen.
    ended
        Per value, the span in seconds by which it had ended; infinite where it has not.
    tolerance
        The k of C_k: how many values more than necessary may be wrong.

    Returns
    -------
    Threshold
        Where several separate intervals qualify, the one that spans them all.

    Examples
    --------
    >>> votes = np.array([60.0, 100.0, 0.0]), np.array([np.inf, 300.0, 180.0])
    >>> threshold(*votes)
    Threshold(low_s=100.0, high_s=180.0, votes=3, contradictions=0)
    >>> threshold(*votes, tolerance=1)
    Threshold(low_s=60.0, high_s=300.0, votes=3, contradictions=0)
    """
    edges = np.unique(np.concatenate([[0.0], outlived, ended[np.isfinite(ended)], [np.inf]]))
    possible = outlived < ended
    starts, stops = np.sort(outlived[possible]), np.sort(ended[possible])
    lower = edges[:-1]
    agreeing = np.searchsorted(starts, lower, "right") - np.searchsorted(stops, lower, "right")
    most = int(agreeing.max())
    best = np.flatnonzero(agreeing >= most - tolerance)
    low, high = float(edges[best[0]]), float(edges[best[-1] + 1])
    return Threshold(
        low_s=low if low > 0 else None,
        high_s=high if np.isfinite(high) else None,
        votes=int(np.count_nonzero((outlived > 0) | np.isfinite(ended))),
        contradictions=len(outlived) - most,
    )
