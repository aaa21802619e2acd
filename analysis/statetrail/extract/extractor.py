"""From an exchange to its facts: the one place where dialects meet traffic.

Enters: an `Exchange` (from a live flow, a flow file or a HAR file, all the same) and an
`ExtractorConfig`. Leaves: `ExchangeFacts`, which hold no secret and may be stored. Pure and total:
no disk, no clock, and no exception whatever the network sends. A value that does not parse is a
fact with its problem; what had to be bounded is a note.
"""

from typing import Final

from statetrail.extract.config import ExtractorConfig
from statetrail.extract.exchange_row import exchange_row
from statetrail.extract.headers import RequestHeaders, ResponseHeaders
from statetrail.extract.path import Path
from statetrail.extract.records import MAX_VALUES, Exchange, ExchangeFacts, Response
from statetrail.extract.state import State, state_of
from statetrail.extract.target import Target
from statetrail.extract.token_candidates import token_candidates
from statetrail.extract.wire_values import (
    IssuedValue,
    PresentedValue,
    presented_values,
    root,
    root_issue,
)

__all__ = ["MAX_VALUES", "ExtractorConfig", "extract"]

MAX_REMEMBERED: Final = 1024
"""Bytes of a query and of a root's values with which a state is remembered."""


def extract(exchange: Exchange, config: ExtractorConfig) -> ExchangeFacts:
    """The sightings of one exchange and its storable row."""
    request, response = exchange.request, exchange.response
    target = config.targets.of(request.target)
    path = target.path
    request_headers = config.headers.request_headers(request.headers)
    response_headers = config.headers.response_headers(
        None if response is None else response.headers
    )
    roots, notes = _roots(response, response_headers, path)

    key = request_headers, response_headers, target.presenting, roots, path.in_scope
    state = None if target.capped else config.states.get(key)
    if state is None:
        state = _state(request_headers, response_headers, target, roots, config)
        if not target.capped and _is_small(target.presenting, roots, state):
            config.states.keep(key, state)

    noted = exchange.notes
    if target.capped or notes or state.notes:
        noted = (*noted, *(("query-capped",) if target.capped else ()), *notes, *state.notes)
    return ExchangeFacts(
        exchange_row(exchange, request_headers, response_headers, path, config, state, notes=noted),
        state.issued,
        state.presented,
        token_candidates(
            target.candidates,
            path.token_candidates,
            request_headers.token_candidates,
            state.candidates,
        ),
    )


def _roots(
    response: Response | None, response_headers: ResponseHeaders, path: Path
) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """The values on the body's root, one for each channel in scope; notes, where it has none."""
    if response is None or not path.roots:
        return (), ()
    codings = response.codings if response.codings is not None else response_headers.codings
    found = root(response.body, codings, response_headers.charset)
    if isinstance(found, str):
        return (None,) * len(path.roots), (found,)
    return tuple([found.get(attribute) for attribute in path.roots]), ()


def _state(
    request_headers: RequestHeaders,
    response_headers: ResponseHeaders,
    target: Target,
    roots: tuple[str | None, ...],
    config: ExtractorConfig,
) -> State:
    presented: list[PresentedValue] = []
    issued: list[IssuedValue] = []
    matched: list[str] = []
    values = iter(roots)
    for at, compiled in enumerate(config.compiled_dialects):
        presented += request_headers.presented[at]
        presented += presented_values({}, target.presenting, compiled)
        issues = list(response_headers.issued[at])
        if target.path.in_scope[at] and roots:
            found = [(next(values), channel) for channel in compiled.roots]
            issues += [root_issue(value, compiled, c) for value, c in found if value is not None]
        issued += issues
        if target.path.in_scope[at] or issues:
            matched.append(compiled.dialect.name)
    return state_of(presented, issued, matched, config, blind=target.capped)


def _is_small(
    presenting: tuple[tuple[bytes, bytes], ...], roots: tuple[str | None, ...], state: State
) -> bool:
    size = sum([len(key) + len(value) for key, value in presenting])
    size += sum([len(value) for value in roots if value is not None])
    return size <= MAX_REMEMBERED and len(state.issued) + len(state.presented) <= MAX_VALUES
