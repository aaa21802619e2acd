"""What one exchange says of state, as it may be kept; remembered, since clients repeat themselves.

Enters: claims of a request and its response. Leaves: a `State`: presented and issued values, and
the secrets among them, which nothing else of the exchange may give away.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from statetrail.dialects.grammar import MAX_VALUE
from statetrail.extract.fingerprint import alphabet
from statetrail.extract.headers import RequestHeaders, ResponseHeaders
from statetrail.extract.jwt import declared_s
from statetrail.extract.masking import MIN_WITHIN, Secrets
from statetrail.extract.records import MAX_VALUES, Issued, Kind, Presented, StorableValue
from statetrail.extract.wire_values import IssuedValue, PresentedValue

if TYPE_CHECKING:
    from statetrail.extract.config import ExtractorConfig

type Key = tuple[
    RequestHeaders,
    ResponseHeaders,
    tuple[tuple[bytes, bytes], ...],
    tuple[str | None, ...],
    tuple[bool, ...],
]
"""All that a `State` is made from: both heads, the query's fields that present, the values on the
body's root, and whether the request is in scope of each dialect."""

_SEPARATORS: Final = re.compile(r"[;,\s]+")


class State(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What one exchange says of state.

    Attributes
    ----------
    prints
        Fingerprints of what was presented.
    dialects
        Those that matched the exchange, comma separated.
    notes
        What had to be bounded.
    """

    presented: tuple[Presented, ...]
    issued: tuple[Issued, ...]
    candidates: frozenset[int]
    secrets: Secrets
    dialects: str
    notes: tuple[str, ...]


def state_of(
    presented_values: list[PresentedValue],
    issues: list[IssuedValue],
    dialects: Iterable[str],
    config: "ExtractorConfig",
    *,
    blind: bool,
) -> State:
    """The state that claims make; with `blind` not all secrets of the exchange are known."""
    notes = []
    for claims, what in ((issues, "issued"), (presented_values, "presented")):
        if len(claims) > MAX_VALUES:
            notes.append(f"{what}-capped:{len(claims)}")
            blind = True
    presented_values, issues = presented_values[:MAX_VALUES], issues[:MAX_VALUES]
    # Every secret has to be known before the first text is kept.
    secrets = Secrets(config.fingerprinter)
    secrets.blind = blind
    may_show = [_remember(claim, claim.value, config, secrets) for claim in presented_values]
    may_issue = [_remember(claim, claim.state.value, config, secrets) for claim in issues]
    keeper = _Keeper(config, secrets)
    presented = tuple(
        [keeper.presented(*each) for each in zip(presented_values, may_show, strict=True)]
    )
    return State(
        presented=presented,
        issued=tuple([keeper.issued(*each) for each in zip(issues, may_issue, strict=True)]),
        candidates=frozenset([one.fingerprint for one in presented]),
        secrets=secrets,
        dialects=",".join(dialects),
        notes=tuple(notes),
    )


def _remember(
    claim: PresentedValue | IssuedValue, value: str, config: "ExtractorConfig", secrets: Secrets
) -> bool:
    """Add what is secret in a claim to the exchange's secrets; whether its value may be clear."""
    if config.may_be_clear(claim.compiled, claim.param, value):
        return True
    values = [value]
    if isinstance(claim, IssuedValue) and claim.state.problem is not None:
        # Which part of a malformed field is the value is a guess: each may be the secret.
        parts = _SEPARATORS.split(claim.line[:MAX_VALUE])
        values += [part for part in parts if len(part) >= MIN_WITHIN]
    for secret in values:
        # The protocol's own words are known to everyone, and endpoints are told apart by them.
        if secret.casefold() not in claim.compiled.words:
            secrets.add(secret)
    return False


class _Keeper:
    """Makes what may be stored out of claims, given whether the form of a value allows it clear."""

    __slots__ = ("_config", "_secrets")

    def __init__(self, config: "ExtractorConfig", secrets: Secrets) -> None:
        self._config = config
        self._secrets = secrets

    def presented(self, claim: PresentedValue, may: bool) -> Presented:
        value = claim.value
        kind: Kind = "value"
        if not value:
            kind = "empty"
        elif value == claim.param.establish:
            kind = "establish"
        return Presented(
            claim.compiled.dialect.name,
            claim.param.name,
            *self._storable(value, kind != "value" or (may and not self._secrets.hold(value))),
            claim.channel,
            kind,
        )

    def issued(self, claim: IssuedValue, may: bool) -> Issued:
        name, state, problem = claim.name, claim.state, claim.state.problem
        if name is None or (claim.param is None and self._secrets.hold(name)):
            name, problem = (
                self._config.fingerprinter.pseudonym(claim.raw_name),
                problem or "bad-name",
            )
        return Issued(
            claim.compiled.dialect.name,
            name,
            *self._storable(state.value, may and not self._secrets.hold(state.value)),
            usage=None if problem else state.usage,
            priority=None if problem else state.priority,
            channel=claim.channel,
            problem=problem,
            length=len(state.value),
            alphabet=alphabet(state.value),
            declared_s=None if problem else declared_s(state.value),
        )

    def _storable(self, value: str, clear: bool) -> StorableValue:
        """The value as it is kept: clear if its form allows it and it gives no secret away."""
        return self._config.fingerprinter.storable(value, clear=clear)
