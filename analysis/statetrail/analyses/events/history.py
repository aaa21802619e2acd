"""History: what happened to each value of a bucket, as far as single exchanges tell.

Enters: a bucket. Leaves: its readable issues and its uses, each value once per exchange, and the
first and last of both by value. The lives of tokens and the causes of rotations start from these.

Malformed issues bind nobody and are left out; so are requests that ask for a value or present an
empty one.

Late or in flight?
    A use is `late` when the client had to know of a newer value, by the race rule of the verdicts
    (R1-R3 there): some issue whose response had ended, and the grace period passed, when this
    request started, began after the last issue of this value that the client may have known had
    ended. It is `in_flight` when such an issue had only begun: the client may have known of it,
    and need not have.
    Of a session key only an issue in a response to a request that presented the value makes it old
    (L1 there): another session's issue does not, whoever sent the requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    among,
    chosen,
    ordered,
    run_begins,
)
from statetrail.analyses.columnar.bucket import MALFORMED, VALUE, Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import superseded_by
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.visibility import FOREVER

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Issues:
    """The issues, in order of (series, response start, response end, exchange id, fingerprint).

    `free` where every issue of the value in that response lets the client choose; `presented`
    where its request presented the value.
    """

    exchange: Ints
    value: Ints
    series: Ints
    free: Bools
    presented: Bools

    def __len__(self) -> int:
        return len(self.exchange)


@dataclass(frozen=True, slots=True)
class Uses:
    """The values presented, in order of (exchange, series, first appearance).

    `again` where the response issued the value, too; `answered` where it issued any of the series;
    `late` and `in_flight` as above.
    """

    exchange: Ints
    value: Ints
    series: Ints
    again: Bools
    answered: Bools
    late: Bools
    in_flight: Bools

    def __len__(self) -> int:
        return len(self.exchange)


@dataclass(frozen=True, slots=True)
class History:
    """The issues and uses of a bucket's values, and what they say of each value.

    By value, as ranks of time: `issued` and `reissued` (first and last start of a response that
    issued it), `complete` and `last_complete` (first and last end of one), `requested` (start of
    the first request that was so answered), `used` and `reused` (start of the first and last
    request that presented it). What never happened is `FOREVER` where it is a first and -1 where a
    last.
    """

    issues: Issues
    uses: Uses
    issued: Ints
    reissued: Ints
    complete: Ints
    last_complete: Ints
    requested: Ints
    used: Ints
    reused: Ints

    @property
    def left_truncated(self) -> Bools:
        """The values that were presented before they were first issued, or never issued."""
        truncated: Bools = (self.issued == FOREVER) | (self.issued >= self.used)
        return truncated


@artifact(needs=(bucket,), stored=True)
def history(bucket: Bucket) -> History:
    """The history of a bucket's values."""
    exchanges, count = bucket.exchanges, len(bucket.values)
    issues, uses = _issues_and_uses(bucket)
    response_start = exchanges.response_start[issues.exchange]
    response_end = exchanges.response_end[issues.exchange]
    request_start = exchanges.request_start[uses.exchange]
    return History(
        issues,
        uses,
        issued=_at_first(count, issues.value, response_start),
        reissued=_at_last(count, issues.value, response_start),
        complete=_first(count, issues.value, response_end),
        last_complete=_last(count, issues.value, response_end),
        requested=_first(count, issues.value, exchanges.request_start[issues.exchange]),
        used=_at_first(count, uses.value, request_start),
        reused=_at_last(count, uses.value, request_start),
    )


def pairs(exchange: Ints, code: Ints, count: int) -> Ints:
    """Exchanges together with values or series, as one integer each."""
    return exchange * max(count, 1) + code


def _issues_and_uses(bucket: Bucket) -> tuple[Issues, Uses]:
    exchange, value, series, free = _issues(bucket)
    issued, used = (exchange, value, series), _presented(bucket)
    presented, again, answered, replaced = _matched(bucket, issued, used)
    mode = superseded_by(bucket)[bucket.series_param[used[2]]]
    by_sender, by_answer = np.flatnonzero(mode == "client"), np.flatnonzero(mode == "lineage")
    late, in_flight = np.zeros((2, len(used[0])), dtype=np.bool_)
    for which, old in (
        (by_sender, _superseded(bucket, issued, [column[by_sender] for column in used])),
        (by_answer, _replaced(bucket, issued, [column[by_answer] for column in used], replaced)),
    ):
        late[which], in_flight[which] = old
    return Issues(*issued, free, presented), Uses(*used, again, answered, late, in_flight)


def _matched(
    bucket: Bucket, issued: Sequence[Ints], used: Sequence[Ints]
) -> tuple[Bools, Bools, Bools, tuple[Ints, Ints]]:
    """The issues whose request presented their value; the uses whose response issued it, too, and
    those whose response issued any of the series; values, and exchanges that presented them and
    issued others."""
    count = len(bucket.series_client)
    keys = pairs(used[0], used[2], count)
    begins = run_begins(keys)
    firsts = np.flatnonzero(begins)
    several = np.diff(firsts, append=len(keys))
    presented, again = np.zeros(len(issued[0]), np.bool_), np.zeros(len(keys), np.bool_)
    place = among(keys[firsts], pairs(issued[0], issued[2], count))
    issue = np.flatnonzero(place >= 0)
    run = place[issue]
    answered = np.zeros(len(firsts), dtype=np.bool_)
    answered[run] = True
    value, exchange = [_NONE], [_NONE]
    # Of a run of values that one request presented for one series: the first, the second, ...
    nth = 0
    while len(issue):
        use = firsts[run] + nth
        is_same = used[1][use] == issued[1][issue]
        same = np.flatnonzero(is_same)
        presented[issue[same]] = again[use[same]] = True
        value.append(used[1][use[~is_same]])
        exchange.append(issued[0][issue[~is_same]])
        nth += 1
        more = several[run] > nth
        issue, run = issue[more], run[more]
    replaced = (np.concatenate(value), np.concatenate(exchange))
    return presented, again, answered[np.cumsum(begins) - 1], replaced


def _replaced(
    bucket: Bucket, issued: Sequence[Ints], used: Sequence[Ints], replaced: tuple[Ints, Ints]
) -> tuple[Bools, Bools]:
    """The uses of values that a response to them had replaced, and those that one may have."""
    exchanges, span = bucket.exchanges, bucket.exchanges.span
    response_start, least = exchanges.response_start, exchanges.least
    request_start, composed = exchanges.request_start[used[0]], least.request_start[used[0]]
    value, by = (column[exchanges.binding[replaced[1]]] for column in replaced)
    index = AsOfIndex(issued[1], response_start[issued[0]], span)
    held = index.maxima(least.response_end[issued[0]])[index.at(used[1], least.heard_by[used[0]])]
    index = AsOfIndex(value, least.visible_from[by], span)
    known = index.maxima(response_start[by])[index.at(used[1], composed, inclusive=False)]
    index = AsOfIndex(value, response_start[by], span)
    may_know = index.maxima(response_start[by])[index.at(used[1], request_start)]
    late: Bools = known > held
    return late, (may_know > held) & ~late


def _superseded(
    bucket: Bucket, issued: Sequence[Ints], used: Sequence[Ints]
) -> tuple[Bools, Bools]:
    """The uses of values that their clients had to know to be old, and that they may have known."""
    exchanges, (exchange, value, series) = bucket.exchanges, issued
    response_start, least = exchanges.response_start[exchange], exchanges.least
    request_start = exchanges.request_start[used[0]]
    index = AsOfIndex(series, response_start, exchanges.span)
    newest = index.last(used[2], request_start)
    # A value that the response begun last issued was not yet superseded by any.
    old = np.flatnonzero((newest >= 0) & (np.append(value, NOTHING)[newest] != used[1]))
    latest = response_start[newest[old]]
    index = AsOfIndex(series, least.visible_from[exchange], exchanges.span)
    composed = least.request_start[used[0][old]]
    visible = index.maxima(response_start)[index.at(used[2][old], composed, inclusive=False)]
    index = AsOfIndex(value, response_start, exchanges.span)
    heard_by = least.heard_by[used[0][old]]
    held = index.maxima(least.response_end[exchange])[index.at(used[1][old], heard_by)]
    late, in_flight = np.zeros((2, len(request_start)), dtype=np.bool_)
    late[old] = (held >= 0) & (visible > held)
    in_flight[old] = (held >= 0) & (latest > held) & ~late[old]
    return late, in_flight


def _issues(bucket: Bucket) -> tuple[Ints, Ints, Ints, Bools]:
    issued, exchanges = bucket.issued, bucket.exchanges
    rows = np.flatnonzero(issued.usage != MALFORMED)
    exchange, value, series = issued.exchange[rows], issued.value[rows], issued.series[rows]
    forced = (~issued.informational[rows]).astype(np.int64)
    order = ordered(
        series * exchanges.span + exchanges.response_start[exchange],
        exchanges.response_end[exchange],
        exchanges.id[exchange],
        bucket.values.fingerprint[value],
    )
    exchange, value, series = exchange[order], value[order], series[order]
    forced = forced[order]
    # One exchange may issue a value twice, in two channels: that is one issue.
    begins = run_begins(value) | run_begins(exchange)
    if not begins.all():
        starts = np.flatnonzero(begins)
        forced = np.maximum.reduceat(forced, starts)
        exchange, value, series = exchange[starts], value[starts], series[starts]
    return exchange, value, series, forced == 0


def _presented(bucket: Bucket) -> tuple[Ints, Ints, Ints]:
    presented = chosen(bucket.presented, bucket.presented.kind == VALUE)
    exchange, value, series = presented.exchange, presented.value, presented.series
    if not (run_begins(exchange) | run_begins(series)).all():
        # One request may present a value twice, in two channels: that is one use.
        _, firsts = np.unique(pairs(exchange, value, len(bucket.values)), return_index=True)
        firsts.sort()
        exchange, value, series = exchange[firsts], value[firsts], series[firsts]
    return exchange, value, series


def _at_first(count: int, value: Ints, moment: Ints) -> Ints:
    """As `_first`, of moments that are in order for each value: what is written last stays."""
    first = np.full(count, FOREVER)
    first[value[::-1]] = moment[::-1]
    return first


def _at_last(count: int, value: Ints, moment: Ints) -> Ints:
    """As `_last`, of moments that are in order for each value."""
    last = np.full(count, -1, dtype=np.int64)
    last[value] = moment
    return last


def _first(count: int, value: Ints, moment: Ints) -> Ints:
    first = np.full(count, FOREVER)
    np.minimum.at(first, value, moment)
    return first


def _last(count: int, value: Ints, moment: Ints) -> Ints:
    last = np.full(count, -1, dtype=np.int64)
    np.maximum.at(last, value, moment)
    return last
