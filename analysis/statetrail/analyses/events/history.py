"""Lives: what each value of a part met with, as far as single sightings tell.

Enters: a part. Leaves: its readable issues and its uses, each value once per exchange, and the
first and last of both by value. The lives of tokens and the causes of rotations start from these.

Malformed issues bind nobody and are left out; so are requests that ask for a value or present an
empty one.

Late or in flight?
    A use is `late` when the client had to know of a newer value, by the race rule of the verdicts
    (R1-R3 there): some issue whose response had ended, and the grace period passed, when this
    request started, began after the last issue of this value that the client may have known had
    ended. It is `in_flight` when such an issue had only begun: the client may have known of it,
    and need not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    Past,
    among,
    chosen,
    ordered,
    run_begins,
)
from statetrail.analyses.columnar.bucket import MALFORMED, VALUE, Part
from statetrail.analyses.conformance.visibility import FOREVER


@dataclass(frozen=True, slots=True)
class Answers:
    """The issues, in order of (series, begun, ended, exchange id, fingerprint).

    `free` where every issue of the value in that response lets the client choose; `presented`
    where its request presented the value.
    """

    ex: Ints
    value: Ints
    series: Ints
    free: Bools
    presented: Bools

    def __len__(self) -> int:
        return len(self.ex)


@dataclass(frozen=True, slots=True)
class Uses:
    """The values presented, in order of (exchange, series, first appearance).

    `again` where the response issued the value, too; `answered` where it issued any of the series;
    `late` and `in_flight` as above.
    """

    ex: Ints
    value: Ints
    series: Ints
    again: Bools
    answered: Bools
    late: Bools
    in_flight: Bools

    def __len__(self) -> int:
        return len(self.ex)


@dataclass(frozen=True, slots=True)
class Lives:
    """The sightings of a part's values, and what they say of each value.

    By value, as ranks of time: `issued` and `reissued` (first and last beginning of a response
    that issued it), `whole` and `last_whole` (first and last end of one), `conceived` (start of the
    first request that was so answered), `used` and `reused` (start of the first and last request
    that presented it). What never happened is `FOREVER` where it is a first and -1 where a last.
    """

    answers: Answers
    uses: Uses
    issued: Ints
    reissued: Ints
    whole: Ints
    last_whole: Ints
    conceived: Ints
    used: Ints
    reused: Ints


def lives(part: Part) -> Lives:
    """The lives of a part's values."""
    exchanges, count = part.exchanges, len(part.values)
    answers, uses = _sightings(part)
    begun, ended = exchanges.begun[answers.ex], exchanges.ended[answers.ex]
    asked = exchanges.asked[uses.ex]
    return Lives(
        answers,
        uses,
        _at_first(count, answers.value, begun),
        _at_last(count, answers.value, begun),
        _first(count, answers.value, ended),
        _last(count, answers.value, ended),
        _first(count, answers.value, exchanges.asked[answers.ex]),
        _at_first(count, uses.value, asked),
        _at_last(count, uses.value, asked),
    )


def birth_seen(told: Lives) -> Bools:
    """The values that were issued before they were first presented."""
    return (told.issued < FOREVER) & (told.issued < told.used)


def pairs(ex: Ints, of: Ints, count: int) -> Ints:
    """Exchanges together with values or series, as one integer each."""
    return ex * max(count, 1) + of


def _sightings(part: Part) -> tuple[Answers, Uses]:
    ex, value, series, free = _issues(part)
    issued, used = (ex, value, series), _presented(part)
    presented, again, answered = _met(part, issued, used)
    known = _superseded(part, issued, used)
    return Answers(*issued, free, presented), Uses(*used, again, answered, *known)


def _met(part: Part, issued: Sequence[Ints], used: Sequence[Ints]) -> tuple[Bools, Bools, Bools]:
    """The issues whose request presented their value; the uses whose response issued it, too, and
    those whose response issued any of the series."""
    count = len(part.series_who)
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
    # Of a run of values that one request presented for one series: the first, the second, ...
    nth = 0
    while len(issue):
        use = firsts[run] + nth
        same = np.flatnonzero(used[1][use] == issued[1][issue])
        presented[issue[same]] = again[use[same]] = True
        nth += 1
        more = several[run] > nth
        issue, run = issue[more], run[more]
    return presented, again, answered[np.cumsum(begins) - 1]


def _superseded(part: Part, issued: Sequence[Ints], used: Sequence[Ints]) -> tuple[Bools, Bools]:
    """The uses of values that their clients had to know to be old, and that they may have known."""
    exchanges, (ex, value, series) = part.exchanges, issued
    begun, asked = exchanges.begun[ex], exchanges.asked[used[0]]
    past = Past(series, begun, exchanges.span)
    newest = past.last(used[2], asked)
    # A value that the response begun last issued was not yet superseded by any.
    old = np.flatnonzero((newest >= 0) & (np.append(value, NOTHING)[newest] != used[1]))
    may = begun[newest[old]]
    past = Past(series, exchanges.must[ex], exchanges.span)
    must = past.maxima(begun)[past.at(used[2][old], asked[old], inclusive=False)]
    past = Past(value, begun, exchanges.span)
    held = past.maxima(exchanges.ended[ex])[past.at(used[1][old], asked[old])]
    late, in_flight = np.zeros((2, len(asked)), dtype=np.bool_)
    late[old] = (held >= 0) & (must > held)
    in_flight[old] = (held >= 0) & (may > held) & ~late[old]
    return late, in_flight


def _issues(part: Part) -> tuple[Ints, Ints, Ints, Bools]:
    issued, exchanges = part.issued, part.exchanges
    rows = np.flatnonzero(issued.usage != MALFORMED)
    ex, value, series = issued.ex[rows], issued.value[rows], issued.series[rows]
    forced = (~issued.informational[rows]).astype(np.int64)
    order = ordered(
        series * exchanges.span + exchanges.begun[ex],
        exchanges.ended[ex],
        exchanges.id[ex],
        part.values.fingerprint[value],
    )
    ex, value, series, forced = ex[order], value[order], series[order], forced[order]
    # One exchange may issue a value twice, in two channels: that is one issue.
    begins = run_begins(value) | run_begins(ex)
    if not begins.all():
        starts = np.flatnonzero(begins)
        forced = np.maximum.reduceat(forced, starts)
        ex, value, series = ex[starts], value[starts], series[starts]
    return ex, value, series, forced == 0


def _presented(part: Part) -> tuple[Ints, Ints, Ints]:
    presented = chosen(part.presented, part.presented.kind == VALUE)
    ex, value, series = presented.ex, presented.value, presented.series
    if not (run_begins(ex) | run_begins(series)).all():
        # One request may present a value twice, in two channels: that is one use.
        _, firsts = np.unique(pairs(ex, value, len(part.values)), return_index=True)
        firsts.sort()
        ex, value, series = ex[firsts], value[firsts], series[firsts]
    return ex, value, series


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
