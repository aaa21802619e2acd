"""Bounds: the interval in which a limit lies, by the longest survived and the fatal span of values.

Enters: `ValueSummaries` and the spans that the policy limits. Leaves: `Interval`, for either limit.

A value that outlived `a` and ended by `f` says that the limit lies in (a, f]; one that has not
ended, that it lies beyond `a`. Between two neighbouring bounds nothing distinguishes one limit
from another, so the interval is made of whole cells and is never narrower than the evidence. With
v(t) the number of values that a limit t contradicts, C_k = {t : v(t) <= min v + k}. C_0 is sharp.
In C_1, which is reported, any one value may be wrong.

A limit that no end bounds (right-censored) has no upper end, and its lower one is the longest span
that was survived: that of C_0. What was seen to survive is not doubted for the sake of an end that
was not seen.

Where more than `CONTRADICTED` of the values contradict the best limit, what is reported is the grey
zone: from the shortest fatal to the longest survived span.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Span
from statetrail.expiry.numerics import Reals, cell_edges
from statetrail.expiry.summaries import ValueSummaries

CONTRADICTED: Final = 0.05
"""Share of the values that may contradict a limit."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a limit lies: longer than `low_s`, at most `high_s`.

    Attributes
    ----------
    low_s, high_s
        Seconds; `None` where nothing was outlived, or nothing ended.
    values
        Values that bound the limit on either side.
    contradictions
        Values that the best limit does not explain.
    """

    low_s: float | None
    high_s: float | None
    values: int
    contradictions: int

    @property
    def is_contradicted(self) -> bool:
        """Whether too many values contradict the limit."""
        return self.contradictions > CONTRADICTED * self.values


@dataclass(frozen=True, slots=True)
class Interval:
    """Where one limit lies, in seconds; `None`: not bounded on that side.

    Attributes
    ----------
    low_s, high_s
        The interval to report.
    sharp
        The sharp one, with the values behind it and their contradictions.
    """

    low_s: float | None
    high_s: float | None
    sharp: Threshold


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
    >>> spans = np.array([60.0, 100.0, 0.0]), np.array([np.inf, 300.0, 180.0])
    >>> threshold(*spans)
    Threshold(low_s=100.0, high_s=180.0, values=3, contradictions=0)
    >>> threshold(*spans, tolerance=1)
    Threshold(low_s=60.0, high_s=300.0, values=3, contradictions=0)
    """
    edges = cell_edges(outlived, ended[np.isfinite(ended)])
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
        values=int(np.count_nonzero((outlived > 0) | np.isfinite(ended))),
        contradictions=len(outlived) - most,
    )


def interval(summaries: ValueSummaries, span: Span, limits: Sequence[Span] = ()) -> Interval:
    """Bound the limit on a span, whatever the policy limits (none: it does not say).

    If the policy does not limit this span, only survived spans bound it, and no end does. If it
    limits both, an end bounds the limit that alone can explain it.
    """
    outlived, ended = summaries.outlived[span], summaries.ended[span]
    if limits and span not in limits:
        ended = np.full_like(ended, np.inf)
    ends = [_own_ends(summaries, span, k) if len(limits) > 1 else ended for k in (0, 1)]
    sharp, wide = (threshold(outlived, ends[k], k) for k in (0, 1))
    if sharp.high_s is None:
        return Interval(sharp.low_s, None, sharp)
    if not sharp.is_contradicted or wide.low_s is None or wide.high_s is None:
        return Interval(wide.low_s, wide.high_s, sharp)
    low, high = grey_zone(outlived, ends[0])
    return Interval(min(wide.low_s, low), max(wide.high_s, high), sharp)


def grey_zone(outlived: Reals, ended: Reals) -> tuple[float, float]:
    """The whole cells from the shortest fatal to the longest survived span.

    Examples
    --------
    >>> grey_zone(np.array([60.0, 300.0]), np.array([100.0, 400.0]))
    (60.0, 400.0)
    """
    first, last = float(ended.min()), float(outlived.max())
    below, above = outlived[outlived < first], ended[(ended > last) & np.isfinite(ended)]
    return float(below.max(initial=0.0)), float(above.min() if len(above) else max(first, last))


def _own_ends(summaries: ValueSummaries, span: Span, tolerance: int) -> Reals:
    """Fatal spans of the values that the other limit cannot have ended; infinite for the rest."""
    other: Span = "age" if span == "idle" else "idle"
    longest = np.sort(summaries.outlived[other])[::-1]
    least = longest[min(tolerance, len(longest) - 1)] if len(longest) else 0.0
    return np.where(summaries.ended[other] <= least, summaries.ended[span], np.inf)
