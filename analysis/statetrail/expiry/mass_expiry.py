"""Instants: moments at which a server dropped its values, whatever their gap or age.

Enters: `Evidence`. Leaves: `Instants`: restarts, and a calendar by which values are replaced, with
the uses that they spoil.

A restart kills every value that is alive. So it shows as a moment that several values' last gaps
span, which no value is seen to survive, and at which values ended that the limits do not explain.
Three of these from two clients, and nobody who came through, are taken for one. Where it happens
at every full hour or day, it is a calendar: a key that is renewed by the clock.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.expiry.evidence import Codes, Evidence, Flags
from statetrail.expiry.summaries import Ballots
from statetrail.expiry.thresholds import threshold

MIN_VALUES: Final = 3
"""Unexplained ends that an instant needs..."""
MIN_CLIENTS: Final = 2
"""... and clients that found them."""

_MOST: Final = 50
_HOUR_US: Final = 3_600_000_000
_MINUTES: Final = (1, 5, 10, 15, 20, 30)
_HOURS: Final = (1, 2, 3, 4, 6, 8, 12, 24, 168)


@dataclass(frozen=True, slots=True)
class Instants:
    """What befell all values at once.

    Attributes
    ----------
    restarts_us
        Moments by which all values had ended, in microseconds since the epoch.
    calendar_s
        The period at whose full multiples values are replaced; `None`: none is seen.
    spoiled
        Per use of the evidence, whether it spans such a moment.
    """

    restarts_us: tuple[int, ...]
    calendar_s: float | None
    spoiled: Flags


def instants(evidence: Evidence) -> Instants:
    """Find the moments, and the uses that say nothing since they span one."""
    spoiled = np.zeros(len(evidence), dtype=np.bool_)
    early = _early(evidence)
    ending = evidence.ending
    nothing = Instants((), None, spoiled)
    if len(early) < MIN_VALUES:
        return nothing
    # Between its last sign of life and the use that found it ended, the value went.
    since = evidence.at_us - np.round(evidence.gap_low_s * 1e6).astype(np.int64)
    found = _calendar(evidence, since, ending[early])
    if found is not None:
        period, phase = found
        crossing = (since - phase) // period != (evidence.at_us - phase) // period
        return Instants((), period / 1e6, crossing)
    moments: list[int] = []
    left = ending[early]
    alive = np.flatnonzero(evidence.survived)
    for _ in range(_MOST):
        moment = _moment(since[left], evidence.at_us[left], since[alive], evidence.at_us[alive])
        if moment is None:
            break
        hit = (since[left] < moment) & (moment <= evidence.at_us[left])
        if np.count_nonzero(hit) < MIN_VALUES:
            break
        if len(np.unique(evidence.client[left[hit]])) >= MIN_CLIENTS:
            moments.append(int(moment))
            spoiled |= (since < moment) & (moment <= evidence.at_us)
        left = left[~hit]
    return Instants(tuple(sorted(moments)), None, spoiled)


def _early(evidence: Evidence) -> Codes:
    """Places in `Evidence.ending` of the ends that the better of both limits does not explain."""
    ballots = Ballots.of(evidence)
    fits = {s: threshold(ballots.outlived(s), ballots.ended(s)) for s in ("gap", "age")}
    span = min(fits, key=lambda s: fits[s].contradictions)
    high = evidence.bounds(span)[1][evidence.ending]
    return np.flatnonzero(high <= (fits[span].low_s or 0.0))


def _moment(since: Codes, until: Codes, alive_since: Codes, alive_until: Codes) -> int | None:
    """The moment that most of some spans hold, and none of those of survivors."""
    if not len(since):
        return None
    tried = np.unique(np.concatenate([since + 1, until]))

    def spanning(a: Codes, b: Codes) -> Codes:
        return np.searchsorted(np.sort(a), tried, "left") - np.searchsorted(
            np.sort(b), tried, "left"
        )

    votes = np.where(spanning(alive_since, alive_until) == 0, spanning(since, until), 0)
    best = int(np.argmax(votes))
    return int(tried[best]) if votes[best] > 0 else None


def _calendar(evidence: Evidence, since: Codes, early: Codes) -> tuple[int, int] | None:
    """Period and phase of a calendar whose full multiples no value survives, or `None`.

    It has to be crossed by every unexplained end but one in ten, at three moments or more.
    """
    alive = np.flatnonzero(evidence.survived & (evidence.gap_low_s > 0))
    if len(np.unique(evidence.client[early])) < MIN_CLIENTS:
        return None
    periods = [(60_000_000 * m, 0) for m in _MINUTES]
    periods += [(_HOUR_US * h, _HOUR_US * p) for h in reversed(_HOURS) for p in range(h)]
    for period, phase in periods:
        first = (since[early] - phase) // period
        last = (evidence.at_us[early] - phase) // period
        crossed = first != last
        if np.count_nonzero(crossed) < max(MIN_VALUES, 0.9 * len(early)):
            continue
        if len(np.unique(last[crossed])) < MIN_VALUES:
            continue
        if not np.any(
            (since[alive] - phase) // period != (evidence.at_us[alive] - phase) // period
        ):
            return period, phase
    return None
