"""Mass expiry: moments at which a server dropped all its values, whatever their idle time or age.

Enters: `Evidence`. Leaves: `MassExpiry`: restarts, and a calendar by which values are replaced,
with the uses that they affect.

A restart ends every value that is alive. So it shows as a moment that several values' last idle
times span, which no value is seen to survive, and by which values ended that the limits do not
explain. `MIN_VALUES` of these from `MIN_CLIENTS` clients are taken for one. Where it happens at
every full hour or day, it is a calendar: a key that is renewed by the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import threshold
from statetrail.expiry.evidence import SPANS, Evidence
from statetrail.expiry.numerics import Codes, Flags
from statetrail.expiry.summaries import ValueSummaries

MIN_VALUES: Final = 3
"""Unexplained ends that a moment needs..."""
MIN_CLIENTS: Final = 2
"""... and clients that found them."""

_MOST: Final = 50
_HOUR_US: Final = 3_600_000_000
_MINUTES: Final = (1, 5, 10, 15, 20, 30)
_HOURS: Final = (1, 2, 3, 4, 6, 8, 12, 24, 168)


@dataclass(frozen=True, slots=True)
class Clock:
    """Every full multiple of a period, shifted by a phase, both in microseconds."""

    period_us: int
    phase_us: int = 0

    def lies_in(self, since: Codes, until: Codes) -> Flags:
        """Whether such a moment lies within each span of time."""
        return np.asarray(crossings([self], since, until)[0])


def crossings(clocks: Sequence[Clock], since: Codes, until: Codes) -> Flags:
    """Whether a moment of each clock (rows) lies within each span of time (columns)."""
    periods = np.array([clock.period_us for clock in clocks])[:, None]
    phases = np.array([clock.phase_us for clock in clocks])[:, None]
    before, after = ((at - phases) // periods for at in (since, until))
    return np.asarray(before != after)


@dataclass(frozen=True, slots=True)
class MassExpiry:
    """Events that ended all values at once.

    Attributes
    ----------
    restarts_us
        Moments by which all values had ended, in microseconds since the epoch.
    clock
        When values are replaced by the calendar; `None`: none is seen.
    affected
        Per use of the evidence, whether it spans such a moment.
    """

    restarts_us: tuple[int, ...]
    clock: Clock | None
    affected: Flags

    @staticmethod
    def by_clock(evidence: Evidence, clock: Clock) -> "MassExpiry":
        """A calendar, with the uses that it affects."""
        until = evidence.request_start_us
        # Between its last sign of life and the use that found it ended, the value ended.
        since = until - np.round(evidence.idle_low_s * 1e6).astype(np.int64)
        return MassExpiry((), clock, clock.lies_in(since, until))

    @property
    def calendar_s(self) -> float | None:
        """The period at whose multiples values are replaced."""
        return None if self.clock is None else self.clock.period_us / 1e6

    def without(self, summaries: ValueSummaries) -> ValueSummaries:
        """The summaries without the ends that span such a moment."""
        end_us = summaries.ended_at_us
        idle_us = np.where(np.isfinite(summaries.ended["idle"]), summaries.ended["idle"] * 1e6, 0)
        since_us = end_us - idle_us.astype(np.int64)
        affected = np.zeros(len(summaries), dtype=np.bool_)
        for moment in self.restarts_us:
            affected |= (since_us < moment) & (moment <= end_us)
        if self.clock is not None:
            affected |= self.clock.lies_in(since_us, end_us)
        return replace(
            summaries,
            ended={s: np.where(affected, np.inf, x) for s, x in summaries.ended.items()},
            ended_at_us=np.where(affected, -1, end_us),
        )


def mass_expiry(evidence: Evidence) -> MassExpiry:
    """Find the moments, and the uses that say nothing of a limit since they span one."""
    affected = np.zeros(len(evidence), dtype=np.bool_)
    left = _unexplained(evidence)
    if len(left) < MIN_VALUES:
        return MassExpiry((), None, affected)
    # Between its last sign of life and the use that found it ended, the value ended.
    until = evidence.request_start_us
    since = until - np.round(evidence.idle_low_s * 1e6).astype(np.int64)
    clock = _clock(evidence, since, left)
    if clock is not None:
        return MassExpiry.by_clock(evidence, clock)
    moments: list[int] = []
    alive = np.flatnonzero(evidence.survived)
    for _ in range(_MOST):
        moment = _moment(since[left], until[left], since[alive], until[alive])
        if moment is None:
            break
        hit = (since[left] < moment) & (moment <= until[left])
        if np.count_nonzero(hit) < MIN_VALUES:
            break
        if len(np.unique(evidence.party[left[hit]])) >= MIN_CLIENTS:
            moments.append(moment)
            affected |= (since < moment) & (moment <= until)
        left = left[~hit]
    return MassExpiry(tuple(sorted(moments)), None, affected)


def _unexplained(evidence: Evidence) -> Codes:
    """The uses that found ends which the better of both limits does not explain."""
    fits = {span: threshold(*evidence.summary(span)) for span in SPANS}
    span = min(fits, key=lambda each: fits[each].contradictions)
    high = evidence.brackets(span)[1][evidence.fatal]
    return evidence.fatal[high <= (fits[span].low_s or 0.0)]


def _moment(since: Codes, until: Codes, alive_since: Codes, alive_until: Codes) -> int | None:
    """The moment that most of some spans hold, and none of those of survivors."""
    if not len(since):
        return None
    moments = np.unique(np.concatenate([since + 1, until]))

    def spanning(starts: Codes, stops: Codes) -> Codes:
        earlier = [np.searchsorted(np.sort(x), moments, "left") for x in (starts, stops)]
        return earlier[0] - earlier[1]

    counts = np.where(spanning(alive_since, alive_until) == 0, spanning(since, until), 0)
    best = int(np.argmax(counts))
    return int(moments[best]) if counts[best] > 0 else None


def _clock(evidence: Evidence, since: Codes, unexplained: Codes) -> Clock | None:
    """The calendar whose moments no value survives, or `None`.

    Every unexplained end but one in ten has to cross one, at three moments or more.
    """
    if len(np.unique(evidence.party[unexplained])) < MIN_CLIENTS:
        return None
    alive = np.flatnonzero(evidence.survived & (evidence.idle_low_s > 0))
    until = evidence.request_start_us
    clocks = [Clock(60_000_000 * m) for m in _MINUTES]
    clocks += [Clock(_HOUR_US * h, _HOUR_US * p) for h in reversed(_HOURS) for p in range(h)]
    crossing = crossings(clocks, since[unexplained], until[unexplained])
    enough = crossing.sum(axis=1) >= max(MIN_VALUES, 0.9 * len(unexplained))
    for nth in np.flatnonzero(enough):
        clock, crossed = clocks[nth], crossing[nth]
        moments = (until[unexplained[crossed]] - clock.phase_us) // clock.period_us
        if len(np.unique(moments)) < MIN_VALUES:
            continue
        if not np.any(clock.lies_in(since[alive], until[alive])):
            return clock
    return None
