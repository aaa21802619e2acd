"""What a faulty request should have presented, and what had kept it from its client.

Enters: a bucket, its lineage and history, and the faults in question. Leaves: for each fault what
stood between its client and the newest value that it must have known (R2), of those that bind (L8).

Only what judged the request counts: what was issued to its session, or to its sender if it presents
no session key. The value of a session key is superseded by what answered that value alone (L1).

A value may be issued, replaced and issued again. What had become of it before it was replaced says
nothing of now: only its current *run* counts, the issues since the last one of another value.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.analyses.causes.delivery import delivery
from statetrail.analyses.causes.owned_values import (
    OwnedValues,
    binding_issues,
    issued_to,
    owner_count,
    owners,
    presented_by,
)
from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, ordered, run_begins
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket
from statetrail.analyses.columnar.dialect_masks import mount
from statetrail.analyses.conformance.verdict import OMITTED, RESTARTED, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details
from statetrail.analyses.events.history import History, Issues, Uses, pairs
from statetrail.analyses.events.lineage import Lineage, key_ranks

_WITHOUT_VALUE: Final = (VERDICTS.index(OMITTED), VERDICTS.index(RESTARTED))


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
class _Expected:
    """What could have been presented, in order of (owner, start of the response, id, value).

    `run`: when the run of equal values that each belongs to began.
    """

    exchange: Ints
    value: Ints
    owner: Ints
    run: Ints


def holders(bucket: Bucket, lineage: Lineage, faults: Judgements) -> tuple[Ints, Ints]:
    """Who may hold the values that these requests are about, and the groups of what they should be.

    Both are owners; the group of a presented session key is what answered it, and what that issued
    may be held by the key's sender, whatever the session.
    """
    owner = owners(bucket, lineage, faults.exchange, faults.series)
    is_key = key_ranks(bucket)[bucket.series_param[faults.series]] >= 0
    of_key = is_key & ~np.isin(faults.verdict, _WITHOUT_VALUE)
    group = np.where(of_key, owner_count(bucket) + faults.value, owner)
    return np.where(of_key, faults.series, owner), group


def hindrances(
    bucket: Bucket, lineage: Lineage, history: History, details: Details, faults: Judgements
) -> Hindrance:
    """What stood between these requests and the newest values that bind them."""
    exchanges, exchange = bucket.exchanges, faults.exchange
    holder, group = holders(bucket, lineage, faults)
    issues = binding_issues(bucket, history.issues)
    expected = _expected(bucket, lineage, issues, history.uses, group)
    newest = _newest(bucket, expected, exchanges.request_start[exchange], group)
    known = np.flatnonzero(newest >= 0)
    newest, request_start = newest[known], exchanges.request_start[exchange[known]]
    issued = issued_to(bucket, lineage, issues.exchange, issues.value, holder[known])
    shown = presented_by(bucket, lineage, history.uses, holder[known])
    # What one owner was given is not what another one was given.
    width = max(len(bucket.values), 1)
    held = holder[known] * width + expected.value[newest]
    wanted = np.unique(held)
    number = np.searchsorted(wanted, held)
    issued, of_issue = _of(issued, wanted, width)
    shown, of_use = _of(shown, wanted, width)
    clear = delivery(bucket, details, issued.exchange, issued.value) == NOTHING
    moment = exchanges.request_start[shown.exchange]
    presented = AsOfIndex(of_use, moment, exchanges.span)
    arrival = np.maximum(
        _readable(bucket, issued.exchange[clear], of_issue[clear], number, request_start),
        presented.maxima(moment)[presented.at(number, request_start, inclusive=False)],
    )
    hindrance = Hindrance(
        np.full(len(exchange), NOTHING, dtype=np.int64),
        *np.zeros((2, len(exchange)), dtype=np.bool_),
    )
    place = delivery(bucket, details, expected.exchange[newest], expected.value[newest])
    hindrance.obstacle[known] = np.where(arrival < expected.run[newest], place, NOTHING)
    hindrance.other_path[known] = _other_path(
        *(bucket, issued, of_issue, number),
        *(expected.exchange[newest], exchange[known], faults.series[known]),
    )
    owner = owners(bucket, lineage, exchange, faults.series)[known]
    malformed = _malformed(bucket, lineage, owner, request_start)
    hindrance.malformed[known] = malformed >= exchanges.response_start[expected.exchange[newest]]
    return hindrance


def _of(owned: OwnedValues, wanted: Ints, width: int) -> tuple[OwnedValues, Ints]:
    """Those that are among the wanted (owners and values), and their places there."""
    keys = owned.owner * width + owned.value
    row = np.flatnonzero(np.isin(keys, wanted))
    own = OwnedValues(owned.exchange[row], owned.value[row], owned.owner[row])
    return own, np.searchsorted(wanted, keys[row])


def _newest(bucket: Bucket, expected: _Expected, request_start: Ints, group: Ints) -> Ints:
    """Of the issues that must be known (R2), the place of the one that began last; -1: none."""
    exchanges = bucket.exchanges
    whole = np.flatnonzero(exchanges.clock[exchanges.response_end[expected.exchange]] < FOREVER)
    span = max(exchanges.span, len(expected.exchange) + 1)
    visible_from = exchanges.visible_from[expected.exchange[whole]]
    index = AsOfIndex(expected.owner[whole], visible_from, span)
    return index.maxima(whole)[index.at(group, request_start, inclusive=False)]


def _readable(
    bucket: Bucket, exchange: Ints, held: Ints, wanted: Ints, request_start: Ints
) -> Ints:
    """When the value was last issued without an obstacle, of the issues that must be known."""
    exchanges = bucket.exchanges
    whole = exchanges.clock[exchanges.response_end[exchange]] < FOREVER
    exchange, held = exchange[whole], held[whole]
    index = AsOfIndex(held, exchanges.visible_from[exchange], exchanges.span)
    return index.maxima(exchanges.response_start[exchange])[
        index.at(wanted, request_start, inclusive=False)
    ]


def _other_path(
    bucket: Bucket,
    issued: OwnedValues,
    held: Ints,
    wanted: Ints,
    newest: Ints,
    exchange: Ints,
    series: Ints,
) -> Bools:
    """Whether the value was issued only under another path in front of the API."""
    exchanges, mounts = bucket.exchanges, mount(bucket)
    param = bucket.series_param[bucket.values.series[issued.value]]
    at = mounts[exchanges.endpoint[issued.exchange], param]
    there, here = (
        mounts[exchanges.endpoint[each], bucket.series_param[series]] for each in (newest, exchange)
    )
    moved = (here >= 0) & (there >= 0) & (here != there)
    placed = np.flatnonzero(at >= 0)
    width = int(mounts.max(initial=0)) + 1
    response_start = exchanges.response_start[issued.exchange[placed]]
    index = AsOfIndex(held[placed] * width + at[placed], response_start, exchanges.span)
    same = index.at(wanted * width + here, exchanges.request_start[exchange])
    elsewhere: Bools = moved & (same == NOTHING)
    return elsewhere


def _malformed(bucket: Bucket, lineage: Lineage, owner: Ints, request_start: Ints) -> Ints:
    """When the last malformed issue that may be known had ended.

    As with values (R3), what began later replaces it only if it began after that. One that was cut
    short counts from its beginning.
    """
    exchanges, issued = bucket.exchanges, bucket.issued
    row = np.flatnonzero(issued.usage == MALFORMED)
    owned = issued_to(bucket, lineage, issued.exchange[row], issued.value[row], owner)
    response_start, response_end = (
        exchanges.response_start[owned.exchange],
        exchanges.response_end[owned.exchange],
    )
    until = np.where(exchanges.clock[response_end] < FOREVER, response_end, response_start)
    index = AsOfIndex(owned.owner, response_start, exchanges.span)
    return index.maxima(until)[index.at(owner, request_start)]


def _expected(
    bucket: Bucket, lineage: Lineage, issues: Issues, uses: Uses, group: Ints
) -> _Expected:
    issued = issued_to(bucket, lineage, issues.exchange, issues.value, group)
    answers = _answers(bucket, issues, uses, group)
    exchange, value, owner = (
        np.append(getattr(issued, name), getattr(answers, name))
        for name in ("exchange", "value", "owner")
    )
    response_start = bucket.exchanges.response_start[exchange]
    order = ordered(
        owner * bucket.exchanges.span + response_start,
        bucket.exchanges.id[exchange],
        bucket.values.fingerprint[value],
    )
    value, response_start, owner = value[order], response_start[order], owner[order]
    begins = run_begins(value) | run_begins(owner)
    run = np.maximum.accumulate(np.where(begins, np.arange(len(value)), 0))
    return _Expected(exchange[order], value, owner, response_start[run])


def _answers(bucket: Bucket, issues: Issues, uses: Uses, group: Ints) -> OwnedValues:
    """What replaced the wanted values: other values that answered requests with them."""
    first = owner_count(bucket)
    use = np.flatnonzero(np.isin(first + uses.value, group))
    count = len(bucket.series_client)
    keys = pairs(issues.exchange, issues.series, count)
    order = np.argsort(keys, kind="stable")
    keys, wanted = keys[order], pairs(uses.exchange[use], uses.series[use], count)
    start = np.searchsorted(keys, wanted)
    times = np.searchsorted(keys, wanted, "right") - start
    use = np.repeat(use, times)
    nth = np.arange(len(use), dtype=np.int64) - np.repeat(np.cumsum(times) - times, times)
    issue = order[np.repeat(start, times) + nth]
    other = issues.value[issue] != uses.value[use]
    issue, use = issue[other], use[other]
    return OwnedValues(issues.exchange[issue], issues.value[issue], first + uses.value[use])
