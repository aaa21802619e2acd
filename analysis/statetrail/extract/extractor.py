"""From an exchange to its sightings: the one place where dialects meet traffic.

Enters: an `Exchange` (a live flow, a flow file's or a HAR file's, all the same) and a `Sighting`:
the dialects, the key, what the user wants clear. Leaves: a `Sighted`, which holds no secret and
may be stored. Pure and total: no disk, no clock, no exception for whatever the network sends; what
does not parse is a sighting with its problem, what had to be bounded is a note.
"""

from typing import Final

from statetrail.extract.config import Sighting
from statetrail.extract.exchange_row import exchange_row
from statetrail.extract.headers import Answered, Asked
from statetrail.extract.path import Path
from statetrail.extract.records import MAX_SIGHTINGS, Exchange, Response, Sighted
from statetrail.extract.state import State, state_of
from statetrail.extract.target import Target
from statetrail.extract.token_candidates import traces
from statetrail.extract.wire_values import (
    Issue,
    Presentation,
    presentations,
    root,
    root_issue,
)

__all__ = ["MAX_SIGHTINGS", "Sighting", "sight"]

MAX_REMEMBERED: Final = 1024
"""Bytes of a query and of a root's values with which a state is remembered."""


def sight(exchange: Exchange, how: Sighting) -> Sighted:
    """The sightings of one exchange and its storable row."""
    request, response = exchange.request, exchange.response
    target = how.targets.of(request.target)
    path = target.path
    asked = how.heads.asked(request.headers)
    answered = how.heads.answered(None if response is None else response.headers)
    roots, notes = _roots(response, answered, path)

    key = asked, answered, target.presenting, roots, path.in_scope
    state = None if target.capped else how.states.get(key)
    if state is None:
        state = _state(asked, answered, target, roots, how)
        if not target.capped and _is_small(target.presenting, roots, state):
            how.states.keep(key, state)

    noted = exchange.notes
    if target.capped or notes or state.notes:
        noted = (*noted, *(("query-capped",) if target.capped else ()), *notes, *state.notes)
    return Sighted(
        exchange_row(exchange, asked, answered, path, how, state, notes=noted),
        state.issued,
        state.presented,
        traces(target.prints, path.traces, asked.traces, state.prints),
    )


def _roots(
    response: Response | None, answered: Answered, path: Path
) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """The values on the body's root, one for each channel in scope; notes, where it has none."""
    if response is None or not path.roots:
        return (), ()
    codings = response.codings if response.codings is not None else answered.codings
    found = root(response.body, codings, answered.charset)
    if isinstance(found, str):
        return (None,) * len(path.roots), (found,)
    return tuple([found.get(attribute) for attribute in path.roots]), ()


def _state(
    asked: Asked,
    answered: Answered,
    target: Target,
    roots: tuple[str | None, ...],
    how: Sighting,
) -> State:
    presented: list[Presentation] = []
    issued: list[Issue] = []
    matched: list[str] = []
    values = iter(roots)
    for at, plan in enumerate(how.plans):
        presented += asked.presented[at]
        presented += presentations({}, target.presenting, plan)
        issues = list(answered.issued[at])
        if target.path.in_scope[at] and roots:
            found = [(next(values), channel) for channel in plan.roots]
            issues += [root_issue(value, plan, c) for value, c in found if value is not None]
        issued += issues
        if target.path.in_scope[at] or issues:
            matched.append(plan.dialect.name)
    return state_of(presented, issued, matched, how, blind=target.capped)


def _is_small(
    presenting: tuple[tuple[bytes, bytes], ...], roots: tuple[str | None, ...], state: State
) -> bool:
    size = sum([len(key) + len(value) for key, value in presenting])
    size += sum([len(value) for value in roots if value is not None])
    return size <= MAX_REMEMBERED and len(state.issued) + len(state.presented) <= MAX_SIGHTINGS
