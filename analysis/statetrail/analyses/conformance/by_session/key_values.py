"""Verdicts on the values of session keys: each is judged by what answered it.

Enters: a bucket, and its rows that present values of session keys. Leaves: verdicts by rule
L1: a key value is superseded only by an issue
of another value in a response to a request that presented it. Whose session it belongs to does not
matter here.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    among,
    run_begins,
    unique,
)
from statetrail.analyses.columnar.bucket import IMPLICIT, MALFORMED, Bucket
from statetrail.analyses.conformance.race import decided, until_superseded
from statetrail.analyses.conformance.verdict import HONOURED, VERDICTS, Situation
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import pairs
from statetrail.analyses.events.lineage import Lineage, dialect_places


@dataclass(frozen=True, slots=True)
class KeyUses:
    """What requests presented of session keys: rows of `Bucket.presented`.

    `answered`: the response issued values of the parameter; `again`: this one among them.
    """

    row: Ints
    answered: Bools
    again: Bools


@dataclass(frozen=True, slots=True)
class Replaced:
    """Values, and the responses to requests with them that issued another value."""

    value: Ints
    exchange: Ints


def key_uses(bucket: Bucket, row: Ints, is_key: Bools, mixed: Bools) -> tuple[KeyUses, Replaced]:
    """The uses of session keys in these rows, and what their responses replaced.

    `mixed`: the value names another session than its request belongs to. The answer is not to it.
    """
    presented, issued, count = bucket.presented, bucket.issued, len(bucket.series_client)
    keys = pairs(presented.exchange[row], presented.series[row], count)
    begins = run_begins(keys)
    firsts, several = np.flatnonzero(begins), np.diff(np.flatnonzero(begins), append=len(keys))
    readable = (issued.usage != MALFORMED) & is_key[bucket.series_param[issued.series]]
    issue = np.flatnonzero(readable)
    run = among(keys[firsts], pairs(issued.exchange[issue], issued.series[issue], count))
    issue, run = issue[run >= 0], run[run >= 0]
    answered, again = np.zeros((2, len(row)), dtype=np.bool_)
    value, exchange = [], []
    nth = 0
    while len(issue):
        use = firsts[run] + nth
        same = presented.value[row[use]] == issued.value[issue]
        answered[use] = True
        again[use[same]] = True
        replaces = ~same & issued.sound[issue] & ~mixed[use]
        value.append(presented.value[row[use[replaces]]])
        exchange.append(issued.exchange[issue[replaces]])
        nth += 1
        more = several[run] > nth
        issue, run = issue[more], run[more]
    none = [np.empty(0, dtype=np.int64)]
    replaced = Replaced(np.concatenate(value or none), np.concatenate(exchange or none))
    return KeyUses(row, answered, again), replaced


def key_verdicts(
    bucket: Bucket,
    lineage: Lineage,
    uses: KeyUses,
    replaced: Replaced,
    mixed: Bools,
    bound: Bools,
) -> tuple[Ints, Ints]:
    """The verdict of each use, and its reason (-1: none): places in `VERDICTS` and `REASONS`.

    `mixed`: the value names another session than its request belongs to.
    """
    exchanges, presented, issued = bucket.exchanges, bucket.presented, bucket.issued
    value, channel = presented.value[uses.row], presented.channel[uses.row]
    request_start = exchanges.request_start[presented.exchange[uses.row]]
    since = _since(bucket, replaced, value, request_start)
    # Most values were never replaced, and are presented as their last issue has it: V9.
    used = np.zeros(len(bucket.values), dtype=np.bool_)
    used[value] = True
    whole = exchanges.clock[exchanges.response_end[issued.exchange]] < FOREVER
    sound = np.flatnonzero(used[issued.value] & issued.sound & whole)
    index = AsOfIndex(
        issued.value[sound], exchanges.visible_from[issued.exchange[sound]], exchanges.span
    )
    newest = index.last(value, request_start, inclusive=False)
    usage = np.append(issued.usage[sound], np.int8(MALFORMED))[newest]
    obeys = bound & ~mixed & (since == NOTHING) & (usage >= 0) & (usage == channel)
    rank = np.full(len(value), VERDICTS.index(HONOURED))
    reason = np.full(len(value), NOTHING, dtype=np.int64)
    rest = np.flatnonzero(~obeys)
    rows = KeyUses(uses.row[rest], uses.answered[rest], uses.again[rest])
    situations = _situations(bucket, lineage, rows, since[rest], mixed[rest], bound[rest])
    rank[rest], reason[rest] = decided(situations)
    return rank, reason


def _since(bucket: Bucket, replaced: Replaced, value: Ints, request_start: Ints) -> Ints:
    """When the latest response began that replaced the value and must be known; -1 for none."""
    exchanges = bucket.exchanges
    ended = exchanges.clock[exchanges.response_end[replaced.exchange]] < FOREVER
    replacing = replaced.exchange[ended]
    index = AsOfIndex(replaced.value[ended], exchanges.visible_from[replacing], exchanges.span)
    since = index.maxima(exchanges.response_start[replacing])
    return since[index.at(value, request_start, inclusive=False)]


def _situations(
    bucket: Bucket, lineage: Lineage, uses: KeyUses, since: Ints, mixed: Bools, bound: Bools
) -> Situation[Bools]:
    exchanges, presented, issued = bucket.exchanges, bucket.presented, bucket.issued
    value, channel = presented.value[uses.row], presented.channel[uses.row]
    request_start, span = exchanges.request_start[presented.exchange[uses.row]], exchanges.span
    used = np.zeros(len(bucket.values), dtype=np.bool_)
    used[value] = True
    every = np.flatnonzero(used[issued.value])
    of, response_end = issued.exchange[every], exchanges.response_end[issued.exchange[every]]
    usage = np.where(issued.sound[every], issued.usage[every], np.int8(MALFORMED))
    index = AsOfIndex(issued.value[every], exchanges.response_start[of], span)
    place = index.at(value, exchanges.heard_by[presented.exchange[uses.row]])

    def latest(which: Bools, here: Ints = place) -> Ints:
        """The latest end of those of the issues that may be known (R1)."""
        return index.maxima(np.where(which, response_end, NOTHING))[here]

    may = latest(usage >= MALFORMED)
    whole = (exchanges.clock[response_end] < FOREVER) & (usage != MALFORMED)
    known = AsOfIndex(issued.value[every[whole]], exchanges.visible_from[of[whole]], span)
    must_end = known.maxima(response_end[whole])[known.at(value, request_start, inclusive=False)]
    placed = np.zeros(len(value), dtype=np.bool_)
    for each in unique(channel):
        here = np.flatnonzero(channel == each)
        fitting = (usage == each) | (usage < 0)
        placed[here] = latest(fitting, place[here]) >= np.maximum(since[here], 0)
    no = np.zeros(len(value), dtype=np.bool_)
    return Situation(
        bound=bound,
        nothing=no,
        value=~no,
        asks_new=no,
        server_issued=~no,
        any_visible=(must_end != NOTHING) | (since != NOTHING),
        implicit=no,
        names_channel=latest(usage != IMPLICIT) != NOTHING,
        informational=no,
        issued=may != NOTHING,
        may_be_current=may >= since,
        current=(must_end >= since) & (must_end != NOTHING),
        in_channel=placed,
        mixed=mixed,
        accepted=uses.again & exchanges.binding[presented.exchange[uses.row]],
        malformed=_malformed(bucket, lineage, uses.row) >= np.maximum(since, 0),
    )


def _malformed(bucket: Bucket, lineage: Lineage, row: Ints) -> Ints:
    """Until when a malformed issue of the key to the request's session is not superseded."""
    exchanges, presented, issued = bucket.exchanges, bucket.presented, bucket.issued
    dialect, params = dialect_places(bucket), len(bucket.params)
    of = dialect[bucket.series_param[issued.series]]
    issue = np.flatnonzero(
        (issued.usage == MALFORMED) & (lineage.of_response[of, issued.exchange] != NOTHING)
    )
    param, exchange = bucket.series_param[issued.series[issue]], issued.exchange[issue]
    session = lineage.of_response[dialect[param], exchange] * params + param
    moment = exchanges.response_start[exchange]
    index = AsOfIndex(session, moment, exchanges.span)
    param, of = bucket.series_param[presented.series[row]], presented.exchange[row]
    session = lineage.of_request[dialect[param], of] * params + param
    latest = index.maxima(until_superseded(bucket, exchange))
    return latest[index.at(session, exchanges.heard_by[of])]
