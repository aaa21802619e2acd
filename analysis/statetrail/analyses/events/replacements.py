"""The trail: each time a server moved a client to another value, as the exchange itself shows it.

Enters: a part, and the lives of its values. Leaves: a `Trail`, one entry per issue of a new value.
`statetrail.analyses.tokens.rotations` makes a table of it, and names causes that take more than one
exchange to tell.

When is an issue a rotation?
    Issues of one client, origin, dialect and parameter are ordered by the start of their
    responses, then by the end, then by the exchange id. An earlier issue is *superseded* for a
    later one when a third began after it had ended, and ended before the later one began: the same
    rule by which verdicts decide what a client can know. An issue is a rotation when no earlier
    issue of its value still stands. So a response that was already under way when a new value went
    out, and still repeats the old one, is no rotation back; and of two parallel requests that were
    each given a new value, both are rotations: the trail forks.
    A value that its own request presented is not new to the client. Where the client may choose
    (priority ``informational``) the server took over the client's choice: cause `override`. Where
    it may not, the server kept an older value alive: no rotation.

Which value was before?
    The one that the request presented, where it presented another: that value is what the server
    took away. A choice of the client's own (``informational`` and never issued) was not the
    server's to take away. Otherwise the newest one whose response had ended when this one began.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, Past, among, run_begins
from statetrail.analyses.columnar.bucket import ESTABLISH, Part
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import Lives, birth_seen, pairs

SHOWN: Final = ("establish", "restart", "reset", "reissue", "override")
"""The causes that the exchange itself shows."""
ESTABLISHED, RESTARTED, RESET, REISSUED, OVERRIDDEN = range(5)


@dataclass(frozen=True, slots=True)
class Trail:
    """Every issue of a value that is new to its client.

    Attributes
    ----------
    ex, series
        The exchange and the series.
    before, to
        The value before (-1: the first one) and the new one.
    cause
        A place in `SHOWN`.
    idle_us, idle_high_us, age_us, age_high_us
        How long the value before had lain unused and how old it was, in brackets; -1 where the
        table `ROTATIONS` has null.
    """

    ex: Ints
    series: Ints
    before: Ints
    to: Ints
    cause: Ints
    idle_us: Ints
    idle_high_us: Ints
    age_us: Ints
    age_high_us: Ints

    def __len__(self) -> int:
        return len(self.ex)


def trail(part: Part, told: Lives) -> Trail:
    """The trail of a part's clients."""
    exchanges, answers = part.exchanges, told.answers
    new, newest = _new(part, told)
    ex, to, series = answers.ex[new], answers.value[new], answers.series[new]
    newest = np.where(newest >= 0, answers.value[newest], NOTHING)
    kept = answers.presented[new]
    counts = ~kept | answers.free[new]
    new, newest, ex, to, series = (column[counts] for column in (new, newest, ex, to, series))
    kept = kept[counts]
    used = _used(part, told, ex, series)
    issued_before = (used >= 0) & (told.issued[used] <= exchanges.begun[ex])
    taken_away = (used >= 0) & (~answers.free[new] | issued_before)
    asking = _asking(part, ex, series)
    had_one = _first_must(part, told)[series] < exchanges.asked[ex]
    cause = np.select(
        [kept, taken_away, (newest < 0) | (asking & ~had_one), asking],
        [np.int64(OVERRIDDEN), np.int64(RESET), np.int64(ESTABLISHED), np.int64(RESTARTED)],
        np.int64(REISSUED),
    )
    before = np.select([cause == RESET, cause != ESTABLISHED], [used, newest], np.int64(NOTHING))
    spans = _idle(part, told, ex, before) + _ages(part, told, ex, before)
    return Trail(ex, series, before, to, cause, *spans)


def _new(part: Part, told: Lives) -> tuple[Ints, Ints]:
    """The answers no earlier issue of whose value still stands, and the newest answer before each.

    Both as places in `Lives.answers`, whose order is that of the issues.
    """
    exchanges, answers = part.exchanges, told.answers
    begun, ended = exchanges.begun[answers.ex], exchanges.ended[answers.ex]
    nth = np.arange(len(answers), dtype=np.int64)
    span = max(exchanges.span, len(answers) + 1)
    past = Past(answers.value, nth, span)
    stood = past.maxima(ended)[past.at(answers.value, nth, inclusive=False)]
    past = Past(answers.series, ended, span)
    newest = past.maxima(nth)[past.at(answers.series, begun, inclusive=False)]
    is_new = (stood < 0) | ((newest >= 0) & (begun[newest] > stood))
    return nth[is_new], newest[is_new]


def _used(part: Part, told: Lives, ex: Ints, series: Ints) -> Ints:
    """The first value that each of these requests presented for these series, -1 for none."""
    uses, count = told.uses, len(part.series_who)
    keys = pairs(uses.ex, uses.series, count)
    firsts = np.flatnonzero(run_begins(keys))
    place = among(keys[firsts], pairs(ex, series, count))
    used = np.full(len(ex), NOTHING, dtype=np.int64)
    used[place >= 0] = uses.value[firsts[place[place >= 0]]]
    return used


def _asking(part: Part, ex: Ints, series: Ints) -> Bools:
    """Whether these requests asked for a new value of these series."""
    presented, count = part.presented, len(part.series_who)
    asks = presented.kind == ESTABLISH
    keys = np.sort(pairs(presented.ex[asks], presented.series[asks], count))
    return among(keys, pairs(ex, series, count)) >= 0


def _first_must(part: Part, told: Lives) -> Ints:
    """When something of each series had to be known."""
    first = np.full(len(part.series_who), FOREVER)
    np.minimum.at(first, told.answers.series, part.exchanges.must[told.answers.ex])
    return first


def _idle(part: Part, told: Lives, ex: Ints, before: Ints) -> tuple[Ints, Ints]:
    """How long the values before had lain unused, at least and at most."""
    exchanges, answers, uses = part.exchanges, told.answers, told.uses
    lost = np.zeros(len(part.values), dtype=np.bool_)
    lost[before[before >= 0]] = True
    # Exchanges of one client are in order of their starts: so their place is a moment.
    issue, use = np.flatnonzero(lost[answers.value]), np.flatnonzero(lost[uses.value])
    given, of = answers.ex[issue], answers.value[issue]
    carried = np.concatenate([given, uses.ex[use]])
    value = np.concatenate([of, uses.value[use]])
    span = max(exchanges.span, len(exchanges)) + 1
    order = np.argsort(value * span + carried)
    carried, value = carried[order], value[order]
    whole = exchanges.clock[exchanges.ended[carried]] < FOREVER
    past = Past(value, carried, span)
    place = past.at(before, ex, inclusive=False)
    seen = past.maxima(np.where(whole, exchanges.ended[carried], NOTHING))[place]
    gone = past.maxima(np.where(whole, NOTHING, exchanges.asked[carried]))[place]
    waited = exchanges.clock[exchanges.asked[ex]] - exchanges.clock[seen]
    idle = np.where((seen >= 0) & (gone < seen) & (waited >= 0), waited, NOTHING)
    past = Past(of, exchanges.begun[given], exchanges.span)
    kept = past.maxima(exchanges.asked[given])[
        past.at(before, exchanges.asked[ex], inclusive=False)
    ]
    high = exchanges.clock[exchanges.begun[ex]] - exchanges.clock[kept]
    return idle, np.where(kept >= 0, high, NOTHING)


def _ages(part: Part, told: Lives, ex: Ints, before: Ints) -> tuple[Ints, Ints]:
    """How old the values before were, at least and at most."""
    exchanges = part.exchanges
    known = (before >= 0) & birth_seen(told)[before]
    born = _at(part, told.whole[before])
    aged = exchanges.clock[exchanges.asked[ex]] - born
    age = np.where(known & (born < FOREVER) & (aged >= 0), aged, NOTHING)
    high = exchanges.clock[exchanges.begun[ex]] - _at(part, told.conceived[before])
    return age, np.where(known, high, NOTHING)


def _at(part: Part, moment: Ints) -> Ints:
    """The microseconds of ranks; `FOREVER` is nobody's rank."""
    clock = part.exchanges.clock
    return np.where(moment < FOREVER, clock[np.minimum(moment, len(clock) - 1)], FOREVER)
