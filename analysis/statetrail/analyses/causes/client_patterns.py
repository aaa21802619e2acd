"""Client patterns: what a client does with a parameter time and again, unhindered.

Enters: a bucket, its history, its verdicts, and its faults, each with whether something of the
server's stood in its way. Leaves: the patterns that each fault belongs to.

What a client does anyway needs no other reason, so its *free* faults alone make a pattern: those
with nothing in the way.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, distinct
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.verdict import (
    DEFIED,
    HONOURED,
    MISPLACED,
    OMITTED,
    RESTARTED,
    STALE,
    VERDICTS,
)
from statetrail.analyses.conformance.verdicts import Judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.history import History

MIN_CHANCES: Final = 5
"""Requests without obedience from which on a parameter counts as not implemented."""
MIN_PER_ENDPOINT: Final = 3
"""Requests to an endpoint, and obedient ones elsewhere, that tell endpoints apart."""

UNSHOWN: Final = (OMITTED, DEFIED, RESTARTED)
"""The faults that do not show whether the client has read any value."""


@dataclass(frozen=True, slots=True)
class ClientPatterns:
    """The patterns that each fault belongs to.

    Attributes
    ----------
    first_only
        The client only ever presents the first value, also where a newer one was free to be had.
    not_here
        It obeys elsewhere, never at this endpoint.
    never_read
        Nothing that it presents shows that it reads the parameter.
    """

    first_only: Bools
    not_here: Bools
    never_read: Bools


def client_patterns(
    bucket: Bucket,
    history: History,
    every: Judgements,
    faults: Judgements,
    free: Bools,
    near: Bools,
) -> ClientPatterns:
    """The patterns of these faults.

    Parameters
    ----------
    every
        All verdicts of the bucket.
    free
        Whether nothing of the server's stood in the way of each fault.
    near
        Whether it presents a near miss.
    """
    count = len(bucket.series_client)

    def times(series: Ints) -> Ints:
        return np.bincount(series, minlength=count)

    series, endpoint = faults.series, bucket.exchanges.endpoint
    honoured = np.flatnonzero(every.verdict == VERDICTS.index(HONOURED))
    free_stale = times(series[free & is_verdict(faults, STALE)])
    chances = times(series[free & is_verdict(faults, *UNSHOWN)])
    read = times(series[is_verdict(faults, STALE, MISPLACED) | near])
    obeyed = times(every.series[honoured])
    # Obedience counts where there are faults: most series have none.
    honoured = honoured[(times(series) > 0)[every.series[honoured]]]
    width = max(len(bucket.endpoints), 1)
    at_fault = series * width + endpoint[faults.exchange]
    at_honoured = every.series[honoured] * width + endpoint[every.exchange[honoured]]
    _, place = distinct(np.concatenate([at_fault, at_honoured]), count * width)
    here = place[: len(series)]
    free_here = np.bincount(here[free], minlength=len(place) + 1)[here]
    obeyed_here = np.bincount(place[len(series) :], minlength=len(place) + 1)[here]
    return ClientPatterns(
        (_presents_first_only(bucket, history) & (free_stale > 0))[series],
        (free_here >= MIN_PER_ENDPOINT) & (obeyed_here == 0) & (obeyed[series] >= MIN_PER_ENDPOINT),
        ((chances >= MIN_CHANCES) & (read == 0) & (obeyed == 0))[series],
    )


def is_verdict(judgements: Judgements, *names: str) -> Bools:
    """Whether the verdicts are among those named."""
    return np.isin(judgements.verdict, [VERDICTS.index(name) for name in names])


def _presents_first_only(bucket: Bucket, history: History) -> Bools:
    """The series of which a client presents one value only, the first that was issued."""
    count, issues = len(bucket.series_client), history.issues
    first, _ = extremes(issues.series, bucket.exchanges.response_start[issues.exchange], count)
    used = np.flatnonzero(history.used < FOREVER)
    only = np.full(count, NOTHING, dtype=np.int64)
    only[bucket.values.series[used]] = used
    single = np.bincount(bucket.values.series[used], minlength=count) == 1
    first_only: Bools = single & (first < FOREVER) & (history.issued[only] == first)
    return first_only
