"""From an exchange to its facts: the one place where dialects meet traffic.

Enters: an `Exchange` (from a live flow, a flow file or a HAR file, all the same) and an
`ExtractorConfig`. Leaves: `ExchangeFacts`, which hold no secret and may be stored. Total: no disk,
no clock, and no exception whatever the network sends. The one thing that an exchange leaves behind
for later ones are its secrets (`KnownValues`). A value that does not parse is a
fact with its problem; what had to be bounded is a note.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from statetrail.dialects import Dialect
from statetrail.dialects.place import Condition, IssueReader
from statetrail.dialects.refusals import Refusals
from statetrail.dialects.wire import BodyError
from statetrail.extract.bodies import BodyBeginning
from statetrail.extract.cache import BoundedCache
from statetrail.extract.exchange_row import ExchangeRow, RowReader
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.headers import (
    ByDialect,
    HeaderReader,
    RequestHeaders,
    ResponseHeaders,
)
from statetrail.extract.known_values import MAX_KNOWN, KnownValues
from statetrail.extract.records import (
    BODY_UNSEEN,
    CLIENT_HEADER,
    IDS,
    MAX_VALUES,
    STATE_UNSEEN,
    Exchange,
    Response,
)
from statetrail.extract.state import Issued, Presented, State, StateReader
from statetrail.extract.target import Path, Target, TargetReader
from statetrail.extract.text import CREDENTIAL
from statetrail.extract.token_candidates import Candidate, TokenCandidate, token_candidates
from statetrail.extract.wire_values import (
    BodyTexts,
    CompiledDialect,
    IssuedValue,
    PresentedValue,
    Reading,
    field_lines,
    in_body,
    issued_by,
    presented_in_body,
)

CACHED: Final = 2048
"""States that are cached."""
MAX_CACHED: Final = 1024
"""Characters of the values of the target and the body with which a state is cached."""

type _BodyValues = tuple[tuple[int, BodyTexts], ...]
"""What the places in bodies found, with the place of each in `Path.bodies`."""
type _FormValues = tuple[tuple[PresentedValue, ...], ...]
"""What a request's body presents, by dialect in scope that reads such bodies."""
type _StateKey = tuple[
    ByDialect[PresentedValue], ByDialect[IssuedValue], tuple[object, ...], _BodyValues, _FormValues,
    tuple[bool, ...], tuple[bool, ...], tuple[bool, ...]
]  # fmt: skip
"""All that a `State` is made from: what the heads present and issue, what the target presents, what
the bodies issue and present, whether the request is in scope of each dialect and the host is, and
whether each condition holds."""
type _StateOf = tuple[State, Sequence[PresentedValue], Sequence[IssuedValue]]
"""A state, and the values on the wire from which it was made."""


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
    refusals: Refusals = field(init=False, repr=False, compare=False)
    conditions: tuple[Condition, ...] = field(init=False, repr=False, compare=False)
    hosts: BoundedCache[str, tuple[bool, ...]] = field(init=False, repr=False, compare=False)
    cache: BoundedCache[_StateKey, _StateOf] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = tuple(CompiledDialect(dialect) for dialect in self.dialects)
        credential = bool(self.client_header and CREDENTIAL.search(self.client_header))
        self.compiled = compiled
        presents = [each.condition for one in compiled for each in one.presents]
        issues = [each.condition for one in compiled for each in one.issues]
        conditions = [each for each in (*presents, *issues) if each is not None]
        self.conditions = tuple(dict.fromkeys(conditions))
        self.refusals = Refusals(self.dialects)
        self.hosts = BoundedCache(CACHED)
        self.targets = TargetReader(
            compiled,
            self.fingerprinter,
            conditions=self.conditions,
            numbers=IDS in self.clear,
        )
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
    message = _read(exchange, config)
    return _facts(exchange, message, _state(message, config)[0], config, source)


def extract_all(
    exchanges: Sequence[Exchange], config: ExtractorConfig, source: str | None = None
) -> list[ExchangeFacts]:
    """What `extract` gives for each exchange, in their order.

    One step for all exchanges and then the next takes less time than all steps for each: the CPU's
    caches hold the code and the data of one.
    """
    messages = [_read(exchange, config) for exchange in exchanges]
    return [
        _facts(exchange, message, _state(message, config)[0], config, source)
        for exchange, message in zip(exchanges, messages, strict=True)
    ]


def _facts(
    exchange: Exchange,
    message: "_Messages",
    state: State,
    config: ExtractorConfig,
    source: str | None,
) -> ExchangeFacts:
    target, sent, received = message.target, message.sent, message.received
    # Other exchanges may give these secrets away from now on, this one may not at all.
    state.secrets.remember()
    all_notes = exchange.notes
    if target.capped or message.notes or state.notes:
        capped = ("query-capped",) if target.capped else ()
        all_notes = (*all_notes, *capped, *message.notes, *state.notes)
    return ExchangeFacts(
        config.rows.read(
            *(exchange, sent, received, target.path, state),
            notes=all_notes,
            source=source,
            refused=_refused(exchange, message, config),
            carries_key=config.targets.carries_key(received.location),
        ),
        state.issued,
        state.presented,
        _candidates(message, state),
    )


def _candidates(message: "_Messages", state: State) -> tuple[TokenCandidate, ...]:
    query, path = message.target.candidates, message.target.path.candidates
    sent, others = message.sent.candidates, message.others
    if not (query or path or sent or others):
        return ()
    return token_candidates(query, path, (*sent, *others), state.fingerprints)


class WireState(NamedTuple):
    """The values of one exchange as on the wire, in the order of its facts. Holds secrets.

    `notes` say why a body in scope could not be read.
    """

    presented: Sequence[PresentedValue]
    issued: Sequence[IssuedValue]
    notes: tuple[str, ...]


def wire_state(exchange: Exchange, config: ExtractorConfig) -> WireState:
    """What `extract` finds in an exchange, before it is made fit to be kept."""
    message = _read(exchange, config)
    return WireState(*_wire_values(message, config)[:2], message.notes)


def facts_with_state(
    exchange: Exchange, config: ExtractorConfig
) -> tuple[ExchangeFacts, WireState]:
    """What `extract` and `wire_state` give."""
    message = _read(exchange, config)
    state, presented, issued = _state(message, config)
    facts = _facts(exchange, message, state, config, None)
    return facts, WireState(presented, issued, message.notes)


class _Messages(msgspec.Struct, frozen=True, gc=False):
    """A request and its response, read as far as dialects ask for it.

    `others` may be tokens in header fields that are not read otherwise. `at_host` says by dialect
    whether the host may speak it, `holds` whether each condition holds.
    """

    target: Target
    sent: RequestHeaders
    others: tuple[Candidate, ...]
    received: ResponseHeaders
    values: _BodyValues
    forms: _FormValues
    notes: tuple[str, ...]
    at_host: tuple[bool, ...]
    holds: tuple[bool, ...]


def _read(exchange: Exchange, config: ExtractorConfig) -> _Messages:
    request, response = exchange.request, exchange.response
    target = config.targets.read(request.target)
    sent, others = config.headers.read_request(request.headers)
    received = config.headers.read_response(None if response is None else response.headers)
    path = target.path
    holds: tuple[bool, ...] = ()
    if config.conditions:
        method, status = request.method, 0 if response is None else response.status
        holds = tuple(
            [
                (methods is None or method in methods)
                and (not condition.status or status in condition.status)
                for condition, methods in zip(config.conditions, path.methods, strict=True)
            ]
        )
    if (at_host := config.hosts.get(request.host)) is None:
        host = request.host.lower()
        at_host = tuple([compiled.dialect.at_host(host) for compiled in config.compiled])
        config.hosts.keep(request.host, at_host)
    forms: _FormValues = ()
    if request.body and path.forms:
        body = BodyBeginning(request.body, sent.codings, None, sent.media_type)
        forms = tuple([presented_in_body(body, compiled) for compiled in path.forms])
    values: _BodyValues = ()
    notes: tuple[str, ...] = ()
    if path.bodies and response is not None:
        conditions = dict(zip(config.conditions, holds, strict=True))
        if response.body:
            values, notes = _body_values(response, received, path, conditions)
        elif BODY_UNSEEN in exchange.notes:
            notes = _unseen(received, path, conditions, config)
    return _Messages(target, sent, others, received, values, forms, notes, at_host, holds)


def _body_values(
    response: Response,
    received: ResponseHeaders,
    path: Path,
    holds: dict[Condition, bool],
) -> tuple[_BodyValues, tuple[str, ...]]:
    """What is issued in the body, by the dialects in scope; notes, where it cannot be read."""
    codings = response.codings if response.codings is not None else received.codings
    body = BodyBeginning(response.body, codings, received.charset, received.media_type)
    values: list[tuple[int, BodyTexts]] = []
    notes: list[str] = []
    media_type = received.media_type
    for at, (_, reading, nothing) in enumerate(path.bodies):
        if not _may_issue(reading, media_type, holds):
            continue
        try:
            found = in_body(body, reading.reader)
        except BodyError as error:
            notes.append(f"body-{error}")
        else:
            if found != nothing:
                values.append((at, found))
    return tuple(values), tuple(dict.fromkeys(notes))


def _may_issue(
    reading: Reading[IssueReader], media_type: str, holds: dict[Condition, bool]
) -> bool:
    """Whether a body of this type is one that the reader reads."""
    media, condition = reading.reader.media, reading.condition
    return (not media or not media_type or media in media_type) and (
        condition is None or holds[condition]
    )


def _unseen(
    received: ResponseHeaders, path: Path, holds: dict[Condition, bool], config: ExtractorConfig
) -> tuple[str, ...]:
    """Notes of the dialects whose scope this is and that issue state in such bodies."""
    dialects = {
        at for at, reading, _ in path.bodies if _may_issue(reading, received.media_type, holds)
    }
    compiled = (config.compiled[at] for at in sorted(dialects))
    return tuple(f"{STATE_UNSEEN}{each.dialect.name}" for each in compiled if each.always)


def _state(message: _Messages, config: ExtractorConfig) -> _StateOf:
    target = message.target
    key: _StateKey = (
        message.sent.presented, message.received.issued, target.presented, message.values,
        message.forms, target.path.in_scope, message.at_host, message.holds,
    )  # fmt: skip
    if not target.capped and (known := config.cache.get(key)) is not None:
        return known
    presented, issued, matched = _wire_values(message, config)
    state = config.states.read(presented, issued, ",".join(matched), blind=target.capped)
    read = state, presented, issued
    return read if target.capped or not _is_small(message, state) else config.cache.keep(key, read)


def _wire_values(
    message: _Messages, config: ExtractorConfig
) -> tuple[list[PresentedValue], list[IssuedValue], list[str]]:
    """What is presented and issued, and the names of the dialects that matched."""
    target, sent, received = message.target, message.sent, message.received
    presented: list[PresentedValue] = []
    issued: list[IssuedValue] = []
    matched = []
    forms = iter(message.forms)
    holds = dict(zip(config.conditions, message.holds, strict=True))
    in_bodies: dict[int, list[IssuedValue]] = {}
    for at, found in message.values:
        dialect, reading, _ = target.path.bodies[at]
        own = in_bodies.setdefault(dialect, [])
        own += issued_by(reading, found, config.compiled[dialect])
    for at, compiled in enumerate(config.compiled):
        shown: Sequence[PresentedValue] = (*sent.presented.values[at], *target.presented[at])
        if message.forms and compiled in target.path.forms:
            shown = (*shown, *next(forms))
        issues: Sequence[IssuedValue] = received.issued.values[at]
        if at in in_bodies:
            issues = (*issues, *in_bodies[at])
        in_scope = target.path.in_scope[at]
        if not message.at_host[at] or not (in_scope or compiled.seen_anywhere):
            continue
        if holds and (shown or issues):
            shown = [each for each in shown if not each.condition or holds[each.condition]]
            issues = [each for each in issues if not each.condition or holds[each.condition]]
        presented += shown
        issued += issues
        if issues or (in_scope if compiled.always else shown):
            matched.append(compiled.dialect.name)
    return presented, issued, matched


def _refused(exchange: Exchange, message: _Messages, config: ExtractorConfig) -> str | None:
    """The parameters that the response refuses."""
    response = exchange.response
    if response is None or not config.refusals.among(response.status):
        return None
    received = message.received
    codings = response.codings if response.codings is not None else received.codings
    body = BodyBeginning(response.body, codings, received.charset, received.media_type)
    spoken = [
        at_host and in_scope
        for at_host, in_scope in zip(message.at_host, message.target.path.in_scope, strict=True)
    ]
    sent, answered = (field_lines(each.headers) for each in (exchange.request, response))
    return config.refusals.read(response.status, sent, answered, body, spoken)


def _is_small(message: _Messages, state: State) -> bool:
    size = sum([len(each.value) for own in message.target.presented for each in own])
    size += sum([len(each.value) for own in message.forms for each in own])
    size += sum([len(str(value)) for _, texts in message.values for value in texts if value])
    return size <= MAX_CACHED and len(state.issued) + len(state.presented) <= MAX_VALUES
