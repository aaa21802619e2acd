"""What a faulty request should have presented, and what had kept it from its client.

Enters: a bucket, its history, and the faults in question. Leaves: for each fault what stood between
its client and the newest value that the client must have known (R2).

A value may be issued, replaced and issued again. What had become of it before it was replaced says
nothing of now: only its current *run* counts, the issues since the last one of another value.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.causes.delivery import obstacles
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
    due = np.flatnonzero(newest >= 0)
    newest, asked = newest[due], exchanges.request_start[exchange[due]]
    value = issues.value[newest]
    wanted = np.zeros(len(bucket.values), dtype=np.bool_)
    wanted[value] = True
    issues_of = np.flatnonzero(wanted[issues.value])
    place = np.full(len(issues.exchange), NOTHING, dtype=np.int64)
    place[issues_of] = obstacles(
        bucket, details, issues.exchange[issues_of], issues.value[issues_of]
    )
    clear = issues_of[place[issues_of] == NOTHING]
    had = np.maximum(
        _readable(bucket, issues, clear, value, asked),
        _presented(bucket, history, wanted, value, asked),
    )
    found = Hindrance(
        np.full(len(exchange), NOTHING, dtype=np.int64),
        np.zeros(len(exchange), dtype=np.bool_),
        np.zeros(len(exchange), dtype=np.bool_),
    )
    found.obstacle[due] = np.where(had < issues.run[newest], place[newest], NOTHING)
    found.other_path[due] = _other_path(bucket, issues, issues_of, newest, exchange[due])
    begun = exchanges.response_start[issues.exchange[newest]]
    found.malformed[due] = _malformed(bucket, series[due], asked) >= begun
    return found


def _newest(bucket: Bucket, issues: _Issues, asked: Ints, series: Ints) -> Ints:
    """Of the issues that must be known (R2), the place of the one that began last; -1: none."""
    exchanges = bucket.exchanges
    whole = np.flatnonzero(exchanges.clock[exchanges.response_end[issues.exchange]] < FOREVER)
    span = max(exchanges.span, len(issues.exchange) + 1)
    index = AsOfIndex(issues.series[whole], exchanges.visible_from[issues.exchange[whole]], span)
    return index.maxima(whole)[index.at(series, asked, inclusive=False)]


def _readable(bucket: Bucket, issues: _Issues, clear: Ints, value: Ints, asked: Ints) -> Ints:
    """When the value was last issued without an obstacle, of the issues that must be known."""
    exchanges, exchange = bucket.exchanges, issues.exchange[clear]
    clear, exchange = (
        each[exchanges.clock[exchanges.response_end[exchange]] < FOREVER]
        for each in (clear, exchange)
    )
    index = AsOfIndex(issues.value[clear], exchanges.visible_from[exchange], exchanges.span)
    return index.maxima(exchanges.response_start[exchange])[index.at(value, asked, inclusive=False)]


def _presented(bucket: Bucket, history: History, wanted: Bools, value: Ints, asked: Ints) -> Ints:
    """When the client had last presented the value: it had it then, whatever it came by."""
    use = np.flatnonzero(wanted[history.uses.value])
    moment = bucket.exchanges.request_start[history.uses.exchange[use]]
    index = AsOfIndex(history.uses.value[use], moment, bucket.exchanges.span)
    return index.maxima(moment)[index.at(value, asked, inclusive=False)]


def _other_path(
    bucket: Bucket, issues: _Issues, issues_of: Ints, newest: Ints, exchange: Ints
) -> Bools:
    """Whether the value was issued only under another path in front of the API."""
    exchanges = bucket.exchanges
    mounts = mount(bucket)
    param = bucket.series_param[issues.series]
    at = mounts[exchanges.endpoint[issues.exchange], param]
    here = mounts[exchanges.endpoint[exchange], param[newest]]
    moved = (here >= 0) & (at[newest] >= 0) & (here != at[newest])
    placed = issues_of[at[issues_of] >= 0]
    width = int(mounts.max(initial=0)) + 1
    begun = exchanges.response_start[issues.exchange[placed]]
    index = AsOfIndex(issues.value[placed] * width + at[placed], begun, exchanges.span)
    same = index.at(issues.value[newest] * width + here, exchanges.request_start[exchange])
    elsewhere: Bools = moved & (same == NOTHING)
    return elsewhere


def _malformed(bucket: Bucket, series: Ints, asked: Ints) -> Ints:
    """When the last malformed issue that may be known had ended.

    As with values (R3), what began later replaces it only if it began after that. One that was cut
    short counts from its beginning.
    """
    exchanges, issued = bucket.exchanges, bucket.issued
    issue = np.flatnonzero(issued.usage == MALFORMED)
    exchange = issued.exchange[issue]
    begun, ended = exchanges.response_start[exchange], exchanges.response_end[exchange]
    until = np.where(exchanges.clock[ended] < FOREVER, ended, begun)
    index = AsOfIndex(issued.series[issue], begun, exchanges.span)
    return index.maxima(until)[index.at(series, asked)]


def _issues(bucket: Bucket, history: History) -> _Issues:
    issues, exchanges = history.issues, bucket.exchanges
    begun = exchanges.response_start[issues.exchange]
    order = ordered(
        issues.series * exchanges.span + begun,
        exchanges.id[issues.exchange],
        bucket.values.fingerprint[issues.value],
    )
    value, begun = issues.value[order], begun[order]
    run = np.maximum.accumulate(np.where(run_begins(value), np.arange(len(value)), 0))
    return _Issues(issues.exchange[order], value, issues.series[order], begun[run])
