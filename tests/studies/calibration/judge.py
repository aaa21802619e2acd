"""Judging: rows of the table `EXPIRY` held against the truth of their captures.

Enters: captures with the rows that were inferred for them. Leaves: `Judged`, one a capture, and
`Tally`, what many of them come to, with Wilson intervals.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from studies.calibration.cases import Case, Limit, is_honest, is_right, leaves_no_trace, strictly
from studies.simulation import Truth

_COLUMNS = {"reported": "{}_{}_s", "sharp": "{}_sharp_{}_s"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one capture.

    Attributes
    ----------
    named
        The policy that was named.
    right, wrong, avoidable
        The name is right; it claims something false; the data showed that it is.
    strict
        The strict name was found; none: nothing tells it.
    covered, sharp_covered
        The intervals hold the capture's limits; none: there is no limit, or it is not stated.
    width, sharp_width
        Widths by the true limit, infinite for open ones; likewise none.
    clock_width
        What is open by the server's own clock, by the true limit, infinite or none as well: no
        sharp interval can be narrower. Only where one limit alone ends values.
    """

    named: str
    right: bool
    wrong: bool
    avoidable: bool
    strict: bool | None
    covered: bool | None
    sharp_covered: bool | None
    width: float | None
    sharp_width: float | None
    clock_width: float | None


def judge(case: Case, truth: Truth, row: Mapping[str, Any] | None) -> Judged:
    """Hold one row against the truth; no row: no token was ever issued."""
    named = "undetermined" if row is None else str(row["policy"])
    right = is_right(case, truth, named)
    wrong = not right and not is_honest(truth, named)
    intervals = {
        kind: None if row is None else _held(case, truth, row, named, kind) for kind in _COLUMNS
    }
    covered, width = intervals["reported"] or (None, None)
    sharp_covered, sharp_width = intervals["sharp"] or (None, None)
    return Judged(
        named=named,
        right=right,
        wrong=wrong,
        avoidable=wrong and not leaves_no_trace(case, truth, named),
        strict=strictly(case, truth, named),
        covered=covered,
        sharp_covered=sharp_covered,
        width=width,
        sharp_width=sharp_width,
        clock_width=_by_clock(case, truth),
    )


def limit_of(truth: Truth, limit: Limit) -> float:
    """The true limit in seconds."""
    policy = truth.policy
    return policy.idle_s if limit == "idle" else min(policy.absolute_s, policy.renew_s)


def _held(
    case: Case, truth: Truth, row: Mapping[str, Any], named: str, kind: str
) -> tuple[bool, float] | None:
    """Whether the intervals of the case's limits hold them, and the widest of their widths.

    The interval of one limit is stated whatever the policy; those of two only together.
    """
    if not case.limits or (len(case.limits) > 1 and named not in case.right):
        return None
    holds, widths = True, []
    for limit in case.limits:
        true = limit_of(truth, limit)
        low, high = (_bound(row, kind, limit, side) for side in ("low", "high"))
        low, high = 0.0 if low is None else low, math.inf if high is None else high
        holds &= low < true <= high
        widths.append((high - low) / true)
    return holds, max(widths)


def _by_clock(case: Case, truth: Truth) -> float | None:
    """What is open by the server's own times, where one limit alone ends values."""
    if not case.clean or len(case.limits) > 1:
        return None
    limit = case.limits[0]
    outlived, ended = truth.idle_within_s if limit == "idle" else truth.age_within_s
    return (ended - outlived) / limit_of(truth, limit)


def _bound(row: Mapping[str, Any], kind: str, limit: Limit, side: str) -> float | None:
    name = _COLUMNS[kind].format(limit, side)
    if name not in row:
        name = _COLUMNS["reported"].format(limit, side)
    value: float | None = row[name]
    return value


@dataclass(frozen=True, slots=True)
class Share:
    """A share of trials with its Wilson interval at 95 %.

    >>> print(Share(81, 263))
    .308 (.255-.366)
    """

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """The share; of nothing: not a number."""
        return self.hits / self.trials if self.trials else math.nan

    @property
    def wilson(self) -> tuple[float, float]:
        """The score interval (Wilson 1927)."""
        if not self.trials:
            return 0.0, 1.0
        z2, n, p = 1.959964**2, self.trials, self.value
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = math.sqrt(z2) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.trials:
            return "·"
        low, high = self.wilson
        return f"{_short(self.value)} ({_short(low)}-{_short(high)})"


def _short(share: float) -> str:
    return f"{share:.3f}".removeprefix("0")


@dataclass(frozen=True, slots=True)
class Tally:
    """What many judged captures of one kind and size come to."""

    captures: tuple[Judged, ...]

    def share(self, what: str) -> Share:
        """The share of captures of which this is true, of those of which it is known."""
        known = [value for one in self.captures if (value := getattr(one, what)) is not None]
        return Share(sum(known), len(known))

    def width(self, what: str) -> float:
        """The median of the widths that are known; not a number where none is."""
        known = [value for one in self.captures if (value := getattr(one, what)) is not None]
        return median(known) if known else math.nan

    def named(self) -> dict[str, int]:
        """How often each policy was named, the most frequent first."""
        names = [capture.named for capture in self.captures]
        return dict(sorted(((n, names.count(n)) for n in set(names)), key=lambda p: (-p[1], p[0])))


def tally(captures: Iterable[Judged]) -> Tally:
    """Put judged captures together."""
    return Tally(tuple(captures))
