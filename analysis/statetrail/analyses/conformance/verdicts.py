"""Verdicts: what each request did with each state parameter that had been issued before.

Enters: the facts of a recording. Leaves: one row per request and parameter (table `verdicts`).

The race rule
-------------
A verdict against a client holds under every order of events that fits what the proxy saw. For a
request that starts at ``s``:

R1  An issue *may* be known once its response has begun: ``begun <= s``.
R2  It *must* be known once its response has ended and the grace period has passed:
    ``ended + grace < s``. A response that never ended (cut short) never has to be known.
R3  Issue *j* supersedes *i* only if j's response began after i's had ended: ``begun_j > ended_i``.
    Else they are concurrent, and either value may be presented.

So, with ``M`` the latest ``begun`` of the issues that must be known, an issue is *current* while
``ended >= M``; and the value p is stale exactly when ``M`` lies after the latest ``ended`` of the
issues of p that may be known. These are running maxima over events sorted by time. A tie always
counts for the client.

Which verdict follows is decided by `statetrail.analyses.conformance.verdict.DECISIONS`.
"""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, chosen
from statetrail.analyses.columnar.bucket import (
    EMPTY,
    ESTABLISH,
    IMPLICIT,
    MALFORMED,
    VALUE,
    Bucket,
    bucket,
)
from statetrail.analyses.columnar.coding import Words
from statetrail.analyses.columnar.dialect_masks import Place, bound, issuing_places, server_issued
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, table, words
from statetrail.analyses.conformance import tables, verdict
from statetrail.analyses.conformance.verdict import DECISIONS, VERDICTS, Situation
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be judged: a row per request, parameter and value; -1 for no value."""

    exchange: Ints
    series: Ints
    value: Ints
    channel: Words
    kind: Words


@dataclass(frozen=True, slots=True)
class Judgements:
    """The verdicts on the requests of a bucket, one row per request and series.

    `exchange`, `series` and `value` are places in the bucket (`value` -1: none was presented),
    `channel` one in `Bucket.channels`, `verdict` one in `VERDICTS`.
    """

    exchange: Ints
    series: Ints
    value: Ints
    channel: Words
    verdict: Ints


@dataclass(frozen=True, slots=True)
class _Binding:
    """The issues that will have to be known, and these by series and the moment of that."""

    issue: Ints
    index: AsOfIndex


@artifact(needs=(bucket, issuing_places))
def judgements(bucket: Bucket, issuing: frozenset[Place]) -> Judgements:
    """The verdicts on the requests of a bucket."""
    request_start, presented = bucket.exchanges.request_start, bucket.presented
    first = _first(bucket)
    known = first[presented.series] <= request_start[presented.exchange]
    # Tokens that no issue before them explains.
    alien = ~known & (presented.kind == VALUE)
    alien &= server_issued(bucket)[bucket.series_param[presented.series]]
    shown = np.flatnonzero(known | alien)
    absent_exchange, absent_series = _absent(bucket, first)
    nothing = np.full(len(absent_exchange), NOTHING)
    none = np.zeros(len(absent_exchange), dtype=np.int8)
    rows = _Rows(
        np.concatenate([presented.exchange[shown], absent_exchange]),
        np.concatenate([presented.series[shown], absent_series]),
        np.concatenate([presented.value[shown], nothing]),
        np.concatenate([presented.channel[shown], none + np.int8(IMPLICIT)]),
        np.concatenate([presented.kind[shown], none + np.int8(EMPTY)]),
    )
    exchange, series = rows.exchange, rows.series
    binds = bound(bucket, issuing)[bucket.exchanges.endpoint[exchange], bucket.series_param[series]]
    binds &= bucket.exchanges.open[exchange]
    rank = np.full(len(exchange), VERDICTS.index(verdict.HONOURED))
    binding = _binding(bucket)
    rest = ~(binds & _obeys_newest(bucket, binding, rows))
    rank[rest] = _ranks(bucket, binding, binds[rest], chosen(rows, rest))
    unexplained = np.flatnonzero(alien[shown])
    rank[unexplained] = np.where(
        binds[unexplained],
        VERDICTS.index(verdict.FOREIGN),
        VERDICTS.index(verdict.NOT_APPLICABLE),
    )
    kept = np.append(
        _mildest(exchange[: len(shown)], series[: len(shown)], rank[: len(shown)]),
        np.arange(len(shown), len(exchange)),
    )
    return Judgements(
        exchange[kept], series[kept], rows.value[kept], rows.channel[kept], rank[kept]
    )


@analysis(tables.VERDICTS, needs=(bucket, judgements))
def verdicts(bucket: Bucket, judged: Judgements) -> pa.Table:
    """The verdict on what each request did with each parameter that had been issued before.

    Returns
    -------
    Frame
        `statetrail.analyses.conformance.tables.VERDICTS`.
    """
    exchanges, exchange, value = bucket.exchanges, judged.exchange, judged.value
    present = value != NOTHING
    return table(
        tables.VERDICTS,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, judged.series),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "verdict": words(judged.verdict, VERDICTS),
            "fingerprint": numbers(bucket.values.fingerprint[value], present),
            "channel": words(judged.channel, bucket.channels, present=present),
        },
    )


@artifact(needs=(verdicts,), scope="whole")
def verdict_counts(rec: Recording, judged: Frame) -> Lazy:
    """How often each verdict fell on each parameter of each client, computed once.

    Returns
    -------
    Lazy
        ``client``, ``origin``, ``dialect``, ``param``, ``verdict``, ``times``, and ``exchange_id``
        and ``request_start_us``, the least of each.
    """
    counted = judged.lazy.group_by("client", "origin", "dialect", "param", "verdict").agg(
        times=nw.len(),
        exchange_id=nw.col("exchange_id").min(),
        request_start_us=nw.col("request_start_us").min(),
    )
    return rec.keep(counted)


def _first(bucket: Bucket) -> Ints:
    """When the first readable issue of each series began; `FOREVER` where there is none."""
    issued = bucket.issued
    readable = issued.usage != MALFORMED
    first = np.full(len(bucket.series_client), FOREVER)
    response_start = bucket.exchanges.response_start[issued.exchange[readable]]
    np.minimum.at(first, issued.series[readable], response_start)
    return first


def _absent(bucket: Bucket, first: Ints) -> tuple[Ints, Ints]:
    """The requests that present nothing of a series issued before: their places and the series."""
    exchanges, presented = bucket.exchanges, bucket.presented
    sound = np.flatnonzero(first < FOREVER)
    of_client = np.bincount(bucket.series_client[sound], minlength=len(bucket.clients))
    start = np.cumsum(of_client) - of_client
    # A row for each request and each sound series of its client.
    times = of_client[exchanges.client]
    row = np.cumsum(times) - times - start[exchanges.client]
    exchange = np.repeat(np.arange(len(exchanges), dtype=np.int64), times)
    series = sound[np.arange(len(exchange), dtype=np.int64) - row[exchange]]
    missing = first[series] <= exchanges.request_start[exchange]
    nth = np.full(len(first), NOTHING, dtype=np.int64)
    nth[sound] = np.arange(len(sound), dtype=np.int64)
    shown = np.flatnonzero(nth[presented.series] >= 0)
    missing[row[presented.exchange[shown]] + nth[presented.series[shown]]] = False
    absent = np.flatnonzero(missing)
    return exchange[absent], series[absent]


def _binding(bucket: Bucket) -> _Binding:
    exchanges, issued = bucket.exchanges, bucket.issued
    whole = exchanges.clock[exchanges.response_end] < FOREVER
    issue = np.flatnonzero((issued.usage != MALFORMED) & whole[issued.exchange])
    visible_from = exchanges.visible_from[issued.exchange[issue]]
    return _Binding(issue, AsOfIndex(issued.series[issue], visible_from, exchanges.span))


def _obeys_newest(bucket: Bucket, binding: _Binding, rows: _Rows) -> Bools:
    """Rows that present the value that has to be known last, in the channel that this issue names.

    With i that issue, by R2: every other issue j that must be known ended no later, and so began no
    later than i ended. Hence i is current, whatever else there is, and V9 says ``honoured``.
    """
    issued, request_start = bucket.issued, bucket.exchanges.request_start[rows.exchange]
    place = binding.index.last(rows.series, request_start, inclusive=False)
    newest = np.append(binding.issue, NOTHING)[place]
    known = np.append(issued.value, NOTHING)[newest]
    usage = np.append(issued.usage, np.int8(MALFORMED))[newest]
    placed = (rows.channel == usage) & (usage >= 0)
    obeys: Bools = (newest != NOTHING) & (rows.kind == VALUE) & (known == rows.value) & placed
    return obeys


def _ranks(bucket: Bucket, binding: _Binding, binds: Bools, rows: _Rows) -> Ints:
    """The verdict of each row by `DECISIONS`, as its place in `VERDICTS`."""
    series, value, channel, kind = rows.series, rows.value, rows.channel, rows.kind
    exchanges, issued = bucket.exchanges, bucket.issued
    response_start = exchanges.response_start[issued.exchange]
    response_end = exchanges.response_end[issued.exchange]
    request_start, span = exchanges.request_start[rows.exchange], exchanges.span
    every = np.arange(len(issued))
    # R2, of the series and of the value; few values are asked for.
    place = binding.index.at(series, request_start, inclusive=False)
    since = binding.index.maxima(response_start[binding.issue])[place]
    wanted = np.zeros(len(bucket.values) + 1, dtype=np.bool_)
    wanted[value] = True
    own, whole = (issues[wanted[issued.value[issues]]] for issues in (every, binding.issue))
    index = AsOfIndex(issued.value[whole], exchanges.visible_from[issued.exchange[whole]], span)
    place = index.at(value, request_start, inclusive=False)
    value_must = index.maxima(response_end[whole])[place]

    def latest(index: AsOfIndex, place: Ints, issues: Ints, which: Bools) -> Ints:
        """The latest end of those of the issues that may be known (R1)."""
        return index.maxima(np.where(which[issues], response_end[issues], NOTHING))[place]

    index = AsOfIndex(issued.series, response_start, span)
    place = index.at(series, request_start)
    names_channel, implicit, informational = (
        latest(index, place, every, which)
        for which in (
            issued.usage >= 0,
            issued.usage == IMPLICIT,
            issued.informational & (issued.usage != MALFORMED),
        )
    )
    index = AsOfIndex(issued.value[own], response_start[own], span)
    place = index.at(value, request_start)
    value_may = latest(index, place, own, issued.usage >= MALFORMED)
    # A value from a malformed header has no channel that would be wrong, and one that is implicit
    # in one of two concurrent issues is not held against the client either.
    in_channel = np.zeros(len(value), dtype=np.bool_)
    for each in np.unique(channel[channel >= 0]):
        here = np.flatnonzero(channel == each)
        fitting = (issued.usage == each) | (issued.usage < 0)
        in_channel[here] = latest(index, place[here], own, fitting) >= since[here]
    return _decided(
        Situation(
            bound=binds,
            nothing=kind == EMPTY,
            value=kind == VALUE,
            asks_new=kind == ESTABLISH,
            server_issued=server_issued(bucket)[bucket.series_param[series]],
            any_visible=since != NOTHING,
            implicit=implicit >= since,
            names_channel=names_channel >= since,
            informational=informational >= since,
            issued=value_may > NOTHING,
            may_be_current=value_may >= since,
            current=value_must >= since,
            in_channel=in_channel,
        )
    )


def _decided(situations: Situation[Bools]) -> Ints:
    """The rank of the verdict of the first decision that holds in each situation."""
    *decisions, otherwise = DECISIONS
    conditions = []
    for decision in decisions:
        holds = [getattr(situations, name) for name in decision.when]
        holds += [~getattr(situations, name) for name in decision.unless]
        conditions.append(np.logical_and.reduce(holds))
    ranks = [np.int64(VERDICTS.index(decision.verdict)) for decision in decisions]
    return np.select(conditions, ranks, np.int64(VERDICTS.index(otherwise.verdict)))


def _mildest(exchange: Ints, series: Ints, rank: Ints) -> Ints:
    """The places of the rows that count: of several values of one parameter the mildest verdict,
    and of those that have it the first."""
    begins = np.ones(len(exchange), dtype=np.bool_)
    begins[1:] = (exchange[1:] != exchange[:-1]) | (series[1:] != series[:-1])
    if begins.all():
        return np.arange(len(exchange), dtype=np.int64)
    key = rank * len(exchange) + np.arange(len(exchange), dtype=np.int64)
    return np.minimum.reduceat(key, np.flatnonzero(begins)) % len(exchange)
