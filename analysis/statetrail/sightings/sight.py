"""From an exchange to its sightings: the one place where dialects meet traffic.

Enters: an `Exchange` (a live flow, a flow file's or a HAR file's, all the same) and a `Sighting`:
the dialects, the key, what the user wants clear. Leaves: a `Sighted`, which holds no secret and
may be stored. Pure and total: no disk, no clock, no exception for whatever the network sends; what
does not parse is a sighting with its problem, what had to be bounded is a note.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from statetrail.dialects import Dialect
from statetrail.dialects.grammar import MAX_VALUE
from statetrail.sightings.claims import (
    FieldLines,
    Issue,
    Presentation,
    field_lines,
    header_issues,
    presentations,
    query_fields,
    root_issue,
)
from statetrail.sightings.paths import Path
from statetrail.sightings.plan import Plan, Sighting
from statetrail.sightings.pseudonyms import alphabet
from statetrail.sightings.records import Exchange, Issued, Kind, Presented, Response, Seen, Sighted
from statetrail.sightings.row import exchange_row
from statetrail.sightings.secrecy import MIN_WITHIN, Secrets
from statetrail.sightings.traces import traces

__all__ = ["MAX_SIGHTINGS", "Sighting", "sight"]

MAX_SIGHTINGS: Final = 64
"""Issued and presented values each that one exchange may leave; more are counted in a note."""

_SEPARATORS: Final = re.compile(r"[;,\s]+")


@dataclass(slots=True)
class _Said:
    """What one exchange says of state, and of which dialects."""

    path: Path
    presented: list[Presentation] = field(default_factory=list)
    issued: list[Issue] = field(default_factory=list)
    matched: list[Dialect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    query: list[tuple[bytes, bytes]] = field(default_factory=list)
    capped: bool = False


def sight(exchange: Exchange, how: Sighting) -> Sighted:
    """The sightings of one exchange and its storable row."""
    request, response = exchange.request, exchange.response
    asked = field_lines(request.headers)
    answered = field_lines(response.headers) if response is not None else {}
    said = _listen(exchange, asked, answered, how)

    # Every secret has to be known before the first text is kept.
    secrets = Secrets(how.pseudonyms)
    secrets.blind = said.capped
    may_show = [_remember(claim, claim.value, how, secrets) for claim in said.presented]
    may_issue = [_remember(claim, claim.state.value, how, secrets) for claim in said.issued]
    keeper = _Keeper(how, secrets)
    presented = tuple(
        [keeper.presented(*each) for each in zip(said.presented, may_show, strict=True)]
    )
    return Sighted(
        exchange=exchange_row(
            exchange,
            asked,
            answered,
            said.path,
            how,
            secrets,
            dialects=[dialect.name for dialect in said.matched],
            notes=said.notes,
        ),
        issued=tuple([keeper.issued(*each) for each in zip(said.issued, may_issue, strict=True)]),
        presented=presented,
        traces=traces(
            said.path.values,
            asked,
            said.query,
            how.presents,
            how.pseudonyms,
            [one.seen.fingerprint for one in presented],
        ),
    )


def _listen(exchange: Exchange, asked: FieldLines, answered: FieldLines, how: Sighting) -> _Said:
    said = _Said(how.paths.of(exchange.request.target), notes=list(exchange.notes))
    query, said.capped = query_fields(exchange.request.target)
    said.query = query
    if said.capped:
        said.notes.append("query-capped")
    for plan, in_scope in zip(how.plans, said.path.in_scope, strict=True):
        said.presented += presentations(asked, query, plan)
        issued_before = len(said.issued)
        if exchange.response is not None:
            if plan.prefixes:
                said.issued += header_issues(answered, plan)
            if in_scope and plan.roots:
                _listen_to_body(exchange.response, answered, plan, said)
        if in_scope or len(said.issued) > issued_before:
            said.matched.append(plan.dialect)
    for claims, what in ((said.issued, "issued"), (said.presented, "presented")):
        if len(claims) > MAX_SIGHTINGS:
            said.notes.append(f"{what}-capped:{len(claims)}")
            said.capped = True
            del claims[MAX_SIGHTINGS:]
    return said


def _listen_to_body(response: Response, answered: FieldLines, plan: Plan, said: _Said) -> None:
    for channel in plan.roots:
        match root_issue(response, answered, plan, channel):
            case Issue() as issue:
                said.issued.append(issue)
            case str(note):
                said.notes.append(note)


def _remember(claim: Presentation | Issue, value: str, how: Sighting, secrets: Secrets) -> bool:
    """Add what is secret in a claim to the exchange's secrets; whether its value may be clear."""
    if how.may_be_clear(claim.plan, claim.param, value):
        return True
    values = [value]
    if isinstance(claim, Issue) and claim.state.problem is not None:
        # Which part of a malformed field is the value is a guess: each may be the secret.
        parts = _SEPARATORS.split(claim.line[:MAX_VALUE])
        values += [part for part in parts if len(part) >= MIN_WITHIN]
    for secret in values:
        # The protocol's own words are known to everyone, and endpoints are told apart by them.
        if secret.casefold() not in claim.plan.words:
            secrets.add(secret)
    return False


class _Keeper:
    """Makes what may be stored out of claims, given whether the form of a value allows it clear."""

    __slots__ = ("_how", "_secrets")

    def __init__(self, how: Sighting, secrets: Secrets) -> None:
        self._how = how
        self._secrets = secrets

    def presented(self, claim: Presentation, may: bool) -> Presented:
        value = claim.value
        kind: Kind = "value"
        if not value:
            kind = "empty"
        elif value == claim.param.establish:
            kind = "establish"
        return Presented(
            dialect=claim.plan.dialect.name,
            param=claim.param.name,
            seen=self._see(value, kind != "value" or (may and not self._secrets.hold(value))),
            channel=claim.channel,
            kind=kind,
        )

    def issued(self, claim: Issue, may: bool) -> Issued:
        name, state, problem = claim.name, claim.state, claim.state.problem
        if name is None or (claim.param is None and self._secrets.hold(name)):
            name, problem = self._how.pseudonyms.pseudonym(claim.raw_name), problem or "bad-name"
        return Issued(
            dialect=claim.plan.dialect.name,
            param=name,
            seen=self._see(state.value, may and not self._secrets.hold(state.value)),
            usage=None if problem else state.usage,
            priority=None if problem else state.priority,
            channel=claim.channel,
            problem=problem,
            length=len(state.value),
            alphabet=alphabet(state.value),
        )

    def _see(self, value: str, clear: bool) -> Seen:
        """The value as it is kept: clear if its form allows it and it gives no secret away."""
        return self._how.pseudonyms.see(value, clear=clear)
