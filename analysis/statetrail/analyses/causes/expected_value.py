"""What a faulty request should have presented, and whether that belongs to another place.

Enters: a bucket, its lineage and history, and the faults in question. Leaves: for each fault
whether the newest value that its client must have known (R2), of those that bind (L8), was issued
only under another path.

Only what judged the request counts: what was issued to its session, or to its sender if it presents
no session key. The value of a session key is superseded by what answered that value alone (L1).
"""

from typing import Final

import numpy as np

from statetrail.analyses.causes.owned_values import (
    OwnedValues,
    binding_issues,
    issued_to,
    owner_count,
    owners,
)
from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    ordered,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.dialect_masks import mount
from statetrail.analyses.conformance.verdict import OMITTED, RESTARTED, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, Issues, Uses, pairs
from statetrail.analyses.events.lineage import Lineage, key_ranks

_WITHOUT_VALUE: Final = (VERDICTS.index(OMITTED), VERDICTS.index(RESTARTED))


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


def issued_elsewhere(
    bucket: Bucket, lineage: Lineage, history: History, faults: Judgements
) -> Bools:
    """Whether the newest values that bind these requests were issued under another path only."""
    exchanges, exchange = bucket.exchanges, faults.exchange
    holder, group = holders(bucket, lineage, faults)
    issues = binding_issues(bucket, history.issues)
    expected = _expected(bucket, lineage, issues, history.uses, group)
    newest = _newest(bucket, expected, exchanges.request_start[exchange], group)
    known = np.flatnonzero(newest >= 0)
    newest = newest[known]
    issued = issued_to(bucket, lineage, issues.exchange, issues.value, holder[known])
    # What one owner was given is not what another one was given.
    width = max(len(bucket.values), 1)
    held = holder[known] * width + expected.value[newest]
    wanted = unique(held)
    issued, of_issue = _of(issued, wanted, width)
    elsewhere = np.zeros(len(exchange), dtype=np.bool_)
    elsewhere[known] = _other_path(
        *(bucket, issued, of_issue, np.searchsorted(wanted, held)),
        *(expected.exchange[newest], exchange[known], faults.series[known]),
    )
    return elsewhere


def _of(owned: OwnedValues, wanted: Ints, width: int) -> tuple[OwnedValues, Ints]:
    """Those that are among the wanted (owners and values), and their places there."""
    keys = owned.owner * width + owned.value
    row = np.flatnonzero(within(keys, wanted))
    own = OwnedValues(owned.exchange[row], owned.value[row], owned.owner[row])
    return own, np.searchsorted(wanted, keys[row])


def _newest(bucket: Bucket, expected: OwnedValues, request_start: Ints, group: Ints) -> Ints:
    """Of the issues that must be known (R2), the place of the one that began last; -1: none."""
    exchanges = bucket.exchanges
    whole = np.flatnonzero(exchanges.clock[exchanges.response_end[expected.exchange]] < FOREVER)
    span = max(exchanges.span, len(expected.exchange) + 1)
    visible_from = exchanges.visible_from[expected.exchange[whole]]
    index = AsOfIndex(expected.owner[whole], visible_from, span)
    return index.maxima(whole)[index.at(group, request_start, inclusive=False)]


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
    exchanges = bucket.exchanges
    at_all = np.concatenate([issued.exchange, newest, exchange])
    mounts = mount(bucket, exchanges.endpoint[at_all])
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


def _expected(
    bucket: Bucket, lineage: Lineage, issues: Issues, uses: Uses, group: Ints
) -> OwnedValues:
    """What could have been presented, in order of (owner, start of the response, id, value)."""
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
    return OwnedValues(exchange[order], value[order], owner[order])


def _answers(bucket: Bucket, issues: Issues, uses: Uses, group: Ints) -> OwnedValues:
    """What replaced the wanted values: other values that answered requests with them."""
    first = owner_count(bucket)
    use = np.flatnonzero(within(first + uses.value, group))
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
