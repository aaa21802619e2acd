"""Findings with the exchanges that show them, and what was decided and known of them before.

Structs of `statetrail.report.document`, where all of them are imported from.
"""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from statetrail.report.sections.kinds import Time
from statetrail.rules.rule import Severity


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One value in one exchange."""

    param: str
    value: Annotated[str, Meta(description="Pseudonym, or the value where it is in clear")]
    channel: str
    note: Annotated[str | None, Meta(description="usage/priority, kind, or what is wrong")]


class EvidenceExchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange that a finding points to."""

    exchange: int
    at: Time
    answered: Annotated[Time | None, Meta(description="When the response began")] = None
    ended: Annotated[Time | None, Meta(description="When the response ended")] = None
    client: str
    origin: str
    method: str
    path: Annotated[str, Meta(description="Without query; token-like segments are pseudonyms")]
    status: int | None
    error: str | None
    issued: tuple[Sighting, ...]
    presented: tuple[Sighting, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired for one client, origin and parameter."""

    id: Annotated[str, Meta(description="Stable: the same for the same rule and subject")]
    rule: str
    title: str
    severity: Severity
    confidence: str
    audience: str
    client: str | None
    origin: str | None
    param: str | None
    count: int
    first: Time | None
    last: Time | None
    message: str
    remedy: str
    references: tuple[str, ...]
    evidence: Annotated[tuple[int, ...], Meta(description="Exchange ids, the primary one first")]
    around: Annotated[
        tuple[int, ...],
        Meta(description="Exchanges of the same client next to the primary one, by time; capped"),
    ] = ()


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to live with some findings, and what became of it."""

    rule: str
    client: str | None
    origin: str | None
    param: str | None
    reason: str
    until: date
    in_force: Annotated[bool, Meta(description="Its last day has not passed")]
    matched: Annotated[int, Meta(description="Findings that it is about")]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What changed since an earlier audit."""

    created: Annotated[Time, Meta(description="When that audit was made")]
    new: Annotated[tuple[str, ...], Meta(description="Ids of the findings that it does not have")]
    unchanged: int
    fixed: Annotated[tuple[Finding, ...], Meta(description="Its findings that are gone")]
    left_out: Annotated[int, Meta(description="Its findings that a decision leaves out now")] = 0
    settings: Annotated[
        tuple[str, ...],
        Meta(description="In what it was made otherwise, so that findings may come and go with it"),
    ] = ()


class RuleChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was applied, whether it fired or not."""

    rule: str
    title: str
    severity: Severity
    audience: str
    found: int
