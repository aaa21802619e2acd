"""What a faulty request should have presented, and what had kept it from its client.

Enters: a part, its history, and the faults in question. Leaves: for each fault what stood between
its client and the newest value that the client must have known (R2).

A value may be issued, replaced and issued again. What had become of it before it was replaced says
nothing of now: only its current *run* counts, the issues since the last one of another value.
"""

from dataclasses import dataclass

import numpy as np

from statetrail.analyses.causes.delivery import obstacles
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, Past, ordered, run_begins
from statetrail.analyses.columnar.bucket import MALFORMED, Part
from statetrail.analyses.columnar.dialect_masks import Rules, mount
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details
from statetrail.analyses.events.history import Lives


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
class _Issues:
    """The well-formed issues in order of (series, start of the response, exchange id, value).

    `run`: when the run of equal values that each belongs to began.
    """

    ex: Ints
    value: Ints
    series: Ints
    run: Ints


def hindrances(
    part: Part, rules: Rules, told: Lives, details: Details, ex: Ints, series: Ints
) -> Hindrance:
    """What stood between these requests and the newest values of these series."""
    exchanges, issues = part.exchanges, _issues(part, told)
    newest = _newest(part, issues, exchanges.asked[ex], series)
    due = np.flatnonzero(newest >= 0)
    newest, asked = newest[due], exchanges.asked[ex[due]]
    value = issues.value[newest]
    wanted = np.zeros(len(part.values), dtype=np.bool_)
    wanted[value] = True
    issues_of = np.flatnonzero(wanted[issues.value])
    place = np.full(len(issues.ex), NOTHING, dtype=np.int64)
    place[issues_of] = obstacles(
        part, rules, details, issues.ex[issues_of], issues.value[issues_of]
    )
    clear = issues_of[place[issues_of] == NOTHING]
    had = np.maximum(
        _readable(part, issues, clear, value, asked), _presented(part, told, wanted, value, asked)
    )
    found = Hindrance(
        np.full(len(ex), NOTHING, dtype=np.int64),
        np.zeros(len(ex), dtype=np.bool_),
        np.zeros(len(ex), dtype=np.bool_),
    )
    found.obstacle[due] = np.where(had < issues.run[newest], place[newest], NOTHING)
    found.other_path[due] = _other_path(part, rules, issues, issues_of, newest, ex[due])
    begun = exchanges.begun[issues.ex[newest]]
    found.malformed[due] = _malformed(part, series[due], asked) >= begun
    return found


def _newest(part: Part, issues: _Issues, asked: Ints, series: Ints) -> Ints:
    """Of the issues that must be known (R2), the place of the one that began last; -1: none."""
    exchanges = part.exchanges
    whole = np.flatnonzero(exchanges.clock[exchanges.ended[issues.ex]] < FOREVER)
    span = max(exchanges.span, len(issues.ex) + 1)
    past = Past(issues.series[whole], exchanges.must[issues.ex[whole]], span)
    return past.maxima(whole)[past.at(series, asked, inclusive=False)]


def _readable(part: Part, issues: _Issues, clear: Ints, value: Ints, asked: Ints) -> Ints:
    """When the value was last issued without an obstacle, of the issues that must be known."""
    exchanges, ex = part.exchanges, issues.ex[clear]
    clear, ex = (each[exchanges.clock[exchanges.ended[ex]] < FOREVER] for each in (clear, ex))
    past = Past(issues.value[clear], exchanges.must[ex], exchanges.span)
    return past.maxima(exchanges.begun[ex])[past.at(value, asked, inclusive=False)]


def _presented(part: Part, told: Lives, wanted: Bools, value: Ints, asked: Ints) -> Ints:
    """When the client had last presented the value: it had it then, whatever it came by."""
    use = np.flatnonzero(wanted[told.uses.value])
    moment = part.exchanges.asked[told.uses.ex[use]]
    past = Past(told.uses.value[use], moment, part.exchanges.span)
    return past.maxima(moment)[past.at(value, asked, inclusive=False)]


def _other_path(
    part: Part, rules: Rules, issues: _Issues, issues_of: Ints, newest: Ints, ex: Ints
) -> Bools:
    """Whether the value was issued only under another path in front of the API."""
    exchanges = part.exchanges
    mounts = mount(part, rules)
    param = part.series_param[issues.series]
    at = mounts[exchanges.where[issues.ex], param]
    here = mounts[exchanges.where[ex], param[newest]]
    moved = (here >= 0) & (at[newest] >= 0) & (here != at[newest])
    placed = issues_of[at[issues_of] >= 0]
    width = int(mounts.max(initial=0)) + 1
    begun = exchanges.begun[issues.ex[placed]]
    past = Past(issues.value[placed] * width + at[placed], begun, exchanges.span)
    same = past.at(issues.value[newest] * width + here, exchanges.asked[ex])
    elsewhere: Bools = moved & (same == NOTHING)
    return elsewhere


def _malformed(part: Part, series: Ints, asked: Ints) -> Ints:
    """When the last malformed issue that may be known had ended.

    As with values (R3), what began later replaces it only if it began after that. One that was cut
    short counts from its beginning.
    """
    exchanges, issued = part.exchanges, part.issued
    issue = np.flatnonzero(issued.usage == MALFORMED)
    ex = issued.ex[issue]
    begun, ended = exchanges.begun[ex], exchanges.ended[ex]
    until = np.where(exchanges.clock[ended] < FOREVER, ended, begun)
    past = Past(issued.series[issue], begun, exchanges.span)
    return past.maxima(until)[past.at(series, asked)]


def _issues(part: Part, told: Lives) -> _Issues:
    answers, exchanges = told.answers, part.exchanges
    begun = exchanges.begun[answers.ex]
    order = ordered(
        answers.series * exchanges.span + begun,
        exchanges.id[answers.ex],
        part.values.fingerprint[answers.value],
    )
    value, begun = answers.value[order], begun[order]
    run = np.maximum.accumulate(np.where(run_begins(value), np.arange(len(value)), 0))
    return _Issues(answers.ex[order], value, answers.series[order], begun[run])
