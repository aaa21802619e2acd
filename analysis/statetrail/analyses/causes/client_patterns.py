"""Client patterns: what a client does with a parameter time and again, unhindered.

Enters: a bucket, its lineage and history, its verdicts, and its faults, each with whether something
of the server's stood in its way. Leaves: the patterns that each fault belongs to.

What a client does anyway needs no other reason, so its *free* faults alone make a pattern: those
with nothing in the way. Rows that a reason excuses are no faults. Which endpoints and parameters a
program knows is the same in all its sessions; which value came first is not.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.analyses.causes.owned_values import (
    binding_issues,
    issued_to,
    owners,
    presented_by,
)
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, distinct, unique
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.verdict import (
    DEFIED,
    EARLIER_VALUE,
    HONOURED,
    MISPLACED,
    NO_SESSION,
    OMITTED,
    OTHER_SESSION,
    REASONS,
    RESTARTED,
    SESSIONS_MIXED,
    STALE,
    VERDICTS,
)
from statetrail.analyses.conformance.verdicts import Judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.history import History
from statetrail.analyses.events.lineage import Lineage

MIN_CHANCES: Final = 5
"""Requests without obedience from which on a parameter counts as not implemented."""
MIN_PER_ENDPOINT: Final = 3
"""Requests to an endpoint, and obedient ones elsewhere, that tell endpoints apart."""

UNSHOWN: Final = (OMITTED, DEFIED, RESTARTED)
"""The faults that do not show whether the client has read any value."""
_REASONS: Final = tuple(REASONS)
_SHOWN: Final = tuple(
    map(_REASONS.index, (EARLIER_VALUE, NO_SESSION, OTHER_SESSION, SESSIONS_MIXED))
)
"""The reasons of what shows that it has."""


@dataclass(frozen=True, slots=True)
class ClientPatterns:
    """The patterns that each fault belongs to.

    Attributes
    ----------
    first_only
        In the session (or by the sender, if the request presents no session key, or a value of an
        earlier session) only the first of several values is ever presented, also where a newer one
        was free to be had.
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
    lineage: Lineage,
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
    own = owners(bucket, lineage, faults.exchange, series)
    honoured = np.flatnonzero(every.verdict == VERDICTS.index(HONOURED))
    chances = times(series[free & is_verdict(faults, *UNSHOWN)])
    shown = is_verdict(every, STALE, MISPLACED) | np.isin(every.reason, _SHOWN)
    # What an earlier session was given it has read, too.
    issued = np.append(history.issued, FOREVER)[every.value]
    shown |= is_verdict(every, DEFIED) & (issued <= bucket.exchanges.request_start[every.exchange])
    read = times(series[near]) + times(every.series[shown])
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
        _presents_first_only(bucket, lineage, history, own, free & is_verdict(faults, STALE))
        | _presents_first_only(bucket, lineage, history, series, free & is_verdict(faults, DEFIED)),
        (free_here >= MIN_PER_ENDPOINT) & (obeyed_here == 0) & (obeyed[series] >= MIN_PER_ENDPOINT),
        ((chances >= MIN_CHANCES) & (read == 0) & (obeyed == 0))[series],
    )


def is_verdict(judgements: Judgements, *names: str) -> Bools:
    """Whether the verdicts are among those named."""
    return np.isin(judgements.verdict, [VERDICTS.index(name) for name in names])


def _presents_first_only(
    bucket: Bucket, lineage: Lineage, history: History, owner: Ints, which: Bools
) -> Bools:
    """Whether the owner of each of these faults presents one value only, the first of several."""
    wanted = unique(owner[which])
    issues = binding_issues(bucket, history.issues)
    issued = issued_to(bucket, lineage, issues.exchange, issues.value, wanted)
    shown = presented_by(bucket, lineage, history.uses, wanted)
    width, count = max(len(bucket.values), 1), len(wanted)
    keys, place = np.unique(
        np.append(issued.owner, shown.owner) * width + np.append(issued.value, shown.value),
        return_inverse=True,
    )
    of_key = np.searchsorted(wanted, keys // width)
    response_start = bucket.exchanges.response_start[issued.exchange]
    first, _ = extremes(place[: len(issued)], response_start, len(keys))
    several = np.bincount(of_key[unique(place[: len(issued)])], minlength=count) > 1
    earliest, _ = extremes(of_key, first, count)
    used = unique(place[len(issued) :])
    only = np.full(count, NOTHING, dtype=np.int64)
    only[of_key[used]] = used
    single = np.bincount(of_key[used], minlength=count) == 1
    first_only = (
        single & several & (earliest < FOREVER) & (np.append(first, FOREVER)[only] == earliest)
    )
    kept: Bools = np.append(first_only, False)[among(wanted, owner)]
    return kept
