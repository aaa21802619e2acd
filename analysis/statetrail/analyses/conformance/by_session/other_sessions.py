"""Values from elsewhere: what a request in a session presents that its session was not given.

Enters: a bucket, and verdicts on values by the sessions of their requests. Leaves: excuses. One
user may look like several sessions, and may have a value from before the session.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, chosen
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance import race, verdict
from statetrail.analyses.conformance.verdict import REASONS, VERDICTS
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import Lineage

_REASONS: Final = tuple(REASONS)
_OWN: Final = (VERDICTS.index(verdict.STALE), VERDICTS.index(verdict.DEFIED))
_CURRENT: Final = tuple(map(VERDICTS.index, verdict.CURRENT))


def as_senders(
    bucket: Bucket,
    issues: race.Issues,
    rows: race.Rows,
    shown: Ints,
    rank: Ints,
    reason: Ints,
    in_session: Bools,
) -> None:
    """Excuse values that were never issued in their session, or are old there, and yet the newest
    that their sender was given: it may be one user in what looks like several sessions."""
    excusable = np.zeros(len(rows), dtype=np.bool_)
    excusable[: len(shown)] = in_session & np.isin(rank[: len(shown)], _OWN)
    row = np.flatnonzero(excusable)
    of_sender = replace(
        chosen(rows, excusable),
        series=bucket.presented.series[shown[row]],
        value=bucket.presented.value[shown[row]],
    )
    current, _ = race.judged(bucket, issues, of_sender, cut_ends=True)
    row = row[np.isin(current, _CURRENT)]
    rank[row] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[row] = _REASONS.index(verdict.OTHER_SESSION)


def without_session(bucket: Bucket, lineage: Lineage, dialect: Ints) -> Ints:
    """When each value was first issued by a response of no session; `FOREVER` for never."""
    issued = bucket.issued
    of = lineage.of_response[dialect[bucket.series_param[issued.series]], issued.exchange]
    rows = np.flatnonzero(of == NOTHING)
    first = np.full(len(bucket.values), FOREVER)
    moment = bucket.exchanges.response_start[issued.exchange[rows]]
    np.minimum.at(first, issued.value[rows], moment)
    return first
