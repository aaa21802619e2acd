"""Trials: the uses of tokens with their gaps and ages in brackets.

Enters: what was seen of some tokens (`Seen`), by one client or by several. Leaves: `Trials`.

The brackets
    The proxy sees when a request is sent and when its response ends; the server's clock ticks
    somewhere in between. So a gap is at least the time from the end of the last earlier exchange
    that carried the token to the start of this request, and at most the time from the start of
    the last earlier exchange that the server surely accepted to the end of this response. Where
    another exchange overlaps this one, or a request without a response came in between, the token
    may have been touched a moment before: the gap is at least zero. Where all clock readings of an
    origin are whole milliseconds or seconds, they were cut to that, and the brackets widen by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    Past,
    chosen,
    concatenated,
    numbered,
    ordered,
    ranked,
    run_begins,
)
from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import Lives
from statetrail.analyses.events.last_contact import Carried
from statetrail.analyses.events.replacements import Trail
from statetrail.analyses.lifetimes.outcomes import (
    ENDED,
    LATE,
    LOGGED_OUT,
    SURVIVED,
    Outcomes,
    Series,
    series_names,
)


@dataclass(frozen=True, slots=True)
class Used:
    """Uses of tokens: `asked` and `ended` are ranks.

    `sure`: the server surely accepted it; `replaced`: its client had to know of a newer one.
    """

    id: Ints
    who: Ints
    token: Ints
    asked: Ints
    ended: Ints
    outcome: Ints
    excluded: Ints
    sure: Bools
    met: Bools
    logout: Bools
    replaced: Bools


@dataclass(frozen=True, slots=True)
class Given:
    """Issues of tokens, times as ranks; `apart`: the request did not present the token."""

    token: Ints
    asked: Ints
    begun: Ints
    ended: Ints
    apart: Bools


@dataclass(frozen=True, slots=True)
class Cuts:
    """Exchanges that replaced tokens; `asked` as a rank."""

    token: Ints
    asked: Ints
    id: Ints


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of some tokens.

    `clients` has the (client, origin) that `Used.who` is a place in; `kind`, a place in `kinds`,
    and `fingerprint` say what each token is; `clock` has the microseconds of each rank.
    """

    clients: Sequence[tuple[str, str]]
    kinds: Sequence[Series]
    kind: Ints
    fingerprint: Ints
    clock: Ints
    used: Used
    given: Given
    cuts: Cuts


@dataclass(frozen=True, slots=True)
class Trials:
    """One entry per use of `Used`: times and spans in microseconds, -1 where not known.

    `outcome` and `excluded` are places in `OUTCOMES` and `EXCLUDED` (-1: it counts); `replaced`:
    the server had replaced the token, and the client had to know of the newer one.
    """

    id: Ints
    who: Ints
    token: Ints
    request_start_us: Ints
    outcome: Ints
    excluded: Ints
    replaced: Bools
    idle_low_us: Ints
    idle_high_us: Ints
    age_low_us: Ints
    age_high_us: Ints

    def __len__(self) -> int:
        return len(self.id)


def seen(part: Part, told: Lives, read: Outcomes, moved: Trail) -> Seen:
    """What a part's exchanges show of their tokens."""
    exchanges, values = part.exchanges, part.values
    names = series_names(part)
    kinds = {name: number for number, name in enumerate(dict.fromkeys(names))}
    kind = np.array([kinds[name] for name in names], dtype=np.int64)[values.series]
    held = np.flatnonzero(read.holds[values.series])
    # A token is whoever's has it: clients that share one keep it alive for each other.
    number, at = numbered(kind[held], values.fingerprint[held])
    token = np.full(len(values), NOTHING, dtype=np.int64)
    token[held] = number
    use = read.use
    ex = told.uses.ex[use]
    used = Used(
        id=exchanges.id[ex],
        who=exchanges.who[ex],
        token=token[told.uses.value[use]],
        asked=exchanges.asked[ex],
        ended=exchanges.ended[ex],
        outcome=read.outcome,
        excluded=read.excluded,
        sure=(read.outcome == SURVIVED) | told.uses.again[use],
        met=read.met,
        logout=read.logout,
        replaced=told.uses.late[use],
    )
    answers = told.answers
    issue = np.flatnonzero(read.holds[answers.series])
    ex = answers.ex[issue]
    given = Given(
        token=token[answers.value[issue]],
        asked=exchanges.asked[ex],
        begun=exchanges.begun[ex],
        ended=exchanges.ended[ex],
        apart=~answers.presented[issue],
    )
    lost = np.flatnonzero((moved.before >= 0) & read.holds[moved.series])
    ex = moved.ex[lost]
    cuts = Cuts(token[moved.before[lost]], exchanges.asked[ex], exchanges.id[ex])
    tokens = (tuple(kinds), kind[held[at]], values.fingerprint[held[at]])
    return Seen(part.clients, *tokens, exchanges.clock, used, given, cuts)


def split(what: Seen, apart: Ints) -> tuple[Seen, Seen]:
    """What was seen of all tokens but those with these fingerprints, and of those."""
    shared = np.isin(what.fingerprint, apart)
    alone, together = (
        replace(
            what,
            used=chosen(what.used, which[what.used.token]),
            given=chosen(what.given, which[what.given.token]),
            cuts=chosen(what.cuts, which[what.cuts.token]),
        )
        for which in (~shared, shared)
    )
    return alone, together


def joined(several: Sequence[Seen]) -> Seen:
    """What was seen of the same tokens by clients of several parts."""
    kinds: dict[Series, int] = {}
    places = [[kinds.setdefault(k, len(kinds)) for k in what.kinds] for what in several]
    kind = np.concatenate(
        [np.array(p, dtype=np.int64)[w.kind] for p, w in zip(places, several, strict=True)]
    )
    fingerprint = np.concatenate([what.fingerprint for what in several])
    token, at = numbered(kind, fingerprint)
    first_token = np.cumsum([0, *(len(what.fingerprint) for what in several)])
    first_who = np.cumsum([0, *(len(what.clients) for what in several)])

    def all_of(name: str) -> list[Any]:
        """The arrays of `Used`, `Given` or `Cuts`, tokens and clients renumbered, times in us."""
        found = []
        for number, what in enumerate(several):
            rows = getattr(what, name)
            change: dict[str, Ints] = {"token": token[rows.token + first_token[number]]}
            if name == "used":
                change["who"] = rows.who + first_who[number]
            for moment in {"asked", "begun", "ended"} & {entry.name for entry in fields(rows)}:
                change[moment] = what.clock[getattr(rows, moment)]
            found.append(replace(rows, **change))
        return found

    used, given, cuts = (concatenated(all_of(name)) for name in ("used", "given", "cuts"))
    ranks, clock = ranked(used.asked, used.ended, given.asked, given.begun, given.ended, cuts.asked)
    return Seen(
        [client for what in several for client in what.clients],
        tuple(kinds),
        kind[at],
        fingerprint[at],
        clock,
        replace(used, asked=ranks[0], ended=ranks[1]),
        replace(given, asked=ranks[2], begun=ranks[3], ended=ranks[4]),
        replace(cuts, asked=ranks[5]),
    )


def trials(what: Seen, tick_us: Mapping[str, int]) -> Trials:
    """The uses with their brackets; the grain of each origin's clock readings widens them."""
    used, clock = what.used, what.clock
    outcome, excluded, replaced = _excluded(what)
    counts = np.flatnonzero(excluded == NOTHING)
    token, asked, ended = used.token[counts], used.asked[counts], used.ended[counts]
    tick = np.array([tick_us.get(origin, 0) for _, origin in what.clients], dtype=np.int64)
    tick = tick[used.who[counts]]
    ended_before, touched, accepted = _earlier(what, counts)
    known, conceived, born = _births(what)
    asked_us, ended_us = clock[asked], clock[ended]
    spans = {
        "idle_low_us": np.where(
            ended_before == NOTHING,
            NOTHING,
            np.where(touched, 0, np.maximum(asked_us - _moment(clock, ended_before) - tick, 0)),
        ),
        "idle_high_us": np.where(
            accepted == NOTHING, NOTHING, ended_us + tick - _moment(clock, accepted)
        ),
        "age_low_us": np.maximum(asked_us - clock[known[token]] - tick, 0),
        "age_high_us": np.where(born[token], ended_us + tick - clock[conceived[token]], NOTHING),
    }

    def whole(name: str) -> Ints:
        """The spans of all uses."""
        span = np.full(len(used.id), NOTHING, dtype=np.int64)
        span[counts] = spans[name]
        return span

    return Trials(
        id=used.id,
        who=used.who,
        token=used.token,
        request_start_us=clock[used.asked],
        outcome=outcome,
        excluded=excluded,
        replaced=replaced,
        idle_low_us=whole("idle_low_us"),
        idle_high_us=whole("idle_high_us"),
        age_low_us=whole("age_low_us"),
        age_high_us=whole("age_high_us"),
    )


def _excluded(what: Seen) -> tuple[Ints, Ints, Bools]:
    """The outcomes, what is left out for good, and the uses of tokens that the server had replaced.

    A token that its client gave up by itself is none of the latter: that it is still taken says
    nothing.
    """
    used, cuts, count = what.used, what.cuts, len(what.fingerprint)
    out = np.full(count, FOREVER)
    np.minimum.at(out, used.token[used.logout], used.asked[used.logout])
    fatal = used.outcome == ENDED
    token = np.concatenate([cuts.token, used.token[fatal]])
    asked = np.concatenate([cuts.asked, used.asked[fatal]])
    ids = np.concatenate([cuts.id, used.id[fatal]])
    order = ordered(token * len(what.clock) + asked, ids)
    order = order[run_begins(token[order])]
    cut, by = np.full(count, FOREVER), np.zeros(count, dtype=np.int64)
    cut[token[order]], by[token[order]] = asked[order], ids[order]
    late = (used.ended > cut[used.token]) & (used.id != by[used.token])
    counts = used.excluded == NOTHING
    gone = used.logout | (used.ended > out[used.token])
    excluded = np.where(counts & gone, LOGGED_OUT, np.where(counts & late, LATE, used.excluded))
    over = np.full(count, FOREVER)
    np.minimum.at(over, used.token[fatal], used.asked[fatal])
    replaced = used.replaced & (used.asked > over[used.token])
    # The server answered with what had replaced the token long before: it still took it.
    accepted = (excluded == LATE) & fatal & replaced & used.met
    return np.where(accepted, SURVIVED, used.outcome), excluded, replaced


def _earlier(what: Seen, counts: Ints) -> tuple[Ints, Bools, Ints]:
    """What had been seen of the token when each use that counts started.

    Over the exchanges that carried it and had ended by then: their latest end (any end, where one
    more was under way); whether one more was under way, or came in between and was lost; the latest
    start of those that the server surely accepted. Moments are twice the rank, plus one for the
    microsecond after it.
    """
    used, given = what.used, what.given
    token = np.concatenate([used.token, given.token[given.apart]])
    start = 2 * np.concatenate([used.asked, given.asked[given.apart]])
    ended = 2 * np.concatenate([used.ended, given.ended[given.apart]])
    sure = np.concatenate([used.sure, np.ones(int(given.apart.sum()), dtype=np.bool_)])
    whole = what.clock[ended >> 1] < FOREVER
    span = 2 * len(what.clock) + 2
    order = np.argsort(token * span + start)
    if not whole.all():
        order = order[whole[order]]
    here = np.empty(len(token), dtype=np.int64)
    here[order] = np.arange(len(order))
    here = here[counts]  # a use that counts has ended
    carried = Carried.of(token[order], start[order], ended[order], sure[order], span)
    asked = carried.start[here]
    latest = carried.latest[here]
    under_way = latest > asked
    ended_before = np.where(
        under_way, np.where(carried.soonest[here] <= asked, latest, NOTHING), latest
    )
    accepted = carried.sure_before[here]
    # Back over those that were under way: as many steps as there were at once.
    late = np.flatnonzero(accepted >= 0)
    while len(late):
        late = late[carried.end[accepted[late]] > asked[late]]
        accepted[late] = carried.sure_before[accepted[late]]
        late = late[accepted[late] >= 0]
    accepted = np.where(accepted >= 0, carried.start[accepted], NOTHING)
    touched = under_way | (carried.next[here] <= ended[counts])
    if not whole.all():
        past = Past(token[~whole], start[~whole], span)
        lost = past.maxima(start[~whole])[past.at(token[counts], asked)]
        # Where none is under way, the one before is the last that started.
        touched |= (lost != NOTHING) & (ended_before != NOTHING) & (lost >= carried.start[here - 1])
    return ended_before, touched, accepted


def _births(what: Seen) -> tuple[Ints, Ints, Bools]:
    """By token, as ranks: by when it existed at the latest, before when it did not exist, and
    whether the latter is known."""
    used, given, count = what.used, what.given, len(what.fingerprint)
    first = [np.full(count, FOREVER) for _ in range(4)]
    shown, ended, asked, begun = first
    np.minimum.at(shown, used.token, used.asked)
    np.minimum.at(ended, given.token, given.ended)
    np.minimum.at(asked, given.token, given.asked)
    np.minimum.at(begun, given.token, given.begun)
    nowhere = len(what.clock) - 1
    known, conceived = np.minimum(shown, ended), np.minimum(asked, nowhere)
    return np.minimum(known, nowhere), conceived, begun < shown


def _moment(clock: Ints, twice: Ints) -> Ints:
    """The microsecond of a moment."""
    moment: Ints = clock[twice >> 1] + (twice & 1)
    return moment
