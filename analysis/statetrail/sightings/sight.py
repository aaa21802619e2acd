"""From an exchange to its sightings: the one place where dialects meet traffic.

Enters: an `Exchange` (a live flow, a flow file's or a HAR file's, all the same) and a `Sighting`:
the dialects, the key, what the user wants clear. Leaves: a `Sighted`, which holds no secret and
may be stored. Pure and total: no disk, no clock, no exception for whatever the network sends; what
does not parse is a sighting with its problem, what had to be bounded is a note.
"""

from typing import Final

from statetrail.sightings.claims import (
    Issue,
    Presentation,
    presentations,
    query_fields,
    root,
    root_issue,
)
from statetrail.sightings.heads import Answered, Asked
from statetrail.sightings.paths import Path
from statetrail.sightings.records import MAX_SIGHTINGS, Exchange, Response, Sighted
from statetrail.sightings.row import exchange_row
from statetrail.sightings.sighting import Sighting
from statetrail.sightings.state import State, state_of
from statetrail.sightings.traces import traces

__all__ = ["MAX_SIGHTINGS", "Sighting", "sight"]

MAX_REMEMBERED: Final = 1024
"""Bytes of a query and of a root's values with which a state is remembered."""


def sight(exchange: Exchange, how: Sighting) -> Sighted:
    """The sightings of one exchange and its storable row."""
    request, response = exchange.request, exchange.response
    path = how.paths.of(request.target)
    asked = how.heads.asked(request.headers)
    answered = how.heads.answered(None if response is None else response.headers)
    query, capped = query_fields(request.target)
    presenting = tuple([field for field in query if field[0].lower() in how.query])
    roots, notes = _roots(response, answered, path, how)

    key = asked, answered, presenting, roots, path.in_scope
    state = None if capped else how.states.get(key)
    if state is None:
        state = _state(asked, answered, presenting, roots, path, how, capped=capped)
        if not capped and _is_small(presenting, roots, state):
            how.states.keep(key, state)

    noted = exchange.notes
    if capped or notes or state.notes:
        noted = (*noted, *(("query-capped",) if capped else ()), *notes, *state.notes)
    return Sighted(
        exchange_row(exchange, asked, answered, path, how, state, notes=noted),
        state.issued,
        state.presented,
        traces(path.traces, asked.traces, query, state.prints, how.query_prints),
    )


def _roots(
    response: Response | None, answered: Answered, path: Path, how: Sighting
) -> tuple[tuple[str | None, ...], list[str]]:
    """The values on the body's root, one for each channel in scope; notes, where it has none."""
    values: list[str | None] = []
    notes: list[str] = []
    if response is None:
        return (), notes
    attributes: dict[str, str] | None = None
    for plan, in_scope in zip(how.plans, path.in_scope, strict=True):
        if not in_scope:
            continue
        for channel in plan.roots:
            if attributes is None:
                codings = response.codings if response.codings is not None else answered.codings
                found = root(response.body, codings, answered.charset)
                if isinstance(found, str):
                    notes.append(found)
                    attributes = {}
                else:
                    attributes = found
            values.append(attributes.get(channel.attribute))
    return tuple(values), notes


def _state(
    asked: Asked,
    answered: Answered,
    presenting: tuple[tuple[bytes, bytes], ...],
    roots: tuple[str | None, ...],
    path: Path,
    how: Sighting,
    *,
    capped: bool,
) -> State:
    presented: list[Presentation] = []
    issued: list[Issue] = []
    matched: list[str] = []
    values = iter(roots)
    for at, plan in enumerate(how.plans):
        presented += asked.presented[at]
        presented += presentations({}, presenting, plan)
        issues = list(answered.issued[at])
        if path.in_scope[at] and roots:
            found = [(next(values), channel) for channel in plan.roots]
            issues += [root_issue(value, plan, c) for value, c in found if value is not None]
        issued += issues
        if path.in_scope[at] or issues:
            matched.append(plan.dialect.name)
    return state_of(presented, issued, matched, how, blind=capped)


def _is_small(
    presenting: tuple[tuple[bytes, bytes], ...], roots: tuple[str | None, ...], state: State
) -> bool:
    size = sum([len(key) + len(value) for key, value in presenting])
    size += sum([len(value) for value in roots if value is not None])
    return size <= MAX_REMEMBERED and len(state.issued) + len(state.presented) <= MAX_SIGHTINGS
