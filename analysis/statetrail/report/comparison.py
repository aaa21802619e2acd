"""Two audits side by side: what is new, what is fixed, what stayed, and who got better or worse.

Enters: two documents. Leaves: a `Comparison`. Findings are the same where their ids are: the same
rule for the same client, origin and parameter. A finding that is suppressed now is not fixed, and
settings in which the audits differ are named.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from statetrail.errors import UsageError
from statetrail.report.document import Document, Generator, Settings, decode
from statetrail.report.section import Time, meaning
from statetrail.report.sections.clients import Client
from statetrail.report.sections.findings import Baseline, Finding
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
    before: Annotated[Time, meaning("When the earlier audit was made")]
    after: Annotated[Time, meaning("When the later audit was made")]
    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    unchanged: tuple[Moved, ...]
    left_out: Annotated[
        tuple[Finding, ...], meaning("Of the earlier one: they are suppressed now")
    ] = ()
    settings: Annotated[tuple[str, ...], meaning("Settings in which the audits differ")] = ()
    clients: Annotated[tuple[Compliance, ...], meaning("Those that changed, greatest loss first")]

    def failing(self, severity: Severity) -> int:
        """How many of the new findings have this severity or a higher one."""
        failing = SEVERITIES[SEVERITIES.index(severity) :]
        return sum(finding.severity in failing for finding in self.new)


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
        settings=tuple(_changed_settings(before.settings, after.settings)),
        unchanged=tuple(
            Moved(before=old[name].count, after=finding.count, finding=finding)
            for name, finding in now.items()
            if name in old
        ),
        clients=_clients(before, after),
    )


def _changed_settings(before: Settings, after: Settings) -> Iterator[str]:
    """The settings that differ, in words: findings may appear or disappear because of them."""
    settings = (
        ("clients by", " and ".join(before.client_by), " and ".join(after.client_by)),
        ("grace period", f"{before.grace_ms:g} ms", f"{after.grace_ms:g} ms"),
        ("profile", before.profile, after.profile),
        ("dialects", ", ".join(before.dialects), ", ".join(after.dialects)),
    )
    for name, old, new in settings:
        if old != new:
            yield f"{name}: before {old or 'none'}, now {new or 'none'}"


def _clients(before: Document, after: Document) -> tuple[Compliance, ...]:
    def known(document: Document) -> dict[tuple[str, str, str], Client]:
        return {(one.client, one.origin, one.dialect): one for one in document.clients}

    old, new = known(before), known(after)
    found = []
    for name in sorted(old.keys() | new.keys()):
        earlier, later = old.get(name), new.get(name)
        one = Compliance(
            client=name[0],
            origin=name[1],
            dialect=name[2],
            before=earlier.compliance if earlier else None,
            after=later.compliance if later else None,
            judged_before=earlier.judged if earlier else 0,
            judged_after=later.judged if later else 0,
        )
        if one.before != one.after:
            found.append(one)
    found.sort(key=lambda one: (one.after if one.after is not None else 2) - (one.before or 0))
    return tuple(found)


def changes_since(before: Document, after: Document) -> Baseline:
    """What changed since an earlier audit, for the document of the later one."""
    changes = compare(before, after)
    return Baseline(
        created=before.created,
        new=tuple(finding.id for finding in changes.new),
        unchanged=len(changes.unchanged),
        fixed=changes.fixed,
        left_out=len(changes.left_out),
        settings=changes.settings,
    )


def read_audit(path: Path | str) -> Document:
    """An audit that was written as JSON.

    Raises
    ------
    UsageError
        There is no such file, it is no audit, or one of another version.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is larger than any audit: {MAX_BYTES >> 20} MiB at most")
        return decode(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise UsageError(f"there is no audit {path}") from None
