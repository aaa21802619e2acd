"""Verdicts by declarations: what each request did with each value, and which ones it owed.

Enters: a bucket whose dialects declare the lives of their values. Leaves: the rows of its verdicts.
Permission follows the widest reading of a specification, obligation the narrowest that the client
itself has shown (`statetrail.analyses.conformance.declared.obligations`).

The first line that fits decides:

1.  The value was never issued to the client: ``foreign`` where the server alone makes it, else
    ``overridden``.
2.  It had ended (`statetrail.analyses.conformance.declared.lifecycles`), and the client must know
    it: ``stale``, with how it ended. If it was replaced, and the response issues it again, the
    server still accepts it (L3, reason `still-accepted`). Where the values of a client alternate,
    and the server takes them, several users are behind it: ``not-applicable``, reason
    `many-sessions`.
3.  It may have ended, or only may be known: ``in-flight``.
4.  A cookie outside the scope of every issue of its value (RFC 6265bis, section 5.8.3):
    ``misplaced``.
5.  Else ``honoured``.

A request for a new value has no verdict, unless `Param.restart` calls it a fault.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    run_begins,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import DUE, ESTABLISH, IMPLICIT, VALUE, Bucket
from statetrail.analyses.columnar.coding import Words
from statetrail.analyses.columnar.dialect_masks import of_params, server_issued
from statetrail.analyses.conformance import verdict
from statetrail.analyses.conformance.by_session.alternation import alternating_requests
from statetrail.analyses.conformance.declared.declarations import Declarations
from statetrail.analyses.conformance.declared.lifecycles import CAUSES, Lifecycles
from statetrail.analyses.conformance.declared.obligations import owed
from statetrail.analyses.conformance.race import mildest
from statetrail.analyses.conformance.verdict import REASONS, VERDICTS
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.lineage import Lineage, dialect_places, key_ranks
from statetrail.dialects.cookies.retrieval import obligation

_REASONS = tuple(REASONS)
_OUTSIDE = ("domain", "path", "secure")
"""Why no user agent sends a cookie."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows of verdicts: places in the bucket, in `VERDICTS` and in `REASONS`; -1 for none."""

    exchange: Ints
    series: Ints
    value: Ints
    channel: Words
    verdict: Ints
    reason: Ints


def judged(
    bucket: Bucket,
    declared: Declarations,
    lineage: Lineage,
    allowed: Bools,
    grace_us: int,
    *,
    one_jar: bool,
) -> Judged:
    """The verdicts.

    `allowed` says where each parameter may be presented (endpoints, params); `one_jar`: clients are
    told apart by an identity of their own.
    """
    exchanges, presented = bucket.exchanges, bucket.presented
    lifecycles = Lifecycles(bucket, declared, lineage, grace_us, one_jar=one_jar)
    acts = _acts_from(bucket, declared)
    alternating = _alternating(bucket, lifecycles)
    restarts = of_params(bucket, lambda param: param is not None and param.restart == "fault")
    param = bucket.series_param[presented.series]
    asks = (presented.kind == ESTABLISH) & restarts[param]
    row = np.flatnonzero((presented.kind == VALUE) | asks)
    row = row[acts[presented.series[row]] <= exchanges.request_start[presented.exchange[row]]]
    rank, reason = _shown(bucket, declared, lifecycles, alternating, row)
    rank[asks[row]] = VERDICTS.index(verdict.RESTARTED)
    barred = ~allowed[exchanges.endpoint[presented.exchange[row]], param[row]]
    rank[barred] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[barred] = NOTHING
    kept = mildest(presented.exchange[row], presented.series[row], rank)
    row, rank, reason = row[kept], rank[kept], reason[kept]
    exchange, series = owed(bucket, declared, lifecycles, allowed, acts, one_jar=one_jar)
    missing = np.full(len(exchange), VERDICTS.index(verdict.OMITTED))
    why = np.full(len(exchange), NOTHING, dtype=np.int64)
    # Of a jar that is known it is not another one's that is missing.
    several = alternating[series] & (lifecycles.jars.sending(series, exchange) == NOTHING)
    if not one_jar:
        several |= _of_guests(bucket, lineage, exchange, series)
    missing[several] = VERDICTS.index(verdict.NOT_APPLICABLE)
    why[several] = _REASONS.index(verdict.MANY_SESSIONS)
    none = np.full(len(exchange), NOTHING, dtype=np.int64)
    all_exchanges = np.append(presented.exchange[row], exchange)
    rank, reason = np.append(rank, missing), np.append(reason, why)
    unsure = exchanges.backwards[all_exchanges] & np.isin(
        rank, [VERDICTS.index(name) for name in verdict.FAULTS]
    )
    rank[unsure] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[unsure] = _REASONS.index(verdict.CLOCK_SET_BACK)
    return Judged(
        all_exchanges,
        np.append(presented.series[row], series),
        np.append(presented.value[row], none),
        np.append(presented.channel[row], none.astype(np.int8) + np.int8(IMPLICIT + 1)),
        rank,
        reason,
    )


def _of_guests(bucket: Bucket, lineage: Lineage, exchange: Ints, series: Ints) -> Bools:
    """Whether requests with and without a declared session key alternate at the endpoint (L4)."""
    param = bucket.series_param[series]
    named = np.array([bool(d.session_keys) for d in bucket.dialects], dtype=np.bool_)
    dialect = dialect_places(bucket)[param]
    pair = dialect * len(bucket.exchanges) + exchange
    key = named[dialect] & (key_ranks(bucket) >= 0)[param]
    guests: Bools = key & within(pair, alternating_requests(bucket, lineage, pair[key]))
    return guests


def _shown(
    bucket: Bucket, declared: Declarations, lifecycles: Lifecycles, alternating: Bools, row: Ints
) -> tuple[Ints, Ints]:
    """The verdicts and reasons of rows of `Bucket.presented`."""
    presented, exchanges = bucket.presented, bucket.exchanges
    value, series = presented.value[row], presented.series[row]
    moment = exchanges.request_start[presented.exchange[row]]
    rank = np.full(len(row), VERDICTS.index(verdict.HONOURED))
    reason = np.full(len(row), NOTHING, dtype=np.int64)
    http_only = np.zeros(len(bucket.series_client), dtype=np.bool_)
    hidden = np.array([each.http_only for each in (*declared.cookies,)] + [False], dtype=np.bool_)
    http_only[bucket.issued.series[hidden[declared.cookie]]] = True
    unknown = lifecycles.issued(value, moment) == NOTHING
    made = server_issued(bucket)[bucket.series_param[series]] | http_only[series]
    rank[unknown & made] = VERDICTS.index(verdict.FOREIGN)
    rank[unknown & ~made] = VERDICTS.index(verdict.OVERRIDDEN)
    surely, maybe = (
        lifecycles.dead(value, presented.exchange[row], moment, surely=which)
        for which in (True, False)
    )
    in_flight = ~unknown & ((maybe != NOTHING) | ~lifecycles.must_be_known(value, moment))
    rank[in_flight] = VERDICTS.index(verdict.IN_FLIGHT)
    stale = ~unknown & (surely != NOTHING)
    rank[stale] = VERDICTS.index(verdict.STALE)
    reason[stale] = np.array([_REASONS.index(cause) for cause in CAUSES])[surely[stale]]
    again = stale & (surely == CAUSES.index(verdict.SUPERSEDED))
    again &= _answered_with_itself(bucket, lifecycles, row)
    reason[again] = _REASONS.index(verdict.STILL_ACCEPTED)
    differs = ~unknown & _not_due(bucket, row)
    rank[differs] = VERDICTS.index(verdict.STALE)
    reason[differs] = _REASONS.index(verdict.SUPERSEDED)
    by_client = _by_client(bucket)[bucket.series_param[series]]
    several = stale & alternating[series] & by_client
    several &= reason == _REASONS.index(verdict.SUPERSEDED)
    rank[several] = VERDICTS.index(verdict.NOT_APPLICABLE)
    reason[several] = _REASONS.index(verdict.MANY_SESSIONS)
    honoured = np.flatnonzero(rank == VERDICTS.index(verdict.HONOURED))
    outside = _outside(
        bucket, declared, lifecycles, value[honoured], presented.exchange[row[honoured]]
    )
    rank[honoured[outside]] = VERDICTS.index(verdict.MISPLACED)
    return rank, reason


def _answered_with_itself(bucket: Bucket, lifecycles: Lifecycles, row: Ints) -> Bools:
    """Whether each response issues again what its request presents: the server accepts it (L3)."""
    issued, presented, count = bucket.issued, bucket.presented, max(len(bucket.values), 1)
    issue = lifecycles.issue[lifecycles.binding[lifecycles.issue]]
    again = unique(issued.exchange[issue] * count + issued.value[issue])
    keys = presented.exchange[row] * count + presented.value[row]
    answered: Bools = among(again, keys) != NOTHING
    return answered


def _not_due(bucket: Bucket, row: Ints) -> Bools:
    """Whether the request's own cookie says that another value is due (`Param.follows`)."""
    presented, count = bucket.presented, max(len(bucket.series_client), 1)
    says = np.flatnonzero(presented.kind == DUE)
    if not len(says):
        return np.zeros(len(row), dtype=np.bool_)
    key = presented.exchange * count + presented.series
    stated = within(key[row], key[says])
    # A value is another number in each series, so that it says the series, too.
    width = max(len(bucket.values), 1)
    same = np.isin(
        presented.exchange[row] * width + presented.value[row],
        presented.exchange[says] * width + presented.value[says],
    )
    return stated & ~same


def _by_client(bucket: Bucket) -> Bools:
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    modes = [dialects[dialect].supersedes(param) == "client" for dialect, param in bucket.params]
    by_client: Bools = np.array(modes, dtype=np.bool_)
    return by_client


def _acts_from(bucket: Bucket, declared: Declarations) -> Ints:
    """From when on the dialect of each series acts for its client; `FOREVER`: never.

    A dialect whose scope names no paths acts from its first issue at a place that tells.
    """
    exchanges, issued = bucket.exchanges, bucket.issued
    scoped = np.array(
        [
            bool(next(d for d in bucket.dialects if d.name == dialect).scope.paths)
            for dialect, _ in bucket.params
        ],
        dtype=np.bool_,
    )
    names = [dialect.name for dialect in bucket.dialects]
    of = np.array([names.index(dialect) for dialect, _ in bucket.params], dtype=np.int64)
    width = max(len(names), 1)
    first = np.full(len(bucket.clients) * width, FOREVER)
    telling = np.flatnonzero(declared.tells | scoped[bucket.series_param[issued.series]])
    series = issued.series[telling]
    group = bucket.series_client[series] * width + of[bucket.series_param[series]]
    np.minimum.at(first, group, exchanges.response_start[issued.exchange[telling]])
    acts: Ints = first[bucket.series_client * width + of[bucket.series_param]]
    return acts


def _alternating(bucket: Bucket, lifecycles: Lifecycles) -> Bools:
    """The series whose values are presented, and taken, in turn: several jars are behind them."""
    presented, count = bucket.presented, len(bucket.values)
    row = np.flatnonzero(presented.kind == VALUE)
    row = row[lifecycles.taken(row)]
    moment = bucket.exchanges.request_start[presented.exchange[row]]
    row = row[np.lexsort((moment, presented.series[row]))]
    series, value = presented.series[row], presented.value[row]
    begins = run_begins(series) | run_begins(value)
    alternating = np.zeros(len(bucket.series_client), dtype=np.bool_)
    if count and len(row):
        runs = np.bincount(value[begins], minlength=count)
        alternating[bucket.values.series[runs > 1]] = True
    return alternating


def _outside(
    bucket: Bucket, declared: Declarations, lifecycles: Lifecycles, value: Ints, exchange: Ints
) -> Bools:
    """Whether each request is outside the scope of every cookie that issued its value."""
    outside = np.zeros(len(value), dtype=np.bool_)
    issue = lifecycles.issue[declared.cookie[lifecycles.issue] != NOTHING]
    if not len(issue) or not len(value):
        return outside
    width = len(declared.cookies)
    known = unique(bucket.issued.value[issue] * width + declared.cookie[issue])
    # Values that were issued in other places than cookies, too, may be presented anywhere.
    elsewhere = np.zeros(len(bucket.values), dtype=np.bool_)
    elsewhere[
        bucket.issued.value[lifecycles.issue[declared.cookie[lifecycles.issue] == NOTHING]]
    ] = True
    begins = np.searchsorted(known // width, value)
    times = np.searchsorted(known // width, value, "right") - begins
    row = np.repeat(np.arange(len(value)), times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    cookie, context = known[begins[row] + nth] % width, declared.context[exchange[row]]
    pairs, place = np.unique(context * width + cookie, return_inverse=True)
    inside = np.array(
        [
            obligation(declared.cookies[pair % width], declared.contexts[pair // width]).reason
            not in _OUTSIDE
            for pair in pairs.tolist()
        ],
        dtype=np.bool_,
    )[place]
    fits = np.zeros(len(value), dtype=np.bool_)
    np.logical_or.at(fits, row, inside)
    outside = (times > 0) & ~fits & ~elsewhere[value]
    return outside  # noqa: RET504 - typed above
