"""Owners: whose issues judge each request, its session's or its sender's.

Enters: a bucket and its sessions. Leaves: `Owners`, and the rows to judge: what was presented, and
what was not.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, distinct, numbered
from statetrail.analyses.columnar.bucket import EMPTY, HIDDEN, IMPLICIT, MALFORMED, Bucket
from statetrail.analyses.columnar.dialect_masks import server_issued
from statetrail.analyses.conformance import race
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import Lineage, dialect_places


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose issues judge each request, by dialect: its session's, else its sender's.

    Attributes
    ----------
    issues
        The issues by the series of these owners.
    of_request
        Shape (dialects, exchanges): the owner; -1 where no other parameter than the key is judged.
    series_owner, series_param
        Of each series; the first ones are those of the bucket.
    series, value
        Of each row of `Bucket.presented`; the series is -1 where its owner has none.
    """

    issues: race.Issues
    of_request: Ints
    series_owner: Ints
    series_param: Ints
    series: Ints
    value: Ints


@dataclass(frozen=True, slots=True)
class Absent:
    """Requests that present nothing of a series."""

    exchange: Ints
    series: Ints


def owners_of(bucket: Bucket, lineage: Lineage, session: Ints) -> Owners:
    """The owners of a bucket's series: its senders, and its sessions where these are needed."""
    issued, presented, exchanges = bucket.issued, bucket.presented, bucket.exchanges
    dialect, width = dialect_places(bucket), len(bucket.dialects)
    count = len(bucket.series_client)
    # Where the only parameter is the key, a request that presents it has no other to present.
    several = np.array([len(each.params) > 1 for each in bucket.dialects], dtype=np.bool_)
    param = bucket.series_param[issued.series]
    of_issue = lineage.of_response[dialect[param], issued.exchange]
    row = np.flatnonzero((of_issue >= 0) & several[dialect[param]])
    use = np.flatnonzero((session >= 0) & several[dialect[bucket.series_param[presented.series]]])
    params = max(len(bucket.params), 1)
    keys = of_issue[row] * params + param[row]
    own, place = distinct(keys, len(bucket.values) * params)
    wanted = session[use] * params + bucket.series_param[presented.series[use]]
    series, value = presented.series.copy(), presented.value.copy()
    series[session >= 0] = NOTHING
    found = among(own, wanted)
    series[use] = np.where(found >= 0, found + count, NOTHING)
    # A value of one session is not that value of another.
    numbers_, _ = numbered(
        np.append(of_issue[row], session[use]),
        np.append(issued.value[row], presented.value[use]),
    )
    numbers_ += len(bucket.values)
    value[use] = numbers_[len(row) :]
    malformed = issued.usage == MALFORMED
    usage = np.where(issued.sound, issued.usage, np.int8(MALFORMED))
    issues = race.Issues(
        np.concatenate([issued.exchange, issued.exchange[row]]),
        np.concatenate([issued.value, numbers_[: len(row)]]),
        np.concatenate([issued.series, place + count]),
        np.concatenate([usage, usage[row]]),
        np.concatenate([issued.informational, issued.informational[row]]),
        np.concatenate([malformed, malformed[row]]),
    )
    senders = len(bucket.clients) * width
    senders_of = exchanges.client * width + np.arange(width, dtype=np.int64)[:, None]
    of_session = np.where(several[:, None], senders + lineage.of_request, NOTHING)
    return Owners(
        issues,
        np.where(lineage.of_request >= 0, of_session, senders_of),
        np.concatenate(
            [
                bucket.series_client * width + dialect[bucket.series_param],
                senders + own // params,
            ]
        ),
        np.concatenate([bucket.series_param, own % params]),
        series,
        value,
    )


def first_issues(bucket: Bucket, owners: Owners) -> Ints:
    """When the first sound issue of each series began; `FOREVER` where there is none."""
    issues = owners.issues
    sound = issues.usage != MALFORMED
    first = np.full(len(owners.series_owner), FOREVER)
    response_start = bucket.exchanges.response_start[issues.exchange[sound]]
    np.minimum.at(first, issues.series[sound], response_start)
    return first


def absent(bucket: Bucket, owners: Owners, first: Ints, dialect: Ints) -> Absent:
    """The requests that present nothing of a series issued before: their places and the series."""
    exchanges, presented = bucket.exchanges, bucket.presented
    sound = np.flatnonzero(first < FOREVER)
    sound = sound[np.argsort(owners.series_owner[sound], kind="stable")]
    by_owner = owners.series_owner[sound]
    # A row for each request and each sound series of its owner, dialect by dialect.
    owner = owners.of_request.ravel()
    start = np.searchsorted(by_owner, owner)
    times = np.searchsorted(by_owner, owner, "right") - start
    row = np.cumsum(times) - times - start
    pair = np.repeat(np.arange(len(owner), dtype=np.int64), times)
    series = sound[np.arange(len(pair), dtype=np.int64) - row[pair]]
    exchange = pair % max(len(exchanges), 1)
    missing = first[series] <= exchanges.request_start[exchange]
    nth = np.full(len(first) + 1, NOTHING, dtype=np.int64)
    nth[sound] = np.arange(len(sound), dtype=np.int64)
    shown = np.flatnonzero(nth[owners.series] >= 0)
    of = dialect[bucket.series_param[presented.series[shown]]]
    places = of * len(exchanges) + presented.exchange[shown]
    missing[row[places] + nth[owners.series[shown]]] = False
    absent = np.flatnonzero(missing)
    return Absent(exchange[absent], series[absent])


def rows_to_judge(
    bucket: Bucket, owners: Owners, shown: Ints, absent: Absent, bound: Bools
) -> race.Rows:
    """The rows to judge: what was presented, then what was not."""
    presented, exchanges = bucket.presented, bucket.exchanges
    none = np.zeros(len(absent.exchange), dtype=np.int8)
    exchange = np.append(presented.exchange[shown], absent.exchange)
    param = np.append(
        bucket.series_param[presented.series[shown]], owners.series_param[absent.series]
    )
    kind = np.append(presented.kind[shown], none + np.int8(EMPTY))
    return race.Rows(
        exchange,
        np.append(owners.series[shown], absent.series),
        np.append(owners.value[shown], none.astype(np.int64) + NOTHING),
        np.append(presented.channel[shown], none + np.int8(IMPLICIT)),
        kind,
        server_issued(bucket)[param],
        # What a sanitiser has replaced, nobody can judge.
        bound[exchanges.endpoint[exchange], param] & exchanges.open[exchange] & (kind != HIDDEN),
    )


def sender_series(bucket: Bucket, exchange: Ints, param: Ints) -> Ints:
    """The series of each request's sender and a parameter."""
    width = max(len(bucket.params), 1)
    keys = bucket.series_client * width + bucket.series_param
    return among(keys, bucket.exchanges.client[exchange] * width + param)
