"""Observations: the uses of tokens with the time unused and the age in brackets.

Enters: what happened to some tokens (`TokenEvents`), by one client or by several. Leaves:
`Observations`.

The brackets
    The proxy sees when a request is sent and when its response ends; the server's clock ticks
    somewhere in between. So the time unused is at least the time from the end of the last earlier
    exchange that carried the token to the start of this request, and at most the time from the
    start of the last earlier exchange that the server surely accepted to the end of this response.
    Where another exchange overlaps this one, or a request without a response came in between, the
    token may have been touched a moment before: the time unused is at least zero. Where all clock
    readings of an origin are whole milliseconds or seconds, they were cut to that, and the brackets
    widen by it.
    What lies across a step of the clock took nobody knows how long: these ends of brackets are not
    known, and an end of which no bracket is known says nothing of a lifetime.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    AsOfIndex,
    Bools,
    Ints,
    ordered,
    run_begins,
)
from statetrail.analyses.columnar.clock_steps import ClockSteps
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.last_contact import LastContact
from statetrail.analyses.lifetimes.outcomes import (
    CLOCK_STEP,
    ENDED,
    LATE,
    LOGGED_OUT,
    SURVIVED,
)
from statetrail.analyses.lifetimes.token_events import TokenEvents


@dataclass(frozen=True, slots=True)
class Observations:
    """One entry per use of a token: times and spans in microseconds, -1 where not known.

    `outcome` and `exclusion` are places in `OUTCOMES` and `EXCLUDED` (-1: it counts); `replaced`:
    the server had replaced the token, and the client had to know of the newer one. `session` is as
    in `TokenEvents`, `writes` and `login` as in `TokenUses`.
    """

    id: Ints
    client: Ints
    token: Ints
    request_start_us: Ints
    outcome: Ints
    exclusion: Ints
    replaced: Bools
    idle_low_us: Ints
    idle_high_us: Ints
    age_low_us: Ints
    age_high_us: Ints
    session: Ints
    writes: Bools
    login: Ints

    def __len__(self) -> int:
        return len(self.id)


def observe(events: TokenEvents, tick_us: Mapping[str, int], steps: ClockSteps) -> Observations:
    """The uses with their brackets; the grain of each origin's clock readings widens them."""
    uses, clock = events.uses, events.clock
    outcome, exclusion, replaced = _excluded(events)
    counts = np.flatnonzero(exclusion == NOTHING)
    token, start, end = uses.token[counts], uses.request_start[counts], uses.response_end[counts]
    tick = np.array([tick_us.get(origin, 0) for _, origin in events.clients], dtype=np.int64)
    tick = tick[uses.client[counts]]
    last_end, touched, accepted, before = _earlier(events, counts)
    existed, requested, born, first = _births(events)
    start_us, end_us = clock[start], clock[end]

    touching = (last_end != NOTHING) & ~steps.crossed(clock[before >> 1], start_us)
    keeping = (accepted != NOTHING) & ~steps.crossed(clock[accepted >> 1], end_us)
    aging = ~steps.crossed(clock[first[token]], end_us)
    lost = (outcome[counts] == ENDED) & (accepted != NOTHING) & ~keeping
    exclusion[counts[lost]] = CLOCK_STEP
    touching, aging = touching & ~lost, aging & ~lost
    unused = np.where(touched, 0, np.maximum(start_us - _moment(clock, last_end) - tick, 0))
    spans = {
        "idle_low_us": np.where(touching, unused, NOTHING),
        "idle_high_us": np.where(keeping, end_us + tick - _moment(clock, accepted), NOTHING),
        "age_low_us": np.where(
            aging, np.maximum(start_us - clock[existed[token]] - tick, 0), NOTHING
        ),
        "age_high_us": np.where(
            aging & born[token], end_us + tick - clock[requested[token]], NOTHING
        ),
    }

    def whole(name: str) -> Ints:
        """The spans of all uses."""
        span = np.full(len(uses.id), NOTHING, dtype=np.int64)
        span[counts] = spans[name]
        return span

    return Observations(
        id=uses.id,
        client=uses.client,
        token=uses.token,
        request_start_us=clock[uses.request_start],
        outcome=outcome,
        exclusion=exclusion,
        replaced=replaced,
        idle_low_us=whole("idle_low_us"),
        idle_high_us=whole("idle_high_us"),
        age_low_us=whole("age_low_us"),
        age_high_us=whole("age_high_us"),
        session=events.session[uses.token],
        writes=uses.writes,
        login=uses.login,
    )


def _excluded(events: TokenEvents) -> tuple[Ints, Ints, Bools]:
    """The outcomes, what is left out for good, and the uses of tokens that the server had replaced.

    A token that its client gave up by itself is none of the latter: that it is still taken says
    nothing.
    """
    uses, cuts, count = events.uses, events.cuts, len(events.fingerprint)
    logout = np.full(count, FOREVER)
    np.minimum.at(logout, uses.token[uses.logout], uses.request_start[uses.logout])
    fatal = uses.outcome == ENDED
    token = np.concatenate([cuts.token, uses.token[fatal]])
    start = np.concatenate([cuts.request_start, uses.request_start[fatal]])
    ids = np.concatenate([cuts.id, uses.id[fatal]])
    order = ordered(token * len(events.clock) + start, ids)
    order = order[run_begins(token[order])]
    cut, by = np.full(count, FOREVER), np.zeros(count, dtype=np.int64)
    cut[token[order]], by[token[order]] = start[order], ids[order]
    late = (uses.response_end > cut[uses.token]) & (uses.id != by[uses.token])
    counts = uses.exclusion == NOTHING
    gone = uses.logout | (uses.response_end > logout[uses.token])
    exclusion = np.where(counts & gone, LOGGED_OUT, np.where(counts & late, LATE, uses.exclusion))
    ended = np.full(count, FOREVER)
    np.minimum.at(ended, uses.token[fatal], uses.request_start[fatal])
    replaced = uses.replaced & (uses.request_start > ended[uses.token])
    # The server answered with what had replaced the token long before: it still took it.
    accepted = (exclusion == LATE) & fatal & replaced & uses.nothing_new
    return np.where(accepted, SURVIVED, uses.outcome), exclusion, replaced


def _earlier(events: TokenEvents, counts: Ints) -> tuple[Ints, Bools, Ints, Ints]:
    """What was known of the token when each use that counts started.

    Over the exchanges that carried it and had ended by then: their latest end (any end, where one
    more was under way); whether one more was under way, or came in between and was lost; the latest
    start of those that the server surely accepted; that of all that had started. Moments are twice
    the rank, plus one for the microsecond after it.
    """
    uses, issues = events.uses, events.issues
    token = np.concatenate([uses.token, issues.token[issues.apart]])
    start = 2 * np.concatenate([uses.request_start, issues.request_start[issues.apart]])
    end = 2 * np.concatenate([uses.response_end, issues.response_end[issues.apart]])
    sure = np.concatenate([uses.sure, np.ones(int(issues.apart.sum()), dtype=np.bool_)])
    complete = events.clock[end >> 1] < FOREVER
    span = 2 * len(events.clock) + 2
    order = np.argsort(token * span + start)
    if not complete.all():
        order = order[complete[order]]
    here = np.empty(len(token), dtype=np.int64)
    here[order] = np.arange(len(order))
    here = here[counts]  # a use that counts has ended
    contact = LastContact.of(token[order], start[order], end[order], sure[order], span)
    request_start = contact.start[here]
    latest = contact.latest[here]
    under_way = latest > request_start
    any_end = np.where(contact.soonest[here] <= request_start, latest, NOTHING)
    last_end = np.where(under_way, any_end, latest)
    accepted = contact.sure_before[here]
    # Back over those that were under way: as many steps as there were at once.
    rest = np.flatnonzero(accepted >= 0)
    while len(rest):
        rest = rest[contact.end[accepted[rest]] > request_start[rest]]
        accepted[rest] = contact.sure_before[accepted[rest]]
        rest = rest[accepted[rest] >= 0]
    accepted = np.where(accepted >= 0, contact.start[accepted], NOTHING)
    touched = under_way | (contact.next[here] <= end[counts])
    if not complete.all():
        index = AsOfIndex(token[~complete], start[~complete], span)
        lost = index.maxima(start[~complete])[index.at(token[counts], request_start)]
        # Where none is under way, the one before is the last that started.
        touched |= (lost != NOTHING) & (last_end != NOTHING) & (lost >= contact.start[here - 1])
    return last_end, touched, accepted, contact.start[here - 1]


def _births(events: TokenEvents) -> tuple[Ints, Ints, Bools, Ints]:
    """By token, as ranks: by when it existed at the latest, before when it did not exist, whether
    the latter is known, and the first start of a request with it or for it."""
    uses, issues, count = events.uses, events.issues, len(events.fingerprint)
    used, response_end, request_start, response_start = (np.full(count, FOREVER) for _ in range(4))
    np.minimum.at(used, uses.token, uses.request_start)
    np.minimum.at(response_end, issues.token, issues.response_end)
    np.minimum.at(request_start, issues.token, issues.request_start)
    np.minimum.at(response_start, issues.token, issues.response_start)
    last = len(events.clock) - 1
    existed, requested = np.minimum(used, response_end), np.minimum(request_start, last)
    first = np.minimum(np.minimum(used, request_start), last)
    return np.minimum(existed, last), requested, response_start < used, first


def _moment(clock: Ints, twice: Ints) -> Ints:
    """The microsecond of a moment."""
    moment: Ints = clock[twice >> 1] + (twice & 1)
    return moment
