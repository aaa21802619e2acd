"""Suppression: findings that somebody has decided to live with, for a reason and until a date.

Enters: a TOML file with tables ``[[suppress]]``. Leaves: which of the findings are left out, and
what became of each entry. An entry whose date has passed leaves nothing out any more.

    [[suppress]]
    rule = "token-in-url"
    param = "_session_token"
    reason = "the protocol has no other place; queries are kept out of our logs"
    until = 2027-06-30
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Protocol

import msgspec

from statetrail.errors import UsageError
from statetrail.rules.registry import RULES

MAX_ENTRIES: Final = 1000


class Subject(Protocol):
    """What an entry is matched with: a finding."""

    @property
    def rule(self) -> str: ...
    @property
    def client(self) -> str | None: ...
    @property
    def origin(self) -> str | None: ...
    @property
    def param(self) -> str | None: ...


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision.

    Attributes
    ----------
    rule
        The rule's id.
    client, origin, param
        Of whom; ``*`` stands for any characters. Left out: of all.
    reason
        Why; shown in the reports.
    until
        The last day on which it holds.
    """

    rule: str
    reason: str
    until: dt.date
    client: str | None = None
    origin: str | None = None
    param: str | None = None

    def __post_init__(self) -> None:
        if self.rule not in {rule.id for rule in RULES}:
            raise ValueError(f"no rule is named {self.rule!r}")
        if not self.reason.strip():
            raise ValueError(f"the suppression of {self.rule} gives no reason: write one")

    def matches(self, finding: Subject) -> bool:
        """Whether it is about that finding, whatever the day."""
        return about(self, finding)


def about(decision: Subject, finding: Subject) -> bool:
    """Whether a decision's rule and patterns are those of a finding."""
    parts = ((decision.client, finding.client), (decision.origin, finding.origin))
    return decision.rule == finding.rule and all(
        pattern is None or fnmatchcase(text or "", pattern)
        for pattern, text in (*parts, (decision.param, finding.param))
    )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    suppress: tuple[Entry, ...] = ()


def load_suppressions(path: Path) -> tuple[Entry, ...]:
    """The entries of a file.

    Raises
    ------
    UsageError
        There is no such file, or an entry makes no sense; the message names it.
    """
    try:
        entries = msgspec.toml.decode(path.read_bytes(), type=_File).suppress
    except FileNotFoundError:
        raise UsageError(f"there is no suppression file {path}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no suppression file: {error}") from None
    if len(entries) > MAX_ENTRIES:
        raise UsageError(f"{path} has {len(entries)} entries: {MAX_ENTRIES} at most, use patterns")
    return entries


def split[F: Subject](
    found: Iterable[F], entries: Sequence[Entry], today: dt.date
) -> tuple[list[F], list[F], dict[int, int]]:
    """The findings to report, those that are left out, and how many each entry matches.

    The first entry in force that matches a finding is the one that counts.
    """
    kept: list[F] = []
    left_out: list[F] = []
    matched: dict[int, int] = {}
    for finding in found:
        by = [at for at, entry in enumerate(entries) if entry.matches(finding)]
        for at in by:
            matched[at] = matched.get(at, 0) + 1
        in_force = any(entries[at].until >= today for at in by)
        (left_out if in_force else kept).append(finding)
    return kept, left_out, matched
