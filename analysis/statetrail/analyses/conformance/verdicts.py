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

The verdicts
------------
The first line that fits decides. Several values presented for one parameter: the mildest verdict.

V1  The request is out of the dialect's scope, the parameter is unknown to the dialect, or the
    endpoint is not known to allow it: ``not-applicable``.
V2  A value of a minted parameter (a session token) that no issue before it gave: ``foreign``.
V3  Nothing has to be known yet: ``in-flight``.
V4  Nothing is presented: ``not-applicable`` if a current issue is implicit, else ``omitted``.
V5  A new value is asked for: ``restarted``.
V6  All current issues are implicit: ``implicit-set``.
V7  The value was issued, and is stale: ``stale``.
V8  The value was never issued: ``defied`` if all current issues are forced, else ``overridden``.
V9  The value must be known and is current: ``honoured`` in the channel that a current issue of it
    names, else ``misplaced``.
V10 Else (it is only just being issued): ``in-flight``.

A malformed issue binds nobody, but a client that takes a value from one is not blamed for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import narwhals as nw
import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, Past, chosen
from statetrail.analyses.columnar.bucket import (
    EMPTY,
    ESTABLISH,
    HEADER,
    IMPLICIT,
    IN_HEADER,
    IN_QUERY,
    MALFORMED,
    URIQUERY,
    VALUE,
    Part,
    Words,
)
from statetrail.analyses.columnar.dialect_masks import Rules, bound, minted
from statetrail.analyses.columnar.executor import by_parts
from statetrail.analyses.columnar.result_rows import numbers, of_series, table, words
from statetrail.analyses.conformance import tables
from statetrail.analyses.conformance.visibility import FAULTS, FOREVER, VERDICTS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording

__all__ = ["FAULTS", "VERDICTS", "judge", "verdict_counts", "verdicts"]

_CHANNELS: Final = ("uriquery", "header")


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be judged: a row per request, parameter and value; -1 for no value."""

    ex: Ints
    series: Ints
    value: Ints
    channel: Words
    kind: Words


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts of a part: a row per request and series; `rank` is a place in `VERDICTS`, and
    `value` is -1 where none was presented."""

    ex: Ints
    series: Ints
    value: Ints
    channel: Words
    rank: Ints


@dataclass(frozen=True, slots=True)
class _Binding:
    """The issues that will have to be known, and these by series and the moment of that."""

    issue: Ints
    past: Past


def verdicts(rec: Recording) -> Frame:
    """The verdicts of a recording (table `verdicts`), computed once."""
    return by_parts(rec, tables.VERDICTS, judge)


def verdict_counts(rec: Recording) -> Lazy:
    """How often each verdict fell on each parameter of each client, computed once.

    Returns
    -------
    Lazy
        ``client``, ``origin``, ``dialect``, ``param``, ``verdict``, ``times``, and ``exchange_id``
        and ``request_start_us``, the least of each.
    """
    counted = (
        verdicts(rec)
        .lazy.group_by("client", "origin", "dialect", "param", "verdict")
        .agg(
            times=nw.len(),
            exchange_id=nw.col("exchange_id").min(),
            request_start_us=nw.col("request_start_us").min(),
        )
    )
    return rec.once("verdict counts", lambda: rec.keep(counted))


def judge(part: Part, rules: Rules) -> pa.Table:
    """The verdicts on the requests of one part: the columns of table `verdicts`."""
    told = judged(part, rules)
    there = told.value != NOTHING
    return table(
        tables.VERDICTS,
        {
            "exchange_id": part.exchanges.id[told.ex],
            **of_series(part, told.series),
            "request_start_us": part.exchanges.clock[part.exchanges.asked[told.ex]],
            "verdict": words(told.rank, VERDICTS),
            "fingerprint": numbers(part.values.fingerprint[told.value], there),
            "channel": words(
                (told.channel == IN_HEADER).astype(np.int64), _CHANNELS, present=there
            ),
        },
    )


def judged(part: Part, rules: Rules) -> Judged:
    """The verdicts on the requests of one part."""
    asked, presented = part.exchanges.asked, part.presented
    first = _first(part)
    known = first[presented.series] <= asked[presented.ex]
    # Tokens that no issue before them explains.
    alien = ~known & (presented.kind == VALUE)
    alien &= minted(part, rules)[part.series_param[presented.series]]
    shown = np.flatnonzero(known | alien)
    absent_ex, absent_series = _absent(part, first)
    nothing = np.full(len(absent_ex), NOTHING)
    none = np.zeros(len(absent_ex), dtype=np.int8)
    rows = _Rows(
        np.concatenate([presented.ex[shown], absent_ex]),
        np.concatenate([presented.series[shown], absent_series]),
        np.concatenate([presented.value[shown], nothing]),
        np.concatenate([presented.channel[shown], none]),
        np.concatenate([presented.kind[shown], none + EMPTY]),
    )
    ex, series, value = rows.ex, rows.series, rows.value
    binds = bound(part, rules)[part.exchanges.where[ex], part.series_param[series]]
    binds &= part.exchanges.open[ex]
    rank = np.full(len(ex), VERDICTS.index("honoured"))
    binding = _binding(part)
    rest = ~(binds & _obeys_newest(part, binding, rows))
    rank[rest] = _ranks(part, rules, binding, binds[rest], chosen(rows, rest))
    foreign, elsewhere = VERDICTS.index("foreign"), VERDICTS.index("not-applicable")
    unexplained = np.flatnonzero(alien[shown])
    rank[unexplained] = np.where(binds[unexplained], foreign, elsewhere)
    kept = np.append(
        _mildest(ex[: len(shown)], series[: len(shown)], rank[: len(shown)]),
        np.arange(len(shown), len(ex)),
    )
    return Judged(ex[kept], series[kept], value[kept], rows.channel[kept], rank[kept])


def _first(part: Part) -> Ints:
    """When the first readable issue of each series began; `FOREVER` where there is none."""
    issued = part.issued
    readable = issued.usage != MALFORMED
    first = np.full(len(part.series_who), FOREVER)
    np.minimum.at(first, issued.series[readable], part.exchanges.begun[issued.ex[readable]])
    return first


def _absent(part: Part, first: Ints) -> tuple[Ints, Ints]:
    """The requests that present nothing of a series issued before: their places and the series."""
    exchanges, presented = part.exchanges, part.presented
    sound = np.flatnonzero(first < FOREVER)
    of_client = np.bincount(part.series_who[sound], minlength=len(part.clients))
    start = np.cumsum(of_client) - of_client
    # A row for each request and each sound series of its client.
    times = of_client[exchanges.who]
    row = np.cumsum(times) - times - start[exchanges.who]
    ex = np.repeat(np.arange(len(exchanges), dtype=np.int64), times)
    series = sound[np.arange(len(ex), dtype=np.int64) - row[ex]]
    missing = first[series] <= exchanges.asked[ex]
    nth = np.full(len(first), NOTHING, dtype=np.int64)
    nth[sound] = np.arange(len(sound), dtype=np.int64)
    shown = np.flatnonzero(nth[presented.series] >= 0)
    missing[row[presented.ex[shown]] + nth[presented.series[shown]]] = False
    absent = np.flatnonzero(missing)
    return ex[absent], series[absent]


def _binding(part: Part) -> _Binding:
    exchanges, issued = part.exchanges, part.issued
    whole = exchanges.clock[exchanges.ended] < FOREVER
    issue = np.flatnonzero((issued.usage != MALFORMED) & whole[issued.ex])
    past = Past(issued.series[issue], exchanges.must[issued.ex[issue]], exchanges.span)
    return _Binding(issue, past)


def _obeys_newest(part: Part, binding: _Binding, rows: _Rows) -> Bools:
    """Rows that present the value that has to be known last, in the channel that this issue names.

    With i that issue, by R2: every other issue j that must be known ended no later, and so began no
    later than i ended. Hence i is current, whatever else there is, and V9 says ``honoured``.
    """
    issued, asked = part.issued, part.exchanges.asked[rows.ex]
    place = binding.past.last(rows.series, asked, inclusive=False)
    newest = np.append(binding.issue, NOTHING)[place]
    known = np.append(issued.value, NOTHING)[newest]
    usage = np.append(issued.usage, np.int8(MALFORMED))[newest]
    in_header = (rows.channel == IN_HEADER) & (usage == HEADER)
    placed = in_header | ((rows.channel == IN_QUERY) & (usage == URIQUERY))
    obeys: Bools = (newest != NOTHING) & (rows.kind == VALUE) & (known == rows.value) & placed
    return obeys


def _ranks(part: Part, rules: Rules, binding: _Binding, binds: Bools, rows: _Rows) -> Ints:
    """The verdict of each row by V1-V10, as its place in `VERDICTS`."""
    ex, series, value, channel, kind = rows.ex, rows.series, rows.value, rows.channel, rows.kind
    exchanges, issued = part.exchanges, part.issued
    begun, ended = exchanges.begun[issued.ex], exchanges.ended[issued.ex]
    asked, span, every = exchanges.asked[ex], exchanges.span, np.arange(len(issued))
    # R2, of the series and of the value; few values are asked for.
    must = binding.past.at(series, asked, inclusive=False)
    since = binding.past.maxima(begun[binding.issue])[must]
    wanted = np.zeros(len(part.values) + 1, dtype=np.bool_)
    wanted[value] = True
    own, whole = (issues[wanted[issued.value[issues]]] for issues in (every, binding.issue))
    past = Past(issued.value[whole], exchanges.must[issued.ex[whole]], span)
    value_must = past.maxima(ended[whole])[past.at(value, asked, inclusive=False)]

    def latest(past: Past, place: Ints, issues: Ints, which: Bools) -> Ints:
        """The latest end of those of the issues that may be known (R1)."""
        return past.maxima(np.where(which[issues], ended[issues], NOTHING))[place]

    past = Past(issued.series, begun, span)
    place = past.at(series, asked)
    in_header, in_query, implicit = (
        latest(past, place, every, issued.usage == usage) for usage in (HEADER, URIQUERY, IMPLICIT)
    )
    sound = issued.usage != MALFORMED
    changeable = latest(past, place, every, issued.informational & sound)
    past = Past(issued.value[own], begun[own], span)
    place = past.at(value, asked)
    # A value from a malformed header has no channel that would be wrong, and one that is implicit
    # in one of two concurrent issues is not held against the client either.
    value_header = latest(past, place, own, issued.usage != URIQUERY)
    value_query = latest(past, place, own, issued.usage != HEADER)
    value_may = np.maximum(value_header, value_query)
    given = value_may > NOTHING
    current = value_must >= since
    placed = ((channel == IN_HEADER) & (value_header >= since)) | (
        (channel == IN_QUERY) & (value_query >= since)
    )
    from_server = minted(part, rules)[part.series_param[series]]
    return _first_that_holds(
        (
            (~binds, "not-applicable"),
            ((kind == VALUE) & from_server & ~given, "foreign"),
            (since == NOTHING, "in-flight"),
            ((kind == EMPTY) & (implicit >= since), "not-applicable"),
            (kind == EMPTY, "omitted"),
            (kind == ESTABLISH, "restarted"),
            ((in_header < since) & (in_query < since), "implicit-set"),
            (given & (value_may < since), "stale"),
            (~given & (changeable < since), "defied"),
            (~given, "overridden"),
            (current & placed, "honoured"),
            (current, "misplaced"),
        ),
        "in-flight",
    )


def _first_that_holds(rules: Sequence[tuple[Bools, str]], otherwise: str) -> Ints:
    """The rank of the first verdict whose condition holds."""
    conditions, verdicts_ = zip(*rules, strict=True)
    ranks = [np.int64(VERDICTS.index(name)) for name in verdicts_]
    return np.select(list(conditions), ranks, np.int64(VERDICTS.index(otherwise)))


def _mildest(ex: Ints, series: Ints, rank: Ints) -> Ints:
    """The places of the rows that count: of several values of one parameter the mildest verdict,
    and of those that have it the first."""
    begins = np.ones(len(ex), dtype=np.bool_)
    begins[1:] = (ex[1:] != ex[:-1]) | (series[1:] != series[:-1])
    if begins.all():
        return np.arange(len(ex), dtype=np.int64)
    key = rank * len(ex) + np.arange(len(ex), dtype=np.int64)
    return np.minimum.reduceat(key, np.flatnonzero(begins)) % len(ex)
