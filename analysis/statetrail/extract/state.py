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
from statetrail.extract.headers import Answered, Asked
from statetrail.extract.jwt import declared_s
from statetrail.extract.masking import MIN_WITHIN, Secrets
from statetrail.extract.records import MAX_SIGHTINGS, Issued, Kind, Presented, Seen
from statetrail.extract.wire_values import Issue, Presentation

if TYPE_CHECKING:
    from statetrail.extract.config import Sighting

type Key = tuple[
    Asked, Answered, tuple[tuple[bytes, bytes], ...], tuple[str | None, ...], tuple[bool, ...]
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
    prints: frozenset[int]
    secrets: Secrets
    dialects: str
    notes: tuple[str, ...]


def state_of(
    presentations: list[Presentation],
    issues: list[Issue],
    dialects: Iterable[str],
    how: "Sighting",
    *,
    blind: bool,
) -> State:
    """The state that claims make; with `blind` not all secrets of the exchange are known."""
    notes = []
    for claims, what in ((issues, "issued"), (presentations, "presented")):
        if len(claims) > MAX_SIGHTINGS:
            notes.append(f"{what}-capped:{len(claims)}")
            blind = True
    presentations, issues = presentations[:MAX_SIGHTINGS], issues[:MAX_SIGHTINGS]
    # Every secret has to be known before the first text is kept.
    secrets = Secrets(how.pseudonyms)
    secrets.blind = blind
    may_show = [_remember(claim, claim.value, how, secrets) for claim in presentations]
    may_issue = [_remember(claim, claim.state.value, how, secrets) for claim in issues]
    keeper = _Keeper(how, secrets)
    presented = tuple(
        [keeper.presented(*each) for each in zip(presentations, may_show, strict=True)]
    )
    return State(
        presented=presented,
        issued=tuple([keeper.issued(*each) for each in zip(issues, may_issue, strict=True)]),
        prints=frozenset([one.fingerprint for one in presented]),
        secrets=secrets,
        dialects=",".join(dialects),
        notes=tuple(notes),
    )


def _remember(claim: Presentation | Issue, value: str, how: "Sighting", secrets: Secrets) -> bool:
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

    def __init__(self, how: "Sighting", secrets: Secrets) -> None:
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
            claim.plan.dialect.name,
            claim.param.name,
            *self._see(value, kind != "value" or (may and not self._secrets.hold(value))),
            claim.channel,
            kind,
        )

    def issued(self, claim: Issue, may: bool) -> Issued:
        name, state, problem = claim.name, claim.state, claim.state.problem
        if name is None or (claim.param is None and self._secrets.hold(name)):
            name, problem = self._how.pseudonyms.pseudonym(claim.raw_name), problem or "bad-name"
        return Issued(
            claim.plan.dialect.name,
            name,
            *self._see(state.value, may and not self._secrets.hold(state.value)),
            usage=None if problem else state.usage,
            priority=None if problem else state.priority,
            channel=claim.channel,
            problem=problem,
            length=len(state.value),
            alphabet=alphabet(state.value),
            declared_s=None if problem else declared_s(state.value),
        )

    def _see(self, value: str, clear: bool) -> Seen:
        """The value as it is kept: clear if its form allows it and it gives no secret away."""
        return self._how.pseudonyms.see(value, clear=clear)
