"""Touch interval: a server that notes a use only if the last noted one lies far enough back.

Frameworks do this to save writes: a session is touched only when it was last touched more than an
interval ago (ASP.NET's sliding expiration takes half of the timeout, others a minute). Measured
from the last use the timeout looks soft; measured from the last noted one it is sharp again. Which
uses were noted follows from the interval and from the times of the uses alone.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import threshold
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.likelihood.error_model import COARSE_HAZARDS
from statetrail.expiry.likelihood.single_limit import single_limit, single_limits
from statetrail.expiry.models.idle import IDLE
from statetrail.expiry.models.model import Data, Fit, Model
from statetrail.expiry.numerics import Codes, Flags, Reals
from statetrail.expiry.summaries import EventTable, even, event_uses

SMALLEST: Final = 0.03
LARGEST: Final = 0.8
"""Touch intervals are sought between these shares of the timeout."""
USUAL: Final = 0.5
"""No interval beyond this share of the timeout is allowed for where none shows."""
PRIOR: Final = 0.145
"""Prior of a renewal that leaves out uses."""
SLACK: Final = 10.0
"""By how much the log-evidence may exceed the bound that is checked first: priors differ a
little."""

_BOUNDING: Final = 24
_COARSE: Final = 26
_FINE: Final = 11
_TOGETHER: Final = 100_000
"""Uses, times touch intervals, that are weighed at once: this bounds the memory."""
_SECOND_US: Final = 1e6


def touch_interval(evidence: Evidence, least: float = -np.inf) -> Fit:
    """The evidence for a throttled renewal with one idle timeout.

    None is sought where a plain timeout fits every value, since nothing would tell it from one;
    and none that could not reach `least` if every end were as long after the last noted use as the
    largest interval allows.
    """
    none = Fit(-np.inf)
    evidence = evidence.where(evidence.survived | evidence.ended)
    events = EventTable.of(evidence, ("idle",))
    fatal = events.fatal["idle"]
    if not len(fatal) or not threshold(*evidence.summary("idle")).contradictions:
        return none
    if np.isfinite(least):
        farthest = replace(events, fatal={"idle": fatal / (1 - LARGEST)})
        if single_limit(farthest, "idle", hazards=COARSE_HAZARDS) + SLACK < least:
            return none
    uses, (lived, ends) = _Uses(evidence), event_uses(evidence, ("idle",))

    together = max(_TOGETHER // len(evidence), 1)

    def log_evidence(touch_intervals_s: Reals) -> Reals:
        each = []
        for some in np.split(touch_intervals_s, range(together, len(touch_intervals_s), together)):
            low, high = even(*uses.idle(some))
            noted = replace(events, lived={"idle": low[:, lived]}, fatal={"idle": high[:, ends]})
            above_s = some / LARGEST
            each.append(single_limits(noted, "idle", above_s=above_s, hazards=COARSE_HAZARDS))
        return np.concatenate(each)

    low_s, high_s = SMALLEST * float(fatal.min()), 2 * float(np.median(fatal))
    grid = np.geomspace(low_s, max(high_s, 2 * low_s), _COARSE)
    result = log_evidence(grid)
    for step in (grid[1] / grid[0], (grid[1] / grid[0]) ** (2 / _FINE)):
        finer = np.setdiff1d(grid[np.argmax(result)] * np.geomspace(1 / step, step, _FINE), grid)
        order = np.argsort(both := np.concatenate([grid, finer]))
        result = np.concatenate([result, log_evidence(finer)])[order]
        grid = both[order]
    top = float(result.max())
    if not np.isfinite(top):
        return none
    # Log-uniform on these shares of the timeout.
    mass = float(np.trapezoid(np.exp(result - top), np.log(grid)))
    share = mass / float(np.log(LARGEST / SMALLEST))
    return Fit(top + float(np.log(share)), touch_interval_s=float(grid[np.argmax(result)]))


def latest(evidence: Evidence) -> float:
    """The longest timeout in seconds that some throttled renewal allows; infinite: unbounded.

    For each touch interval the sharp interval of the timeout since the last noted use, where that
    leaves no more contradictions than the time since the last use. Exact, however the uses were
    chosen.
    """
    plain = threshold(*evidence.summary("idle"))
    if plain.low_s is None or plain.high_s is None:
        return np.inf
    result, middle_s = plain.high_s, (plain.low_s * plain.high_s) ** 0.5
    uses = _Uses(evidence)
    # The timeout since the last noted use is up to a touch interval longer than the middle.
    touch_s = np.geomspace(SMALLEST, USUAL / (1 - USUAL), _BOUNDING) * middle_s
    for touch, low, high in zip(touch_s, *uses.idle(touch_s), strict=True):
        sharp = threshold(*uses.counted.extremes(low, high))
        high_s = sharp.high_s or np.inf
        if sharp.contradictions <= plain.contradictions and touch <= USUAL * high_s:
            result = max(result, high_s)
    return result


def since_noted(evidence: Evidence, touch_interval_s: float) -> Evidence:
    """The uses that count, with idle times since the last noted use.

    After a noted use the touch interval has to pass until another is noted.
    """
    uses = _Uses(evidence)
    low, high = uses.idle(np.array([touch_interval_s]))
    return replace(uses.counted, idle_low_s=low[0], idle_high_s=high[0])


def since_marked(evidence: Evidence, marks: Flags) -> tuple[Evidence, Flags]:
    """The uses that count, with idle times since the last survived use that is marked.

    Returns
    -------
    tuple
        The evidence; and per use whether a marked use, or the issue, was seen before it.
    """
    marked = (marks & evidence.survived)[evidence.survived | evidence.ended]
    uses = _Uses(evidence)
    since, known = uses.last(marked)
    low, high = uses.back_to(since)
    return replace(uses.counted, idle_low_s=low, idle_high_s=high), known


class _Uses:
    """The uses that count, times in microseconds since shortly before the first."""

    def __init__(self, evidence: Evidence) -> None:
        which = evidence.survived | evidence.ended
        self.counted = counted = evidence if which.all() else evidence.where(which)
        start = counted.request_start_us
        self.at = start - (start.min() if len(counted) else 0) + 1
        # Value and time of each use as one number, with room for a touch interval within a stride.
        self.stride = 2 * int(self.at.max(initial=0)) + 2
        self.key = counted.value * self.stride + self.at
        # Of each value its first use and its issue; where that was not seen, the first use, which
        # counts as noted.
        self.first = np.flatnonzero(np.diff(counted.value, prepend=-1))
        idle_us = (counted.idle_low_s[self.first] * _SECOND_US).astype(np.int64)
        self.issued = self.at[self.first] - idle_us
        # Of each use the index of its value in `first`, and the time of the use before.
        sizes = np.diff(self.first, append=len(self.at))
        self.group = np.repeat(np.arange(len(self.first)), sizes)
        self.previous = np.concatenate([[0], self.at[:-1]])[: len(self.at)]
        self.previous[self.first] = self.issued
        # Of each use the last of its value so far before which nothing is known to be how long ago;
        # that is its first one, if no idle time later on is unknown.
        unknown = np.where(np.isfinite(counted.idle_high_s), -1, np.arange(len(self.at)))
        unknown = np.maximum.accumulate(unknown) if len(unknown) else unknown
        is_later = unknown > self.first[self.group]
        self.known_from = np.where(
            is_later, self.at[np.maximum(unknown, 0)], self.issued[self.group]
        )

    def idle(self, touch_intervals_s: Reals) -> tuple[Reals, Reals]:
        """The least and the largest time since the last noted use, in seconds.

        One row for each touch interval, one column for each use.
        """
        return self.back_to(self.last(self._noted(touch_intervals_s))[0])

    def back_to(self, since: Codes) -> tuple[Reals, Reals]:
        """The least and the largest time since these moments, in seconds."""
        low_s, high_s = self.counted.brackets("idle")
        lost = since < self.known_from
        back = np.where(lost, 0, np.maximum(self.previous - since, 0)) / _SECOND_US
        # The noted use may have lasted longer than the one before: that shortens the least time.
        slack = np.where(back > 0, high_s - low_s, 0.0)
        slack = np.where(np.isfinite(slack), slack, 0.0)
        return np.maximum(low_s + back - slack, 0.0), np.where(lost, np.inf, high_s + back)

    def last(self, noted: Flags) -> tuple[Codes, Flags]:
        """Per use, when its value was last noted, or issued, before; whether that was seen."""
        noted_at = np.full(noted.shape, -1)
        noted_at[..., 1:] = np.where(noted, np.arange(noted.shape[-1]), -1)[..., :-1]
        np.maximum.accumulate(noted_at, axis=-1, out=noted_at)
        within = noted_at >= self.first[self.group]
        moment = np.where(within, self.at[np.maximum(noted_at, 0)], self.issued[self.group])
        return moment, within | (self.counted.idle_low_s[self.first] > 0)[self.group]

    def _noted(self, touch_intervals_s: Reals) -> Flags:
        """Which uses are noted; one row for each touch interval."""
        count, values = len(self.at), len(self.first)
        intervals = (touch_intervals_s * _SECOND_US).astype(np.int64)
        # Of each value its issue, and the first use after it that is noted.
        since = np.clip(self.issued + intervals[:, None], 0, self.stride - 1)
        keys = self.counted.value[self.first] * self.stride
        moving = np.searchsorted(self.key, (keys + since).ravel())
        row, end = np.repeat(np.arange(len(intervals)), values), np.append(self.first[1:], count)
        end = np.tile(end[:values], len(intervals))
        # (An interval longer than the recording lets no second use be noted.)
        step = np.minimum(intervals, self.stride // 2)[row]
        is_noted = np.zeros((len(intervals), count), dtype=np.bool_)
        padded = np.append(self.key, np.iinfo(np.int64).max)
        while len(moving):
            left = moving < end
            moving, row, end, step = moving[left], row[left], end[left], step[left]
            is_noted[row, moving] = True
            # From each use the next one of its value that is noted: often the next one of all.
            later, moving = self.key[moving] + step, moving + 1
            farther = np.flatnonzero(padded[moving] < later)
            moving[farther] = np.searchsorted(self.key, later[farther])
        return is_noted


def _fit(data: Data) -> Fit:
    return touch_interval(data.evidence, data.least)


MODELS: Final = (Model("idle, touch interval", IDLE, PRIOR, _fit, is_costly=True),)
