"""What a faulty request should have presented, and what had kept it from its client.

Enters: a bucket, its history, and the faults in question. Leaves: for each fault what stood between
its client and the newest value that the client must have known (R2).

A value may be issued, replaced and issued again. What had become of it before it was replaced says
nothing of now: only its current *run* counts, the issues since the last one of another value.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.causes.delivery import delivery
from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, ordered, run_begins
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket
from statetrail.analyses.columnar.dialect_masks import mount
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details
from statetrail.analyses.events.history import History


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What stood between each fault and the value that it should have presented.

    Attributes
    ----------
    obstacle
        A place in `OBSTACLES`; -1 where nothing was to be presented, where one of the value's
        issues had no obstacle, or where the client has presented it since.
    other_path
        It was issued only under another path in front of the API.
    malformed
        A malformed issue of the parameter came with or after it.
    """

    obstacle: Ints
    other_path: Bools
    malformed: Bools


@dataclass(frozen=True, slots=True)
class _Issues:
    """The well-formed issues in order of (series, start of the response, exchange id, value).

    `run`: when the run of equal values that each belongs to began.
    """

    exchange: Ints
    value: Ints
    series: Ints
    run: Ints


def hindrances(
    bucket: Bucket, history: History, details: Details, exchange: Ints, series: Ints
) -> Hindrance:
    """What stood between these requests and the newest values of these series."""
    exchanges, issues = bucket.exchanges, _issues(bucket, history)
    newest = _newest(bucket, issues, exchanges.request_start[exchange], series)
    known = np.flatnonzero(newest >= 0)
    newest, request_start = newest[known], exchanges.request_start[exchange[known]]
    value = issues.value[newest]
    expected = np.zeros(len(bucket.values), dtype=np.bool_)
    expected[value] = True
    own = np.flatnonzero(expected[issues.value])
    place = np.full(len(issues.exchange), NOTHING, dtype=np.int64)
    place[own] = delivery(bucket, details, issues.exchange[own], issues.value[own])
    clear = own[place[own] == NOTHING]
    arrival = np.maximum(
        _readable(bucket, issues, clear, value, request_start),
        _presented(bucket, history, expected, value, request_start),
    )
    hindrance = Hindrance(
        np.full(len(exchange), NOTHING, dtype=np.int64),
        *np.zeros((2, len(exchange)), dtype=np.bool_),
    )
    hindrance.obstacle[known] = np.where(arrival < issues.run[newest], place[newest], NOTHING)
    hindrance.other_path[known] = _other_path(bucket, issues, own, newest, exchange[known])
    malformed = _malformed(bucket, series[known], request_start)
    hindrance.malformed[known] = malformed >= exchanges.response_start[issues.exchange[newest]]
    return hindrance


def _newest(bucket: Bucket, issues: _Issues, request_start: Ints, series: Ints) -> Ints:
    """Of the issues that must be known (R2), the place of the one that began last; -1: none."""
    exchanges = bucket.exchanges
    whole = np.flatnonzero(exchanges.clock[exchanges.response_end[issues.exchange]] < FOREVER)
    span = max(exchanges.span, len(issues.exchange) + 1)
    index = AsOfIndex(issues.series[whole], exchanges.visible_from[issues.exchange[whole]], span)
    return index.maxima(whole)[index.at(series, request_start, inclusive=False)]


def _readable(
    bucket: Bucket, issues: _Issues, clear: Ints, value: Ints, request_start: Ints
) -> Ints:
    """When the value was last issued without an obstacle, of the issues that must be known."""
    exchanges, exchange = bucket.exchanges, issues.exchange[clear]
    clear, exchange = (
        each[exchanges.clock[exchanges.response_end[exchange]] < FOREVER]
        for each in (clear, exchange)
    )
    index = AsOfIndex(issues.value[clear], exchanges.visible_from[exchange], exchanges.span)
    return index.maxima(exchanges.response_start[exchange])[
        index.at(value, request_start, inclusive=False)
    ]


def _presented(
    bucket: Bucket, history: History, expected: Bools, value: Ints, request_start: Ints
) -> Ints:
    """When the client had last presented the value: it had it then, whatever it came by."""
    use = np.flatnonzero(expected[history.uses.value])
    moment = bucket.exchanges.request_start[history.uses.exchange[use]]
    index = AsOfIndex(history.uses.value[use], moment, bucket.exchanges.span)
    return index.maxima(moment)[index.at(value, request_start, inclusive=False)]


def _other_path(bucket: Bucket, issues: _Issues, own: Ints, newest: Ints, exchange: Ints) -> Bools:
    """Whether the value was issued only under another path in front of the API."""
    exchanges = bucket.exchanges
    mounts = mount(bucket)
    param = bucket.series_param[issues.series]
    at = mounts[exchanges.endpoint[issues.exchange], param]
    here = mounts[exchanges.endpoint[exchange], param[newest]]
    moved = (here >= 0) & (at[newest] >= 0) & (here != at[newest])
    placed = own[at[own] >= 0]
    width = int(mounts.max(initial=0)) + 1
    response_start = exchanges.response_start[issues.exchange[placed]]
    index = AsOfIndex(issues.value[placed] * width + at[placed], response_start, exchanges.span)
    same = index.at(issues.value[newest] * width + here, exchanges.request_start[exchange])
    elsewhere: Bools = moved & (same == NOTHING)
    return elsewhere


def _malformed(bucket: Bucket, series: Ints, request_start: Ints) -> Ints:
    """When the last malformed issue that may be known had response_end.

    As with values (R3), what began later replaces it only if it began after that. One that was cut
    short counts from its beginning.
    """
    exchanges, issued = bucket.exchanges, bucket.issued
    issue = np.flatnonzero(issued.usage == MALFORMED)
    exchange = issued.exchange[issue]
    response_start, response_end = (
        exchanges.response_start[exchange],
        exchanges.response_end[exchange],
    )
    until = np.where(exchanges.clock[response_end] < FOREVER, response_end, response_start)
    index = AsOfIndex(issued.series[issue], response_start, exchanges.span)
    return index.maxima(until)[index.at(series, request_start)]


def _issues(bucket: Bucket, history: History) -> _Issues:
    issues, exchanges = history.issues, bucket.exchanges
    response_start = exchanges.response_start[issues.exchange]
    order = ordered(
        issues.series * exchanges.span + response_start,
        exchanges.id[issues.exchange],
        bucket.values.fingerprint[issues.value],
    )
    value, response_start = issues.value[order], response_start[order]
    run = np.maximum.accumulate(np.where(run_begins(value), np.arange(len(value)), 0))
    return _Issues(issues.exchange[order], value, issues.series[order], response_start[run])
