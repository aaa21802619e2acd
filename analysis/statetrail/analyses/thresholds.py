"""Thresholds: the interval in which a time limit lies, by one vote per value.

Enters: per value the longest span that it surely outlived, and the span by which it surely ended.
Leaves: the interval that the fewest values contradict. Pure NumPy, no frames, no clock.

A value that outlived `a` and ended by `f` says that the limit lies in (a, f]; one that has not
ended, that it lies beyond `a`. Between two neighbouring bounds nothing distinguishes one limit
from another, so the interval is made of whole cells and is never narrower than the evidence.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Spans = npt.NDArray[np.float64]


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
        Values that no limit in the interval explains.
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


def threshold(outlived: Spans, ended: Spans) -> Threshold:
    """The limits that the fewest values contradict, as one interval.

    Parameters
    ----------
    outlived
        Per value, the longest span in seconds that it survived; 0 where none was seen.
    ended
        Per value, the span in seconds by which it had ended; infinite where it has not.

    Returns
    -------
    Threshold
        Where several separate intervals are contradicted as rarely, the one that spans them all.

    Examples
    --------
    >>> threshold(np.array([60.0, 100.0, 0.0]), np.array([np.inf, 300.0, 180.0]))
    Threshold(low_s=100.0, high_s=180.0, votes=3, contradictions=0)
    """
    edges = np.unique(np.concatenate([[0.0], outlived, ended[np.isfinite(ended)], [np.inf]]))
    possible = outlived < ended
    starts, stops = np.sort(outlived[possible]), np.sort(ended[possible])
    lower = edges[:-1]
    agreeing = np.searchsorted(starts, lower, "right") - np.searchsorted(stops, lower, "right")
    best = np.flatnonzero(agreeing == agreeing.max())
    low, high = float(edges[best[0]]), float(edges[best[-1] + 1])
    votes = int(np.count_nonzero((outlived > 0) | np.isfinite(ended)))
    silent = len(outlived) - votes
    return Threshold(
        low_s=low if low > 0 else None,
        high_s=high if np.isfinite(high) else None,
        votes=votes,
        contradictions=votes + silent - int(agreeing.max()),
    )
