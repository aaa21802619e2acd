"""The race rule on arrays: verdicts on requests by the issues of a series of values.

Enters: issues and rows to judge, each in a series; in a series, newer values replace older ones.
Leaves: verdicts by `statetrail.analyses.conformance.verdict.DECISIONS`.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, chosen, unique
from statetrail.analyses.columnar.bucket import (
    EMPTY,
    ESTABLISH,
    IMPLICIT,
    MALFORMED,
    VALUE,
    Bucket,
)
from statetrail.analyses.columnar.coding import Words
from statetrail.analyses.conformance import verdict
from statetrail.analyses.conformance.verdict import DECISIONS, REASONS, VERDICTS, Situation
from statetrail.analyses.conformance.visibility import FOREVER

_REASONS = tuple(REASONS)


@dataclass(frozen=True, slots=True)
class Issues:
    """Issues of values in series; of those that bind nobody the usage is `MALFORMED`.

    `malformed`: it cannot be read.
    """

    exchange: Ints
    value: Ints
    series: Ints
    usage: Words
    informational: Bools
    malformed: Bools

    def __len__(self) -> int:
        return len(self.exchange)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be judged: a row per request, series and value; -1 for no value.

    `server_issued`: the values of its parameter come from the server alone. `bound`: the parameter
    binds the request.
    """

    exchange: Ints
    series: Ints
    value: Ints
    channel: Words
    kind: Words
    server_issued: Bools
    bound: Bools

    def __len__(self) -> int:
        return len(self.exchange)


@dataclass(frozen=True, slots=True)
class _Binding:
    """The issues that will have to be known, and these by series and the moment of that."""

    issue: Ints
    index: AsOfIndex


def judged(
    bucket: Bucket, issues: Issues, rows: Rows, *, cut_ends: bool = False
) -> tuple[Ints, Ints]:
    """The verdict of each row, and its reason (-1: none): places in `VERDICTS` and `REASONS`.

    `cut_ends`: what a response issued that was cut short may be known only until another begins.
    """
    used = np.zeros(
        max(issues.series.max(initial=0), rows.series.max(initial=0)) + 2, dtype=np.bool_
    )
    used[rows.series] = True
    issues = chosen(issues, used[issues.series])
    binding = _binding(bucket, issues)
    rank = np.full(len(rows), VERDICTS.index(verdict.HONOURED))
    reason = np.full(len(rows), NOTHING, dtype=np.int64)
    rest = ~(rows.bound & _obeys_newest(bucket, issues, binding, rows))
    situations = _situations(bucket, issues, binding, chosen(rows, rest), cut_ends=cut_ends)
    rank[rest], reason[rest] = decided(situations)
    return rank, reason


def decided(situations: Situation[Bools]) -> tuple[Ints, Ints]:
    """What the first decision that holds in each situation says: verdict and reason."""
    *decisions, _ = DECISIONS
    conditions = []
    for decision in decisions:
        holds = [getattr(situations, name) for name in decision.when]
        holds += [~getattr(situations, name) for name in decision.unless]
        conditions.append(np.logical_and.reduce(holds))
    line = np.select(conditions, [np.int64(n) for n in range(len(decisions))], len(decisions))
    verdicts = np.array([VERDICTS.index(each.verdict) for each in DECISIONS], dtype=np.int64)
    reasons = [_REASONS.index(each.reason) if each.reason else NOTHING for each in DECISIONS]
    return verdicts[line], np.array(reasons, dtype=np.int64)[line]


def until_superseded(bucket: Bucket, exchange: Ints) -> Ints:
    """A malformed issue is superseded by what began after this: its end, or its beginning if it was
    cut short."""
    exchanges = bucket.exchanges
    response_end = exchanges.response_end[exchange]
    whole = exchanges.clock[response_end] < FOREVER
    return np.where(whole, response_end, exchanges.response_start[exchange])


def _binding(bucket: Bucket, issues: Issues) -> _Binding:
    exchanges = bucket.exchanges
    whole = exchanges.clock[exchanges.response_end] < FOREVER
    issue = np.flatnonzero((issues.usage != MALFORMED) & whole[issues.exchange])
    visible_from = exchanges.visible_from[issues.exchange[issue]]
    return _Binding(issue, AsOfIndex(issues.series[issue], visible_from, exchanges.span))


def _obeys_newest(bucket: Bucket, issues: Issues, binding: _Binding, rows: Rows) -> Bools:
    """Rows that present the value that has to be known last, in the channel that this issue names.

    With i that issue, by R2: every other issue j that must be known ended no later, and so began no
    later than i ended. Hence i is current, whatever else there is, and V9 says ``honoured``.
    """
    request_start = bucket.exchanges.request_start[rows.exchange]
    place = binding.index.last(rows.series, request_start, inclusive=False)
    newest = np.append(binding.issue, NOTHING)[place]
    known = np.append(issues.value, NOTHING)[newest]
    usage = np.append(issues.usage, np.int8(MALFORMED))[newest]
    placed = (rows.channel == usage) & (usage >= 0)
    obeys: Bools = (newest != NOTHING) & (rows.kind == VALUE) & (known == rows.value) & placed
    return obeys


def _situations(
    bucket: Bucket, issues: Issues, binding: _Binding, rows: Rows, *, cut_ends: bool
) -> Situation[Bools]:
    series, value, channel, kind = rows.series, rows.value, rows.channel, rows.kind
    exchanges = bucket.exchanges
    response_start = exchanges.response_start[issues.exchange]
    response_end = exchanges.response_end[issues.exchange]
    request_start, span = exchanges.request_start[rows.exchange], exchanges.span
    every = np.arange(len(issues))
    # R2, of the series and of the value; few values are asked for.
    place = binding.index.at(series, request_start, inclusive=False)
    since = binding.index.maxima(response_start[binding.issue])[place]
    wanted = np.zeros(max(issues.value.max(initial=0), value.max(initial=0)) + 2, dtype=np.bool_)
    wanted[value] = True
    own, whole = (of[wanted[issues.value[of]]] for of in (every, binding.issue))
    index = AsOfIndex(issues.value[whole], exchanges.visible_from[issues.exchange[whole]], span)
    place = index.at(value, request_start, inclusive=False)
    value_must = index.maxima(response_end[whole])[place]

    def latest(index: AsOfIndex, place: Ints, of: Ints, which: Bools) -> Ints:
        """The latest end of those of the issues that may be known (R1)."""
        return index.maxima(np.where(which[of], response_end[of], NOTHING))[place]

    heard_by = exchanges.heard_by[rows.exchange]
    index = AsOfIndex(issues.series, response_start, span)
    place = index.at(series, heard_by)
    names_channel, implicit, informational = (
        latest(index, place, every, which)
        for which in (
            issues.usage >= 0,
            issues.usage == IMPLICIT,
            issues.informational & (issues.usage != MALFORMED),
        )
    )
    until = until_superseded(bucket, issues.exchange)
    malformed = index.maxima(np.where(issues.malformed, until, NOTHING))[place]
    index = AsOfIndex(issues.value[own], response_start[own], span)
    place = index.at(value, heard_by)
    ends = until if cut_ends else response_end
    value_may = index.maxima(ends[own])[place]
    # A value from a malformed header has no channel that would be wrong, and one that is implicit
    # in one of two concurrent issues is not held against the client either.
    placed = np.zeros(len(value), dtype=np.bool_)
    for each in unique(channel[channel >= 0]):
        here = np.flatnonzero(channel == each)
        fitting = (issues.usage == each) | (issues.usage < 0)
        placed[here] = latest(index, place[here], own, fitting) >= since[here]
    no = np.zeros(len(value), dtype=np.bool_)
    return Situation(
        bound=rows.bound,
        nothing=kind == EMPTY,
        value=kind == VALUE,
        asks_new=kind == ESTABLISH,
        server_issued=rows.server_issued,
        any_visible=since != NOTHING,
        implicit=implicit >= since,
        names_channel=names_channel >= since,
        informational=informational >= since,
        issued=value_may > NOTHING,
        may_be_current=value_may >= since,
        current=value_must >= since,
        in_channel=placed,
        mixed=no,
        accepted=no,
        malformed=malformed >= np.maximum(since, 0),
    )


def mildest(exchange: Ints, series: Ints, rank: Ints) -> Ints:
    """The places of the rows that count: of several values of one parameter the mildest verdict,
    and of those that have it the first."""
    begins = np.ones(len(exchange), dtype=np.bool_)
    begins[1:] = (exchange[1:] != exchange[:-1]) | (series[1:] != series[:-1])
    if begins.all():
        return np.arange(len(exchange), dtype=np.int64)
    key = rank * len(exchange) + np.arange(len(exchange), dtype=np.int64)
    return np.minimum.reduceat(key, np.flatnonzero(begins)) % len(exchange)
