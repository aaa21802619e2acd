"""Replacements: each time a server moved a client to another value, as the exchange shows it.

Enters: a bucket, and the history of its values. Leaves: `Replacements`, one entry per issue
of a new value.
`statetrail.analyses.tokens.rotations` makes a table of it, and names causes that take more than one
exchange to tell.

When is an issue a rotation?
    Issues of one parameter to one session, or to a client where they belong to none, are ordered by
    the start of their responses, then by the end, then by the exchange id. An earlier issue is
    *superseded* for a later one when a third began after it had ended, and ended before the later
    one began: the same rule by which verdicts decide what a client can know. An issue is a
    rotation when no earlier issue of its value still stands. So a response that was already under
    way when a new value went out, and still repeats the old one, is no rotation back; and of two
    parallel requests that were each given a new value, both are rotations: the chain of values
    forks.
    A value that its own request presented is not new to the client. Where the client may choose
    (priority ``informational``) the server took over the client's choice: cause `override`. Where
    it may not, the server kept an older value alive: no rotation.

Whose value?
    A response to a request without a session key begins a session (`establish`), unless the client
    thereby left one that it had never used (verdict ``restarted``, a fault): `restart`.

Which value was before?
    The one that the request presented, where it presented another: that value is what the server
    took away. A choice of the client's own (``informational`` and never issued) was not the
    server's to take away. Otherwise the newest one whose response had ended when this one began.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, among, run_begins
from statetrail.analyses.columnar.bucket import ESTABLISH, Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.verdict import RESTARTED as RESTARTED_VERDICT
from statetrail.analyses.conformance.verdict import VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import Lineage, key_ranks, lineage, owners

SHOWN: Final = ("establish", "restart", "reset", "reissue", "override")
"""The causes that the exchange itself shows."""
ESTABLISHED, RESTARTED, RESET, REISSUED, OVERRIDDEN = range(5)


@dataclass(frozen=True, slots=True)
class Replacements:
    """Every issue of a value that is new to its client.

    Attributes
    ----------
    exchange, series
        The exchange and the series.
    before, to
        The value before (-1: the first one) and the new one.
    free
        Whether the client may choose instead of the new one.
    cause
        A place in `SHOWN`.
    idle_low_us, idle_high_us, age_low_us, age_high_us
        How long the value before had lain unused and how old it was, in brackets; -1 where the
        table `ROTATIONS` has null.
    """

    exchange: Ints
    series: Ints
    before: Ints
    to: Ints
    free: Bools
    cause: Ints
    idle_low_us: Ints
    idle_high_us: Ints
    age_low_us: Ints
    age_high_us: Ints

    def __len__(self) -> int:
        return len(self.exchange)


@artifact(needs=(bucket, lineage, history, judgements), stored=True)
def replacements(
    bucket: Bucket, lineage: Lineage, history: History, judgements: Judgements
) -> Replacements:
    """The replacements of a bucket's values."""
    exchanges, issues = bucket.exchanges, history.issues
    owner = owners(bucket, lineage, issues.exchange, issues.series)
    new, newest = _new(bucket, history, owner)
    presented = issues.presented[new]
    of_key = key_ranks(bucket)[bucket.series_param[issues.series[new]]] >= 0
    counts = ~presented | (issues.free[new] & ~of_key)
    new, newest, presented, of_key = new[counts], newest[counts], presented[counts], of_key[counts]
    exchange, to, series = issues.exchange[new], issues.value[new], issues.series[new]
    newest = np.where(newest >= 0, issues.value[newest], NOTHING)
    used = _used(bucket, history, exchange, series)
    issued_before = (used >= 0) & (history.issued[used] <= exchanges.response_start[exchange])
    taken_away = (used >= 0) & (~issues.free[new] | issued_before | of_key)
    asking = _asking(bucket, exchange, series)
    visible = _first_visible(bucket, history, owner)[owner[new]]
    had_one = visible < exchanges.request_start[exchange]
    left = _left(bucket, history, lineage, judgements, exchange, series)
    left[presented | taken_away] = NOTHING
    newest = np.where(left >= 0, left, newest)
    is_first = (newest < 0) | (asking & ~had_one) | (of_key & (used < 0))
    causes = [np.int64(each) for each in (OVERRIDDEN, RESET, RESTARTED, ESTABLISHED, RESTARTED)]
    cause = np.select(
        [presented, taken_away, left >= 0, is_first, asking], causes, np.int64(REISSUED)
    )
    before = np.select([cause == RESET, cause != ESTABLISHED], [used, newest], np.int64(NOTHING))
    idle = _idle(bucket, history, exchange, before)
    return Replacements(
        exchange,
        series,
        before,
        to,
        issues.free[new],
        cause,
        *idle,
        *_ages(bucket, history, exchange, before),
    )


def _left(
    bucket: Bucket,
    history: History,
    lineage: Lineage,
    judgements: Judgements,
    exchange: Ints,
    series: Ints,
) -> Ints:
    """The value that each of these responses made its client leave, at a fault; -1 for none.

    It is the newest value of the session before (verdict ``restarted``).
    """
    exchanges, issues, count = bucket.exchanges, history.issues, len(bucket.series_client)
    faults = judgements.fault & (judgements.verdict == VERDICTS.index(RESTARTED_VERDICT))
    faults &= judgements.session != NOTHING
    keys = pairs(judgements.exchange[faults], judgements.series[faults], count)
    order = np.argsort(keys)
    place = among(keys[order], pairs(exchange, series, count))
    session = np.append(judgements.session[faults][order], NOTHING)[place]
    of_key = np.flatnonzero(lineage.of_value[issues.value] >= 0)
    span = max(exchanges.span, len(issues) + 1)
    response_end = exchanges.response_end[issues.exchange[of_key]]
    index = AsOfIndex(lineage.of_value[issues.value[of_key]], response_end, span)
    wanted = np.where(session == NOTHING, len(bucket.values), session)
    newest = index.maxima(of_key)[
        index.at(wanted, exchanges.response_start[exchange], inclusive=False)
    ]
    return np.append(issues.value, NOTHING)[newest]


def _new(bucket: Bucket, history: History, owner: Ints) -> tuple[Ints, Ints]:
    """The issues no earlier issue of whose value still stands, and the newest issue before each.

    Both as places in `History.issues`.
    """
    exchanges, issues = bucket.exchanges, history.issues
    response_start = exchanges.response_start[issues.exchange]
    response_end = exchanges.response_end[issues.exchange]
    nth = np.arange(len(issues), dtype=np.int64)
    span = max(exchanges.span, len(issues) + 1)
    index = AsOfIndex(issues.value, nth, span)
    stood = index.maxima(response_end)[index.at(issues.value, nth, inclusive=False)]
    index = AsOfIndex(owner, response_end, span)
    newest = index.maxima(nth)[index.at(owner, response_start, inclusive=False)]
    is_new = (stood < 0) | ((newest >= 0) & (response_start[newest] > stood))
    return nth[is_new], newest[is_new]


def _used(bucket: Bucket, history: History, exchange: Ints, series: Ints) -> Ints:
    """The first value that each of these requests presented for these series, -1 for none."""
    uses, count = history.uses, len(bucket.series_client)
    keys = pairs(uses.exchange, uses.series, count)
    firsts = np.flatnonzero(run_begins(keys))
    place = among(keys[firsts], pairs(exchange, series, count))
    used = np.full(len(exchange), NOTHING, dtype=np.int64)
    used[place >= 0] = uses.value[firsts[place[place >= 0]]]
    return used


def _asking(bucket: Bucket, exchange: Ints, series: Ints) -> Bools:
    """Whether these requests asked for a new value of these series."""
    presented, count = bucket.presented, len(bucket.series_client)
    asks = presented.kind == ESTABLISH
    keys = np.sort(pairs(presented.exchange[asks], presented.series[asks], count))
    return among(keys, pairs(exchange, series, count)) >= 0


def _first_visible(bucket: Bucket, history: History, owner: Ints) -> Ints:
    """When something had to be known of what each owner was issued."""
    first = np.full(int(owner.max(initial=0)) + 1, FOREVER)
    np.minimum.at(first, owner, bucket.exchanges.visible_from[history.issues.exchange])
    return first


def _idle(bucket: Bucket, history: History, exchange: Ints, before: Ints) -> tuple[Ints, Ints]:
    """How long the values before had lain unused, at least and at most."""
    exchanges, issues, uses = bucket.exchanges, history.issues, history.uses
    lost = np.zeros(len(bucket.values), dtype=np.bool_)
    lost[before[before >= 0]] = True
    # Exchanges of one client are in order of their starts: so their place is a moment.
    issue, use = np.flatnonzero(lost[issues.value]), np.flatnonzero(lost[uses.value])
    issuing, issued = issues.exchange[issue], issues.value[issue]
    carrying = np.concatenate([issuing, uses.exchange[use]])
    value = np.concatenate([issued, uses.value[use]])
    span = max(exchanges.span, len(exchanges)) + 1
    order = np.argsort(value * span + carrying)
    carrying, value = carrying[order], value[order]
    response_end, request_start = exchanges.response_end, exchanges.request_start
    complete = exchanges.clock[response_end[carrying]] < FOREVER
    index = AsOfIndex(value, carrying, span)
    place = index.at(before, exchange, inclusive=False)
    last_end = index.maxima(np.where(complete, response_end[carrying], NOTHING))[place]
    cut_off = index.maxima(np.where(complete, NOTHING, request_start[carrying]))[place]
    waited = exchanges.clock[request_start[exchange]] - exchanges.clock[last_end]
    low = np.where((last_end >= 0) & (cut_off < last_end) & (waited >= 0), waited, NOTHING)
    index = AsOfIndex(issued, exchanges.response_start[issuing], exchanges.span)
    answered = index.maxima(request_start[issuing])[
        index.at(before, request_start[exchange], inclusive=False)
    ]
    high = exchanges.clock[exchanges.response_start[exchange]] - exchanges.clock[answered]
    return low, np.where(answered >= 0, high, NOTHING)


def _ages(bucket: Bucket, history: History, exchange: Ints, before: Ints) -> tuple[Ints, Ints]:
    """How old the values before were, at least and at most."""
    exchanges = bucket.exchanges
    known = (before >= 0) & ~history.left_truncated[before]
    complete_us = _clock(bucket, history.complete[before])
    age = exchanges.clock[exchanges.request_start[exchange]] - complete_us
    low = np.where(known & (complete_us < FOREVER) & (age >= 0), age, NOTHING)
    requested_us = _clock(bucket, history.requested[before])
    high = exchanges.clock[exchanges.response_start[exchange]] - requested_us
    return low, np.where(known, high, NOTHING)


def _clock(bucket: Bucket, rank: Ints) -> Ints:
    """The microseconds of ranks; `FOREVER` is the rank of no time."""
    clock = bucket.exchanges.clock
    return np.where(rank < FOREVER, clock[np.minimum(rank, len(clock) - 1)], FOREVER)
