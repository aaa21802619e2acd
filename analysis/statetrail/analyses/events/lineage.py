"""Lineage: which session each key value, request and response belongs to.

Enters: a bucket. Leaves: `Lineage`.

The values of a dialect's session keys (`Dialect.session_keys`) form chains:

1. Appearances of key values are taken in order of time: an issue at the start of its response, a
   presentation at the start of its request. At equal times issues come first, then the exchange
   with the smaller id. An exchange without duration presents when it issues, just before.
2. A request belongs to the session of the first of its keys that appeared before, in the order of
   `Dialect.session_keys`. If none did, its first key begins a session. The keys that appear in it
   for the first time join the session.
3. A key that a response issues for the first time joins the session of its request. If the request
   presented no key, it joins the session of the first issued key that appeared before. If none
   did, the first issued key begins a session.

4. A key in a malformed issue joins the session of its response, if that has one: clients may take
   the value. It begins none.

Implicit issues, and requests that ask for a value, are no appearances. Nor are cookies with the
name of a key and a value that names no session (`remember=1`): it is too short, or was given twice
to requests without it. A session is named by the value that began it.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    chosen,
    run_begins,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import IMPLICIT, MALFORMED, VALUE, Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.visibility import FOREVER

MIN_LENGTH = 8
"""Characters from which on a value has 32 bits, at least: it names one session, or jar."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The sessions of a bucket; a session is the place of its first value in `Bucket.values`.

    Attributes
    ----------
    of_value
        The session of each key value; -1 for other values.
    began
        By value: the position (`positions`) at which the session that it names began.
    of_request
        Shape (dialects, exchanges): the session whose key the request presented; -1 for none.
    of_response
        The same, else the session whose key the response issued.
    """

    of_value: Ints
    began: Ints
    of_request: Ints
    of_response: Ints


@dataclass(frozen=True, slots=True)
class _Appearances:
    """Key values in exchanges, in order of (exchange and dialect, key)."""

    place: Ints
    value: Ints
    position: Ints

    def __len__(self) -> int:
        return len(self.place)


def key_ranks(bucket: Bucket) -> Ints:
    """The place of each parameter among the session keys of its dialect; -1 for others."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    ranks = [dialects[dialect].key_rank(param) for dialect, param in bucket.params]
    return np.array([NOTHING if rank is None else rank for rank in ranks], dtype=np.int64)


def has_32_bits(bucket: Bucket) -> Bools:
    """The values that are long enough to name a session, as far as their length is known."""
    length = bucket.values.length
    long: Bools = (length >= MIN_LENGTH) | (length == NOTHING)
    return long


def given_twice(bucket: Bucket, issue: Ints) -> Bools:
    """The values that these issues gave to several requests without them: they may be anybody's."""
    issued, presented, count = bucket.issued, bucket.presented, max(len(bucket.values), 1)
    use = np.flatnonzero(presented.kind == VALUE)
    held = unique(presented.exchange[use] * count + presented.value[use])
    value, response = issued.value[issue], issued.exchange[issue]
    given = unique(response * count + value)
    given = given[among(held, given) == NOTHING] % count
    twice: Bools = np.bincount(given, minlength=len(bucket.values)) > 1
    return twice


def names_session(bucket: Bucket) -> Bools:
    """The values that can name a session, where names alone say which cookies are keys."""
    readable = np.flatnonzero(bucket.issued.usage != MALFORMED)
    return has_32_bits(bucket) & ~given_twice(bucket, readable)


def dialect_places(bucket: Bucket) -> Ints:
    """The place in `Bucket.dialects` of each parameter's dialect."""
    names = [dialect.name for dialect in bucket.dialects]
    return np.array([names.index(dialect) for dialect, _ in bucket.params], dtype=np.int64)


def positions(bucket: Bucket, exchange: Ints, moment: Ints, *, request: bool | Bools) -> Ints:
    """Positions of requests or responses in the order of rule 1, as integers."""
    rank = np.empty(len(bucket.exchanges), dtype=np.int64)
    rank[np.argsort(bucket.exchanges.id)] = np.arange(len(rank), dtype=np.int64)
    return ((moment * 2 + request) * max(len(rank), 1) + rank[exchange]) * 2


def owners(bucket: Bucket, lineage: Lineage, exchange: Ints, series: Ints) -> Ints:
    """Numbers of the sessions, or senders, that issues in these responses belong to, by parameter.

    A response of no session belongs to the sender's only session, else to the sender.
    """
    params, values = max(len(bucket.params), 1), len(bucket.values)
    param = bucket.series_param[series]
    dialect = dialect_places(bucket)[param]
    session = lineage.of_response[dialect, exchange]
    roots = np.flatnonzero(lineage.of_value == np.arange(values, dtype=np.int64))
    root_series = bucket.values.series[roots]
    width = len(bucket.dialects)
    group = dialect_places(bucket)[bucket.series_param[root_series]]
    group += bucket.series_client[root_series] * width
    count = np.bincount(group, minlength=len(bucket.clients) * width)
    only = np.full(len(count), NOTHING, dtype=np.int64)
    only[group] = roots
    only[count != 1] = NOTHING
    of_sender = only[bucket.series_client[series] * width + dialect]
    session = np.where(session == NOTHING, of_sender, session)
    owner = np.where(session == NOTHING, values * params + series, session * params + param)
    return np.unique(owner, return_inverse=True)[1]


@artifact(needs=(bucket,), stored=True)
def lineage(bucket: Bucket) -> Lineage:
    """The sessions of a bucket."""
    count, width = len(bucket.values), len(bucket.dialects)
    ranks, dialects = key_ranks(bucket), dialect_places(bucket)
    issued = _issued(bucket, ranks, dialects, malformed=False)
    presented = _presented(bucket, ranks, dialects)
    spoilt = _issued(bucket, ranks, dialects, malformed=True)
    spoilt = chosen(spoilt, within(spoilt.place, np.append(issued.place, presented.place)))
    first = np.full(count, FOREVER)
    for each in (issued, presented, spoilt):
        np.minimum.at(first, each.value, each.position)
    of_request = np.full(width * len(bucket.exchanges), NOTHING, dtype=np.int64)
    of_response = of_request.copy()
    for each, known in ((issued, of_response), (presented, of_request)):
        places, leaders = _leaders(each, first)
        known[places] = leaders
    of_response = np.where(of_request != NOTHING, of_request, of_response)
    parent = np.where(first < FOREVER, np.arange(count, dtype=np.int64), NOTHING)
    for each, known in ((spoilt, of_response), (issued, of_response), (presented, of_request)):
        new = first[each.value] == each.position
        parent[each.value[new]] = known[each.place[new]]
    # Each value points to one that appeared before it, or to itself.
    while not np.array_equal(further := np.append(parent, NOTHING)[parent], parent):
        parent = further
    session = np.append(parent, NOTHING)
    shape = (width, len(bucket.exchanges))
    return Lineage(
        parent, first, session[of_request].reshape(shape), session[of_response].reshape(shape)
    )


def _issued(bucket: Bucket, ranks: Ints, dialects: Ints, *, malformed: bool) -> _Appearances:
    issued = bucket.issued
    named = (issued.usage == MALFORMED) == malformed
    if bucket.declared:
        named &= names_session(bucket)[issued.value]
    else:  # elsewhere it says that any of several places will do
        named &= issued.usage != IMPLICIT
    rows = np.flatnonzero(named & (ranks[bucket.series_param[issued.series]] >= 0))
    exchange = issued.exchange[rows]
    moment = bucket.exchanges.response_start[exchange]
    position = positions(bucket, exchange, moment, request=False) + 1
    return _in_order(
        bucket, ranks, dialects, exchange, issued.series[rows], issued.value[rows], position
    )


def _presented(bucket: Bucket, ranks: Ints, dialects: Ints) -> _Appearances:
    presented, exchanges = bucket.presented, bucket.exchanges
    is_key = ranks[bucket.series_param[presented.series]] >= 0
    named = (presented.kind == VALUE) & is_key
    if bucket.declared:
        named &= names_session(bucket)[presented.value]
    rows = np.flatnonzero(named)
    exchange, series = presented.exchange[rows], presented.series[rows]
    at_once = exchanges.response_start[exchange] == exchanges.request_start[exchange]
    moment = exchanges.request_start[exchange]
    position = positions(bucket, exchange, moment, request=~at_once)
    return _in_order(bucket, ranks, dialects, exchange, series, presented.value[rows], position)


def _in_order(
    bucket: Bucket,
    ranks: Ints,
    dialects: Ints,
    exchange: Ints,
    series: Ints,
    value: Ints,
    position: Ints,
) -> _Appearances:
    param = bucket.series_param[series]
    place = dialects[param] * len(bucket.exchanges) + exchange
    key = place * (int(ranks.max(initial=0)) + 1) + ranks[param]
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        place, value, position = place[order], value[order], position[order]
    return _Appearances(place, value, position)


def _leaders(appearances: _Appearances, first: Ints) -> tuple[Ints, Ints]:
    """Of each exchange and dialect the first key that appeared before, else the first key."""
    begins = run_begins(appearances.place)
    starts = np.flatnonzero(begins)
    known = first[appearances.value] < appearances.position
    nth = np.arange(len(known), dtype=np.int64)
    if len(starts):
        earliest = np.minimum.reduceat(np.where(known, nth, len(known)), starts)
        starts = np.where(earliest < len(known), earliest, starts)
    return appearances.place[begins], appearances.value[starts]
