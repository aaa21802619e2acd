"""Two audits side by side: what is new, what is fixed, what stayed, and who got better or worse.

Enters: two documents. Leaves: a `Comparison`. A finding was there before if one of the earlier
audit names its rule, first or not, for the same client, origin and parameter. A client is the same
where its name is, apart from the versions of its products, or where a pattern matches the same: a
new version is not a new client. A finding that is suppressed now is not fixed, and settings in
which the audits differ are named.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from statetrail.errors import UsageError
from statetrail.report.document import Document, Generator, Settings, decode
from statetrail.report.section import Time, meaning
from statetrail.report.sections.findings import Baseline, Finding
from statetrail.rules import SEVERITIES
from statetrail.rules.rule import Severity
from statetrail.rules.suppression import about

MAX_BYTES: Final = 512 << 20
"""An audit of a hundred thousand clients is smaller."""

_VERSION: Final = re.compile(r"(?<=[^\s/])/v?[0-9][^\s;,()]*")
"""The version of a product, as a User-Agent has it (RFC 9110, section 10.1.5)."""

type Key = tuple[str, str | None, str | None, str | None]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of both audits, and how often each saw it."""

    before: int
    after: int
    finding: Finding


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """A client's compliance in both audits; null: not there, or not judged."""

    client: Annotated[str, meaning("What both audits' names of it have in common")]
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
    client_pattern: Annotated[
        str | None, meaning("What clients were matched by; null: their names without versions")
    ] = None
    clients: Annotated[tuple[Compliance, ...], meaning("Those that changed, greatest loss first")]

    def failing(self, severity: Severity) -> int:
        """How many of the new findings have this severity or a higher one."""
        failing = SEVERITIES[SEVERITIES.index(severity) :]
        return sum(finding.severity in failing for finding in self.new)


def client_key(pattern: str | None = None) -> Callable[[str], str]:
    """What clients of two audits are matched by: a function of their names.

    Without a pattern it is the name without the versions of its products. With one it is what the
    pattern matches (its groups, if it has any); a name that it does not match stands for itself.

    Raises
    ------
    UsageError
        The pattern is no regular expression.

    >>> client_key()("192.0.2.1 till/2.1 (Linux 6; arm) okhttp/v4")
    '192.0.2.1 till (Linux 6; arm) okhttp'
    >>> client_key("(till|web)-?[0-9]*")("192.0.2.1 till-7")
    'till'
    """
    if pattern is None:
        return lambda name: _VERSION.sub("", name)
    try:
        wanted = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{pattern!r} is no pattern for clients: {error}") from None

    def key(name: str) -> str:
        if (match := wanted.search(name)) is None:
            return name
        return " ".join(filter(None, match.groups())) or match[0]

    return key


def compare(before: Document, after: Document, client_pattern: str | None = None) -> Comparison:
    """What changed from one audit to the next; clients are matched by `client_key`."""
    of_client = client_key(client_pattern)

    def key(one: Finding, rule: str = "") -> Key:
        return rule or one.rule, one.client and of_client(one.client), one.origin, one.param

    def keys(one: Finding) -> tuple[Key, ...]:
        return tuple(key(one, rule) for rule in (one.rule, *one.also))

    old, now = _by_id(before), _by_id(after)
    known, seen = ({k for one in audit.findings for k in keys(one)} for audit in (before, after))
    # What an earlier finding under another name counted, where there is none under the same name.
    renamed = Counter[Key]()
    for finding in before.findings:
        for name, one in zip(finding.ids, keys(finding), strict=True):
            if name not in now:
                renamed[one] += finding.count
    gone = [finding for finding in before.findings if key(finding) not in seen]
    decisions = [one for one in after.suppressions if one.in_force]
    left_out = {one.id for one in gone if any(about(each, one) for each in decisions)}
    return Comparison(
        schema_version=1,
        generator=after.generator,
        before=before.created,
        after=after.created,
        new=tuple(finding for finding in after.findings if key(finding) not in known),
        fixed=tuple(finding for finding in gone if finding.id not in left_out),
        left_out=tuple(finding for finding in gone if finding.id in left_out),
        settings=tuple(_changed_settings(before.settings, after.settings)),
        client_pattern=client_pattern,
        unchanged=tuple(
            Moved(
                before=old[finding.id].count if finding.id in old else renamed[key(finding)],
                after=finding.count,
                finding=finding,
            )
            for finding in after.findings
            if key(finding) in known
        ),
        clients=_clients(before, after, of_client),
    )


def _by_id(document: Document) -> dict[str, Finding]:
    """The findings by the ids of all the rules that they name."""
    lesser = {name: one for one in document.findings for name in one.ids[1:]}
    return lesser | {one.id: one for one in document.findings}


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


def _clients(
    before: Document, after: Document, of_client: Callable[[str], str]
) -> tuple[Compliance, ...]:
    old, new = _judged(before, of_client), _judged(after, of_client)
    found = []
    for name in sorted(old.keys() | new.keys()):
        (faults_before, judged_before), (faults_after, judged_after) = (
            audit.get(name, (0, 0)) for audit in (old, new)
        )
        one = Compliance(
            client=name[0],
            origin=name[1],
            dialect=name[2],
            before=1 - faults_before / judged_before if judged_before else None,
            after=1 - faults_after / judged_after if judged_after else None,
            judged_before=judged_before,
            judged_after=judged_after,
        )
        if one.before != one.after:
            found.append(one)
    found.sort(key=lambda one: (one.after if one.after is not None else 2) - (one.before or 0))
    return tuple(found)


def _judged(
    document: Document, of_client: Callable[[str], str]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """The faults and the judged requests, by client, origin and dialect."""
    counts: defaultdict[tuple[str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in document.clients:
        name = (of_client(one.client), one.origin, one.dialect)
        faults, judged = counts[name]
        counts[name] = faults + one.faults, judged + one.judged
    return counts


def changes_since(before: Document, after: Document, client_pattern: str | None = None) -> Baseline:
    """What changed since an earlier audit, for the document of the later one."""
    changes = compare(before, after, client_pattern)
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
