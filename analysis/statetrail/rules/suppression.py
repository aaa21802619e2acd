"""Suppression: findings that are accepted, each with a reason and an expiry date.

Enters: a TOML file with tables ``[[suppress]]``. Leaves: which findings are suppressed, and how
many each entry matches. An entry suppresses nothing after its expiry date.

    [[suppress]]
    rule = "token-in-url"
    param = "_session_token"
    reason = "the protocol has no other place; queries are kept out of our logs"
    until = 2027-06-30
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Protocol

import msgspec

from statetrail.errors import UsageError
from statetrail.rules.profiles import read_toml
from statetrail.rules.registry import RULES

MAX_ENTRIES: Final = 1000
RENAMED: Final = {"wrong-channel": "misplaced-value"}
"""Rules by their former ids. An entry with one is refused, and the error names the present id."""


class Subject(Protocol):
    """What an entry is compared with: a finding."""

    @property
    def rule(self) -> str: ...
    @property
    def client(self) -> str | None: ...
    @property
    def origin(self) -> str | None: ...
    @property
    def param(self) -> str | None: ...


class Found(Subject, Protocol):
    """A finding: it may name further rules that fired on the same exchanges."""

    @property
    def also(self) -> Collection[str]: ...


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One accepted finding, or a pattern of them.

    Attributes
    ----------
    rule
        The rule's id.
    client, origin, param
        Patterns of the subject, in which ``*`` stands for any characters. Without one: all.
    reason
        Why; shown in the reports.
    until
        The expiry date, the last day on which it holds.
    """

    rule: str
    reason: str
    until: dt.date
    client: str | None = None
    origin: str | None = None
    param: str | None = None

    def __post_init__(self) -> None:
        if self.rule in RENAMED:
            raise ValueError(f"the rule {self.rule!r} is now named {RENAMED[self.rule]!r}")
        if self.rule not in {rule.id for rule in RULES}:
            raise ValueError(f"no rule is named {self.rule!r}")
        if not self.reason.strip():
            raise ValueError(f"the suppression of {self.rule} gives no reason: write one")


def about(entry: Subject, finding: Subject) -> bool:
    """Whether an entry's rule and patterns match a finding, whatever the date.

    Of a finding that names several rules it is the first one that counts, the gravest: a decision
    about a lesser one does not cover it.
    """
    return entry.rule == finding.rule and _has_subject(entry, finding)


def _has_subject(entry: Subject, finding: Subject) -> bool:
    pairs = (
        (entry.client, finding.client),
        (entry.origin, finding.origin),
        (entry.param, finding.param),
    )
    return all(pattern is None or fnmatchcase(text or "", pattern) for pattern, text in pairs)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    suppress: tuple[Entry, ...] = ()


def load_suppressions(path: Path | str) -> tuple[Entry, ...]:
    """The entries of a file.

    Raises
    ------
    UsageError
        There is no such file, or an entry is not valid; the message says why.
    """
    entries = read_toml(path, _File, "suppression file", "suppressions").suppress
    if len(entries) > MAX_ENTRIES:
        raise UsageError(f"{path} has {len(entries)} entries: {MAX_ENTRIES} at most, use patterns")
    return entries


def split[F: Found](
    findings: Iterable[F], entries: Sequence[Entry], today: dt.date
) -> tuple[list[F], list[F], Counter[int]]:
    """The findings to report, those that are suppressed, and how many each entry matches.

    An entry also matches findings of which its rule is a lesser one; these are reported.
    """
    reported: list[F] = []
    suppressed: list[F] = []
    matches: Counter[int] = Counter()
    for finding in findings:
        rules = {finding.rule, *finding.also}
        own = {
            number: entry
            for number, entry in enumerate(entries)
            if entry.rule in rules and _has_subject(entry, finding)
        }
        matches.update(list(own))
        in_force = any(about(one, finding) and one.until >= today for one in own.values())
        (suppressed if in_force else reported).append(finding)
    return reported, suppressed, matches
