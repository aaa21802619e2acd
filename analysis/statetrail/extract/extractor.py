"""From an exchange to its facts: the one place where dialects meet traffic.

Enters: an `Exchange` (from a live flow, a flow file or a HAR file, all the same) and an
`ExtractorConfig`. Leaves: `ExchangeFacts`, which hold no secret and may be stored. Total: no disk,
no clock, and no exception whatever the network sends. The one thing that an exchange leaves behind
for later ones are its secrets (`KnownValues`). A value that does not parse is a
fact with its problem; what had to be bounded is a note.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from statetrail.dialects import Dialect
from statetrail.dialects.wire import BodyError
from statetrail.extract.bodies import BodyBeginning
from statetrail.extract.cache import BoundedCache
from statetrail.extract.exchange_row import ExchangeRow, RowReader
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.headers import HeaderReader, RequestHeaders, ResponseHeaders
from statetrail.extract.known_values import MAX_KNOWN, KnownValues
from statetrail.extract.records import (
    CLIENT_HEADER,
    IDS,
    MAX_VALUES,
    Exchange,
    Response,
)
from statetrail.extract.state import Issued, Presented, State, StateReader
from statetrail.extract.target import Path, Target, TargetReader
from statetrail.extract.text import CREDENTIAL
from statetrail.extract.token_candidates import TokenCandidate, token_candidates
from statetrail.extract.wire_values import (
    CompiledDialect,
    IssuedValue,
    PresentedValue,
    issued_in_body,
)

CACHED: Final = 2048
"""States that are cached."""
MAX_CACHED: Final = 1024
"""Characters of the values of the target and the body with which a state is cached."""

type _BodyValues = tuple[tuple[str | None, ...], ...]
"""What the places in bodies found, by dialect in scope and place."""
type _StateKey = tuple[
    RequestHeaders, ResponseHeaders, tuple[object, ...], _BodyValues, tuple[bool, ...]
]
"""All that a `State` is made from: the headers of both messages, what the target presents, what the
body issues, and whether the request is in scope of each dialect."""


class ExchangeFacts(msgspec.Struct, frozen=True, gc=False):
    """What one exchange leaves: its row, and the values in it. Holds no secret."""

    exchange: ExchangeRow
    issued: tuple[Issued, ...] = ()
    presented: tuple[Presented, ...] = ()
    token_candidates: tuple[TokenCandidate, ...] = ()


@dataclass(slots=True)
class ExtractorConfig:
    """How exchanges are read: the dialects, the key, what the user wants clear.

    `clear` are names of parameters whose values are stored in clear although they are secret, and
    of what is personal otherwise (`PERSONAL`);
    `client_header` is the lower-case name of a request header that tells clients apart. The readers
    of the parts of an exchange are made from these, and cache what they read last. `known` are the
    secrets of the exchanges so far, at most `max_known`.
    """

    dialects: tuple[Dialect, ...]
    fingerprinter: Fingerprinter
    clear: frozenset[str] = frozenset()
    client_header: str | None = None
    max_known: int = MAX_KNOWN
    compiled: tuple[CompiledDialect, ...] = field(init=False, repr=False, compare=False)
    targets: TargetReader = field(init=False, repr=False, compare=False)
    headers: HeaderReader = field(init=False, repr=False, compare=False)
    known: KnownValues = field(init=False, repr=False, compare=False)
    states: StateReader = field(init=False, repr=False, compare=False)
    rows: RowReader = field(init=False, repr=False, compare=False)
    cache: BoundedCache[_StateKey, State] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = tuple(CompiledDialect(dialect) for dialect in self.dialects)
        credential = bool(self.client_header and CREDENTIAL.search(self.client_header))
        self.compiled = compiled
        self.targets = TargetReader(compiled, self.fingerprinter, numbers=IDS in self.clear)
        self.headers = HeaderReader(
            compiled,
            self.fingerprinter,
            self.client_header,
            hides_client=credential or CLIENT_HEADER not in self.clear,
            shows_ids=IDS in self.clear,
        )
        self.known = KnownValues(self.fingerprinter, self.max_known)
        self.states = StateReader(self.fingerprinter, self.clear, self.known)
        self.rows = RowReader(self.fingerprinter, self.headers, self.known, self.clear)
        self.cache = BoundedCache(CACHED)


def extract(
    exchange: Exchange, config: ExtractorConfig, source: str | None = None
) -> ExchangeFacts:
    """The facts of one exchange: its row, and the values issued and presented in it.

    `source` names the imported file that it is from, where this is a client of its own.
    """
    request, response = exchange.request, exchange.response
    target = config.targets.read(request.target)
    path = target.path
    sent = config.headers.read_request(request.headers)
    received = config.headers.read_response(None if response is None else response.headers)
    values, notes = _body_values(response, received, path)

    key: _StateKey = (sent, received, target.presented, values, path.in_scope)
    state = None if target.capped else config.cache.get(key)
    if state is None:
        state = _state(sent, received, target, values, config)
        if not target.capped and _is_small(target, values, state):
            config.cache.keep(key, state)

    # Other exchanges may give these secrets away from now on, this one may not at all.
    state.secrets.remember()
    all_notes = exchange.notes
    if target.capped or notes or state.notes:
        capped = ("query-capped",) if target.capped else ()
        all_notes = (*all_notes, *capped, *notes, *state.notes)
    return ExchangeFacts(
        config.rows.read(*(exchange, sent, received, path, state), notes=all_notes, source=source),
        state.issued,
        state.presented,
        token_candidates(target.candidates, path.candidates, sent.candidates, state.fingerprints),
    )


class WireState(NamedTuple):
    """The values of one exchange as on the wire, in the order of its facts. Holds secrets.

    `notes` say why a body in scope could not be read.
    """

    presented: list[PresentedValue]
    issued: list[IssuedValue]
    notes: tuple[str, ...]


def wire_state(exchange: Exchange, config: ExtractorConfig) -> WireState:
    """What `extract` finds in an exchange, before it is made fit to be kept."""
    request, response = exchange.request, exchange.response
    target = config.targets.read(request.target)
    sent = config.headers.read_request(request.headers)
    received = config.headers.read_response(None if response is None else response.headers)
    values, notes = _body_values(response, received, target.path)
    presented, issued, _ = _wire_values(sent, received, target, values, config)
    return WireState(presented, issued, notes)


def _body_values(
    response: Response | None, received: ResponseHeaders, path: Path
) -> tuple[_BodyValues, tuple[str, ...]]:
    """What is issued in the body, by the dialects in scope; notes, where it cannot be read."""
    if response is None or not path.bodies or not response.body:
        return (), ()
    codings = response.codings if response.codings is not None else received.codings
    body = BodyBeginning(response.body, codings, received.charset)
    values: list[tuple[str | None, ...]] = []
    notes: list[str] = []
    for compiled in path.bodies:
        for _, reader in compiled.body_readers:
            try:
                values.append(reader.in_body(body))
            except BodyError as error:
                values.append((None,) * len(reader.params))
                notes.append(f"body-{error}")
    return tuple(values), tuple(notes)


def _state(
    sent: RequestHeaders,
    received: ResponseHeaders,
    target: Target,
    values: _BodyValues,
    config: ExtractorConfig,
) -> State:
    presented, issued, matched = _wire_values(sent, received, target, values, config)
    return config.states.read(presented, issued, ",".join(matched), blind=target.capped)


def _wire_values(
    sent: RequestHeaders,
    received: ResponseHeaders,
    target: Target,
    values: _BodyValues,
    config: ExtractorConfig,
) -> tuple[list[PresentedValue], list[IssuedValue], list[str]]:
    """What is presented and issued, and the names of the dialects that matched."""
    presented: list[PresentedValue] = []
    issued: list[IssuedValue] = []
    matched = []
    texts = iter(values)
    for at, compiled in enumerate(config.compiled):
        presented += [*sent.presented[at], *target.presented[at]]
        issues = list(received.issued[at])
        if values and compiled in target.path.bodies:
            issues += issued_in_body([next(texts) for _ in compiled.body_readers], compiled)
        issued += issues
        if target.path.in_scope[at] or issues:
            matched.append(compiled.dialect.name)
    return presented, issued, matched


def _is_small(target: Target, values: _BodyValues, state: State) -> bool:
    size = sum([len(each.value) for own in target.presented for each in own])
    size += sum([len(value) for texts in values for value in texts if value is not None])
    return size <= MAX_CACHED and len(state.issued) + len(state.presented) <= MAX_VALUES
