"""Throttled renewal: a server that notes a use only if the last noted one lies far enough back.

Enters: `Evidence`. Leaves: the evidence with gaps counted from the last noted use, and the marginal
likelihood that such a renewal with one idle timeout explains the ends.

Frameworks do this to save writes: a session is touched only when it was last touched more than a
throttle ago (ASP.NET's sliding expiration takes half of the timeout, others a minute). Measured
from the last use the timeout looks smeared; measured from the last noted one it is sharp again.
Which uses were noted follows from the throttle and from the times of the uses alone.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from statetrail.expiry.error_model import HAZARDS
from statetrail.expiry.evidence import Codes, Evidence
from statetrail.expiry.models.single_limit import single_limit
from statetrail.expiry.numerics import Reals
from statetrail.expiry.thresholds import threshold
from statetrail.expiry.trials import Trials, even, places

SMALLEST: Final = 0.03
LARGEST: Final = 0.8
"""Throttles are sought between these shares of the timeout."""
USUAL: Final = 0.5
"""No throttle beyond this share of the timeout is allowed for where none shows."""
SLACK: Final = 10.0
"""By how much the log-evidence may exceed the bound that is asked first: priors differ a little."""

_TRIED: Final = 10
_COARSE: Final = 26
_FINE: Final = 11
_SECOND_US: Final = 1e6


@dataclass(frozen=True, slots=True)
class Throttle:
    """A throttled renewal.

    Attributes
    ----------
    log_evidence
        Logarithm of the marginal likelihood.
    throttle_s
        The most probable throttle; `None`: none can be.
    """

    log_evidence: float
    throttle_s: float | None


def throttled(evidence: Evidence, least: float = -np.inf) -> Throttle:
    """The evidence for a throttled renewal with one idle timeout.

    None is sought where a plain timeout fits every value, since nothing would tell it from one;
    and none that could not reach `least` if every end were as long after the last noted use as the
    largest throttle allows.
    """
    evidence = evidence.where(evidence.survived | evidence.ended)
    trials = Trials.of(evidence, ("gap",))
    fatal = trials.fatal_gap
    if not len(fatal) or not threshold(*evidence.votes("gap")).contradictions:
        return Throttle(-np.inf, None)
    if np.isfinite(least):
        farthest = replace(trials, fatal_gap=fatal / (1 - LARGEST))
        if single_limit(farthest, "gap", hazards=HAZARDS[::3]) + SLACK < least:
            return Throttle(-np.inf, None)
    uses, (lived, ends) = _Uses.of(evidence), places(evidence, ("gap",))

    def likely(throttle_s: float) -> float:
        gap_low, gap_high = even(*uses.gaps(throttle_s))
        since = replace(trials, lived_gap=gap_low[lived], fatal_gap=gap_high[ends])
        return single_limit(since, "gap", above_s=throttle_s / LARGEST, hazards=HAZARDS[::3])

    low, high = SMALLEST * float(fatal.min()), 2 * float(np.median(fatal))
    tried = np.geomspace(low, max(high, 2 * low), _COARSE)
    found = np.array([likely(one) for one in tried])
    for step in (tried[1] / tried[0], (tried[1] / tried[0]) ** (2 / _FINE)):
        best = float(tried[np.argmax(found)])
        finer = np.setdiff1d(best * np.geomspace(1 / step, step, _FINE), tried)
        order = np.argsort(both := np.concatenate([tried, finer]))
        found = np.concatenate([found, [likely(one) for one in finer]])[order]
        tried = both[order]
    top = float(found.max())
    if not np.isfinite(top):
        return Throttle(-np.inf, None)
    # Log-uniform on these shares of the timeout.
    mass = float(np.trapezoid(np.exp(found - top), np.log(tried))) / float(
        np.log(LARGEST / SMALLEST)
    )
    return Throttle(top + float(np.log(mass)), float(tried[np.argmax(found)]))


def latest(evidence: Evidence) -> float:
    """The longest timeout in seconds that some throttled renewal allows; infinite: unbounded.

    For each throttle the sharp interval of the timeout since the last noted use, as far as a
    throttle leaves no more contradictions than none. Exact, however the uses were chosen.
    """
    plain = threshold(*evidence.votes("gap"))
    if plain.low_s is None or plain.high_s is None:
        return np.inf
    found = plain.high_s
    for throttle_s in np.geomspace(SMALLEST, USUAL, _TRIED) * (plain.low_s * plain.high_s) ** 0.5:
        sharp = threshold(*noted(evidence, float(throttle_s)).votes("gap"))
        if sharp.contradictions <= plain.contradictions:
            found = max(found, sharp.high_s or np.inf)
    return found


def noted(evidence: Evidence, throttle_s: float) -> Evidence:
    """The same uses with gaps counted from the last noted use.

    Parameters
    ----------
    evidence
        Uses in order of value and time.
    throttle_s
        Seconds that have to pass after a noted use until another is noted.
    """
    uses = _Uses.of(evidence)
    low, high = uses.gaps(throttle_s)
    columns = {name: getattr(uses.counted, name) for name in Evidence.__dataclass_fields__}
    return Evidence(**(columns | {"gap_low_s": low, "gap_high_s": high}))


@dataclass(frozen=True, slots=True)
class _Uses:
    """The uses that survived or ended, times in microseconds since shortly before the first.

    Attributes
    ----------
    counted, at
        The uses and their times.
    key
        Value and time of each use as one number, with room for a throttle within `stride`.
    first, born
        Of each value its first use and its birth; where that was not seen, the first use: it
        counts as noted.
    group, previous
        Of each use the place of its value in `first`, and the time of the use before, or the birth.
    """

    counted: Evidence
    at: Codes
    stride: int
    key: Codes
    first: Codes
    born: Codes
    group: Codes
    previous: Codes

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        which = evidence.survived | evidence.ended
        counted = evidence if which.all() else evidence.where(which)
        at = counted.at_us - (counted.at_us.min() if len(counted) else 0) + 1
        stride = 2 * int(at.max(initial=0)) + 2
        first = np.flatnonzero(np.diff(counted.value, prepend=-1))
        born = at[first] - _microseconds(counted.gap_low_s[first])
        group = np.repeat(np.arange(len(first)), np.diff(first, append=len(at)))
        previous = np.concatenate([[0], at[:-1]])[: len(at)]
        previous[first] = born
        return cls(counted, at, stride, counted.value * stride + at, first, born, group, previous)

    def gaps(self, throttle_s: float) -> tuple[Reals, Reals]:
        """The least and the largest gap since the last noted use, in seconds."""
        low_s, high_s = self.counted.gap_low_s, self.counted.gap_high_s
        if not len(self.at):
            return low_s, high_s
        back = np.maximum(self.previous - self._last_noted(throttle_s), 0) / _SECOND_US
        # What the noted use lasted longer than the one before shortens the least gap.
        slack = np.where(back > 0, high_s - low_s, 0.0)
        slack = np.where(np.isfinite(slack), slack, 0.0)
        return np.maximum(low_s + back - slack, 0.0), high_s + back

    def _last_noted(self, throttle_s: float) -> Codes:
        """Per use, when its value had last been noted before."""
        throttle, count = int(throttle_s * _SECOND_US), len(self.at)
        end = np.append(self.first[1:], count)
        # From each use the next one of its value that would be noted; `count`: none.
        # (One longer than all there is lets no second use be noted.)
        later = self.key + min(throttle, self.stride // 2)
        after = np.maximum(np.searchsorted(self.key, later), np.arange(count) + 1)
        after[after >= end[self.group]] = count
        since = np.clip(self.born + throttle, 0, self.stride - 1)
        moving = np.searchsorted(self.key, self.counted.value[self.first] * self.stride + since)
        moving = moving[moving < end]
        is_noted = np.zeros(count, dtype=np.bool_)
        while len(moving):
            is_noted[moving] = True
            moving = after[moving]
            moving = moving[moving < count]
        noted_at = np.where(is_noted, np.arange(count), -1)
        noted_at = np.concatenate([[-1], np.maximum.accumulate(noted_at)[:-1]])
        within = noted_at >= self.first[self.group]
        return np.where(within, self.at[np.maximum(noted_at, 0)], self.born[self.group])


def _microseconds(seconds: Reals) -> Codes:
    return (seconds * _SECOND_US).astype(np.int64)
