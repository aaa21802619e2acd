"""Jars: which requests surely come from one store of values, and which from another one.

Enters: a bucket, its sessions, and what is declared of its values. Leaves: `Jars`. One sender may
be many browsers. What a response replaces or deletes ends in the jar that its request came from,
and says nothing of the others (rule L1).
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, run_begins
from statetrail.analyses.columnar.bucket import VALUE, Bucket
from statetrail.analyses.columnar.dialect_masks import server_issued
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import (
    Lineage,
    dialect_places,
    given_twice,
    has_32_bits,
    key_ranks,
    names_session,
)


@dataclass(frozen=True, slots=True)
class Jars:
    """What tells the jars of a sender apart.

    Attributes
    ----------
    of_request, of_response
        Shape (dialects, exchanges): a number of the jar that a request came from, and of the one
        that got its response; -1 where it is not known.
    dialect
        By series: the place of its dialect.
    names_one
        By value: only one jar has it.
    distinctive
        By value: it is long, and nothing shows that several jars have it.
    """

    of_request: Ints
    of_response: Ints
    dialect: Ints
    names_one: Bools
    distinctive: Bools

    def sending(self, series: Ints, exchange: Ints) -> Ints:
        """The jars of requests, as the dialects of these series know them."""
        jars: Ints = self.of_request[self.dialect[series], exchange]
        return jars

    def getting(self, series: Ints, exchange: Ints) -> Ints:
        """The jars that got responses, as the dialects of these series know them."""
        jars: Ints = self.of_response[self.dialect[series], exchange]
        return jars


def jar_groups(series: Ints, jar: Ints) -> Ints:
    """A number of each series in each jar."""
    width = int(jar.max(initial=NOTHING)) + 2
    group: Ints = np.unique(series * width + jar + 1, return_inverse=True)[1]
    return group


def jars_of(bucket: Bucket, lineage: Lineage, issue: Ints, *, one_jar: bool) -> Jars:
    """The jars of a bucket: those of its sessions, or one where a sender is one user.

    `issue` are the issues that clients may take values from.
    """
    issued, presented, exchanges = bucket.issued, bucket.presented, bucket.exchanges
    count, param = len(bucket.values), bucket.series_param[bucket.values.series]
    dialect = dialect_places(bucket)[bucket.series_param]
    jar = _of_sessions(bucket, lineage, dialect[bucket.values.series])
    jar = np.append(np.zeros_like(jar) if one_jar else jar, 0 if one_jar else NOTHING)
    jars = jar[lineage.of_request], jar[lineage.of_response]
    use = np.flatnonzero(presented.kind == VALUE)
    first, shown = np.full((2, count), FOREVER)
    np.minimum.at(first, issued.value[issue], exchanges.response_start[issued.exchange[issue]])
    np.minimum.at(shown, presented.value[use], exchanges.request_start[presented.exchange[use]])
    is_key = (key_ranks(bucket) >= 0)[param]
    made = (server_issued(bucket)[param] | is_key) & (~is_key | names_session(bucket))
    distinctive = is_long(bucket) & ~_of_several(
        bucket, lineage, dialect[bucket.values.series], use, issue
    )
    return Jars(*jars, dialect, made | (distinctive & (shown >= first)), distinctive)


def _of_sessions(bucket: Bucket, lineage: Lineage, dialect: Ints) -> Ints:
    """A number of the jar of each session, by the place of its value.

    Sessions of which one request presents keys are in one jar: a cookie of the site, say, and one
    of a path.
    """
    presented, count = bucket.presented, len(bucket.values)
    session = lineage.of_value[presented.value]
    use = np.flatnonzero((presented.kind == VALUE) & (session != NOTHING))
    request = lineage.of_request[dialect[presented.value[use]], presented.exchange[use]]
    several = np.flatnonzero(request != session[use])
    ends = np.stack([request[several], session[use[several]]])
    jar = np.arange(count, dtype=np.int64)
    # Each jar is named by its least session; names are handed on until nothing changes.
    while len(several) and (jar[ends[0]] != jar[ends[1]]).any():
        for own in ends:
            np.minimum.at(jar, jar[own], jar[ends].min(axis=0))
        while not np.array_equal(further := jar[jar], jar):
            jar = further
    return jar


def _of_several(bucket: Bucket, lineage: Lineage, dialect: Ints, use: Ints, issue: Ints) -> Bools:
    """The values that several jars may have: a setting, the number of items in a cart.

    They were given twice to requests without them, or are presented in several sessions in turn.
    """
    presented, count = bucket.presented, len(bucket.values)
    value, exchange = presented.value[use], presented.exchange[use]
    several = given_twice(bucket, issue)
    session = lineage.of_request[dialect[value], exchange]
    known = np.flatnonzero(session != NOTHING)
    # The exchanges of a sender are in order of their requests.
    order = known[np.lexsort((exchange[known], value[known]))]
    begins = run_begins(value[order]) | run_begins(session[order])
    runs = value[order[begins]] * count + session[order[begins]]
    again, times = np.unique(runs, return_counts=True)
    several[again[times > 1] // max(count, 1)] = True
    return several


def is_long(bucket: Bucket) -> Bools:
    """The values of 32 bits or more that only one series of their name has: no settings."""
    values, long = bucket.values, has_32_bits(bucket)
    param = bucket.series_param[values.series]
    codes = values.fingerprint ^ (param * 0x9E3779B1)
    _, place, count = np.unique(codes, return_inverse=True, return_counts=True)
    long &= count[place] == 1
    return long
