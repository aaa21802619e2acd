"""Two audits side by side: what is new, what is fixed, what stayed, and who got better or worse.

Enters: two documents. Leaves: a `Comparison`. Findings are the same where their ids are: the same
rule for the same client, origin and parameter. What a decision leaves out now is not fixed, and
audits that were made in another way are said to be so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from statetrail.errors import UsageError
from statetrail.report.document import Client, Document, Finding, Generator, Settings, Time
from statetrail.rules import SEVERITIES
from statetrail.rules.rule import Severity
from statetrail.rules.suppression import about

MAX_BYTES: Final = 512 << 20
"""An audit of a hundred thousand clients is smaller."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of both audits, and how often each saw it."""

    before: int
    after: int
    finding: Finding


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """A client's compliance in both audits; null: not there, or not judged."""

    client: str
    origin: str
    dialect: str
    before: float | None
    after: float | None
    judged_before: int
    judged_after: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from one audit to another."""

    schema_version: Literal[1]
    generator: Generator
    before: Annotated[Time, Meta(description="When the earlier audit was made")]
    after: Annotated[Time, Meta(description="When the later audit was made")]
    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    unchanged: tuple[Moved, ...]
    left_out: Annotated[
        tuple[Finding, ...], Meta(description="Of the earlier one: a decision leaves them out now")
    ] = ()
    settings: Annotated[
        tuple[str, ...], Meta(description="In what the audits were made otherwise")
    ] = ()
    clients: Annotated[
        tuple[Compliance, ...], Meta(description="Those that changed, the greatest loss first")
    ]

    def failing(self, severity: Severity) -> int:
        """How many of the new findings are at least that grave."""
        grave = SEVERITIES[SEVERITIES.index(severity) :]
        return sum(finding.severity in grave for finding in self.new)


def compare(before: Document, after: Document) -> Comparison:
    """What changed from one audit to the next."""
    old = {finding.id: finding for finding in before.findings}
    now = {finding.id: finding for finding in after.findings}
    gone = [finding for name, finding in old.items() if name not in now]
    decisions = [one for one in after.suppressions if one.in_force]
    left_out = {one.id for one in gone if any(about(each, one) for each in decisions)}
    return Comparison(
        schema_version=1,
        generator=after.generator,
        before=before.created,
        after=after.created,
        new=tuple(finding for name, finding in now.items() if name not in old),
        fixed=tuple(finding for finding in gone if finding.id not in left_out),
        left_out=tuple(finding for finding in gone if finding.id in left_out),
        settings=tuple(_otherwise(before.settings, after.settings)),
        unchanged=tuple(
            Moved(before=old[name].count, after=finding.count, finding=finding)
            for name, finding in now.items()
            if name in old
        ),
        clients=_clients(before, after),
    )


def _otherwise(was: Settings, now: Settings) -> Iterator[str]:
    """What was asked for otherwise, in words: findings come and go with it."""
    asked = (
        ("clients told apart by", " and ".join(was.client_by), " and ".join(now.client_by)),
        ("a grace period of", f"{was.grace_ms:g} ms", f"{now.grace_ms:g} ms"),
        ("the limits of profile", was.profile, now.profile),
        ("dialects", ", ".join(was.dialects), ", ".join(now.dialects)),
    )
    for name, old, new in asked:
        if old != new:
            yield f"{name} {old or 'none'} then, {new or 'none'} now"


def _clients(before: Document, after: Document) -> tuple[Compliance, ...]:
    def known(document: Document) -> dict[tuple[str, str, str], Client]:
        return {(one.client, one.origin, one.dialect): one for one in document.clients}

    old, now = known(before), known(after)
    found = []
    for name in sorted(old.keys() | now.keys()):
        was, is_ = old.get(name), now.get(name)
        one = Compliance(
            client=name[0],
            origin=name[1],
            dialect=name[2],
            before=was.compliance if was else None,
            after=is_.compliance if is_ else None,
            judged_before=was.judged if was else 0,
            judged_after=is_.judged if is_ else 0,
        )
        if one.before != one.after:
            found.append(one)
    found.sort(key=lambda one: (one.after if one.after is not None else 2) - (one.before or 0))
    return tuple(found)


def read_audit(path: Path) -> Document:
    """An audit that was written as JSON.

    Raises
    ------
    UsageError
        The file is none, or one of another version.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is larger than any audit: {MAX_BYTES >> 20} MiB at most")
        return msgspec.json.decode(path.read_bytes(), type=Document)
    except FileNotFoundError:
        raise UsageError(f"there is no audit {path}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(f"{path} is no audit.json of this version: {error}") from None
