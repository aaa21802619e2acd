"""Owned values: what was issued to, and presented by, each session or sender, by parameter.

Enters: a bucket, its lineage, and rows of exchanges. Leaves: the owner of each row, as a number.

A request that presents a session key is judged by what was issued to its session, any other by what
was issued to its sender (`statetrail.analyses.conformance.verdicts`). Causes are sought there, too:
what another session was given explains nothing.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import Bools, Ints, chosen, unique, within
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.events.history import Issues, Uses, pairs
from statetrail.analyses.events.lineage import Lineage, dialect_places


@dataclass(frozen=True, slots=True)
class OwnedValues:
    """Values in exchanges, each with its owner: a series, or from `owner_count` on a session's."""

    exchange: Ints
    value: Ints
    owner: Ints

    def __len__(self) -> int:
        return len(self.exchange)


def owner_count(bucket: Bucket) -> int:
    """More than the number of any owner."""
    return len(bucket.series_client) + len(bucket.values) * len(bucket.params)


def owners(bucket: Bucket, lineage: Lineage, exchange: Ints, series: Ints) -> Ints:
    """What these requests are judged by: the series of their session, else that of their sender."""
    return _owners(bucket, lineage.of_request, exchange, series)[0]


def issued_to(
    bucket: Bucket, lineage: Lineage, exchange: Ints, value: Ints, wanted: Ints
) -> OwnedValues:
    """The values issued in these exchanges to the wanted owners; a sender owns all of its own."""
    return _of(bucket, lineage.of_response, exchange, value, wanted)


def presented_by(bucket: Bucket, lineage: Lineage, uses: Uses, wanted: Ints) -> OwnedValues:
    """The values presented by the wanted owners; a sender owns all of its own."""
    return _of(bucket, lineage.of_request, uses.exchange, uses.value, wanted)


def binding_issues(bucket: Bucket, issues: Issues) -> Issues:
    """The issues that their clients have to know (rule L8)."""
    issued, count = bucket.issued, len(bucket.values)
    sound = pairs(issued.exchange[issued.sound], issued.value[issued.sound], count)
    return chosen(issues, within(pairs(issues.exchange, issues.value, count), sound))


def _of(bucket: Bucket, sessions: Ints, exchange: Ints, value: Ints, wanted: Ints) -> OwnedValues:
    wanted = unique(wanted)
    series = bucket.values.series[value]
    owner, of_session = _owners(bucket, sessions, exchange, series)
    by_sender = np.flatnonzero(within(series, wanted))
    by_session = np.flatnonzero(of_session & within(owner, wanted))
    row = np.append(by_sender, by_session)
    return OwnedValues(exchange[row], value[row], np.append(series[by_sender], owner[by_session]))


def _owners(bucket: Bucket, sessions: Ints, exchange: Ints, series: Ints) -> tuple[Ints, Bools]:
    """The owner of each row, and whether it is a session."""
    param = bucket.series_param[series]
    session = sessions[dialect_places(bucket)[param], exchange]
    owner = len(bucket.series_client) + session * len(bucket.params) + param
    of_session: Bools = session >= 0
    return np.where(of_session, owner, series), of_session
