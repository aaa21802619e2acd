"""Findings, the decisions about them, and the exchanges that show them."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from itertools import chain
from typing import Annotated, ClassVar, Final, Literal, Self, get_args

import msgspec

from statetrail.report.counting import Row, each_row, of_row
from statetrail.report.evidence import EvidenceExchange, gather_exchanges, gather_neighbours
from statetrail.report.section import Gathering, Section, Time, meaning
from statetrail.rules import RULES, SEVERITIES, checked, finding_parts
from statetrail.rules.rule import Severity
from statetrail.rules.suppression import split

MAX_EVIDENCE: Final = 6
"""Exchanges of one finding that are shown; all ids are listed."""
MAX_EXCHANGES: Final = 2000
MAX_LANES: Final = 60
"""Findings whose neighbouring exchanges are kept."""
PER_RULE: Final = 5
"""Those of one rule, where there are more findings than that."""


type Result = Literal["found", "suppressed", "passed", "not applicable"]
"""What became of a rule: whether it found something, all of it suppressed or not, or nothing, or
had nothing to look at."""
RESULTS: Final[tuple[Result, ...]] = get_args(Result.__value__)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired for one client, origin and parameter, and those that it covers."""

    id: Annotated[str, meaning("Stable: the same for the same rule and subject")]
    rule: Annotated[str, meaning("Of several rules the most severe")]
    also: Annotated[
        tuple[str, ...], meaning("Rules that fired on the same exchanges, or some of them")
    ] = ()
    title: str
    severity: Severity
    confidence: str
    audience: str
    client: str | None
    origin: str | None
    param: str | None
    count: Annotated[int, meaning("How often it was seen")]
    of: Annotated[int, meaning("How often it could have been seen")]
    faults: Annotated[
        int, meaning("How many verdicts of a client's exchanges in `count` are faults")
    ] = 0
    first: Time | None
    last: Time | None
    sessions: Annotated[
        tuple[str, ...], meaning("Pseudonyms of the first sessions; not all need be named")
    ] = ()
    message: str
    remedy: str
    references: tuple[str, ...]
    evidence: Annotated[tuple[int, ...], meaning("Exchange ids, the primary one first")]
    around: Annotated[
        tuple[int, ...],
        meaning("Exchanges of the same client next to the primary one, by time; capped"),
    ] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Its own id, and those that it would have as a finding of each lesser rule."""
        subject = (self.client, self.origin, self.param)
        return (self.id, *(finding_id(rule, *subject) for rule in self.also))


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to accept some findings until a date."""

    rule: str
    client: str | None
    origin: str | None
    param: str | None
    reason: str
    until: Annotated[date, meaning("Its expiry date, on which it still holds")]
    in_force: Annotated[bool, meaning("It has not expired")]
    matched: Annotated[int, meaning("Findings that it is about")]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What changed since an earlier audit."""

    created: Annotated[Time, meaning("When that audit was made")]
    new: Annotated[tuple[str, ...], meaning("Ids of the findings that it does not have")]
    unchanged: int
    fixed: Annotated[tuple[Finding, ...], meaning("Its findings that are gone")]
    left_out: Annotated[int, meaning("Its findings that are suppressed now")] = 0
    settings: Annotated[
        tuple[str, ...],
        meaning("Settings that differ: findings may appear or disappear because of them"),
    ] = ()


class RuleChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was applied, whether it fired or not."""

    rule: str
    title: str
    severity: Severity
    audience: str
    found: Annotated[int, meaning("Findings that name it")]
    count: Annotated[int, meaning("How often it fired, suppressed or not")] = 0
    of: Annotated[
        int | None, meaning("How often it could have; 0: nothing was its matter; null: not known")
    ] = None

    @property
    def result(self) -> Result:
        """What became of it."""
        if self.found:
            return "found"
        if self.count:
            return "suppressed"
        return "not applicable" if self.of == 0 else "passed"


@dataclass(frozen=True, slots=True)
class Card:
    """What one rule found, as the reports show it: most severe first."""

    rule: str
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The most severe one."""
        return self.findings[0]

    @property
    def clients(self) -> int:
        """How many clients it is about; 0: none in particular."""
        return len({one.client for one in self.findings if one.client is not None})

    @property
    def also(self) -> tuple[str, ...]:
        """The rules that it covers for some client."""
        return tuple(dict.fromkeys(rule for one in self.findings for rule in one.also))

    @property
    def count(self) -> int:
        """How often it was seen."""
        return sum(one.count for one in self.findings)

    @property
    def of(self) -> int:
        """How often it could have been seen by those that it was found of."""
        return sum(one.of for one in self.findings)

    @property
    def faults(self) -> int:
        """How many verdicts that are faults its exchanges have."""
        return sum(one.faults for one in self.findings)

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """When it was first and last seen."""
        firsts = [one.first for one in self.findings if one.first is not None]
        lasts = [one.last for one in self.findings if one.last is not None]
        return min(firsts, default=None), max(lasts, default=None)


_REPEATED: Final = (
    *("rule", "title", "severity", "confidence", "audience"),
    *("client", "origin", "param", "remedy"),
)


class FindingsSection(Section, frozen=True, kw_only=True):
    """The findings, most severe first, with their evidence."""

    title: ClassVar = "Findings"
    audiences: ClassVar = {
        "client": "client developer",
        "api": "API owner",
        "capture": "operator",
        "security": "security owner",
    }
    """Who can act on a finding."""

    findings: Annotated[tuple[Finding, ...], meaning("Most severe first")]
    suppressed: Annotated[int, meaning("Findings that are suppressed")] = 0
    suppressions: Annotated[
        tuple[Suppression, ...], meaning("The decisions to suppress findings")
    ] = ()
    baseline: Annotated[Baseline | None, meaning("What changed; null: nothing to compare with")] = (
        None
    )
    rules: tuple[RuleChecked, ...]
    exchanges: Annotated[tuple[EvidenceExchange, ...], meaning("Those that findings point to")]

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `findings`, the suppressions and the fact tables."""
        rec, today = gathering.recording, gathering.created.date()
        parts = finding_parts(rec, gathering.profile, gathering.progress)
        rows = chain.from_iterable(map(each_row, parts))
        found = sorted(_findings(rows), key=_most_severe_first)
        rec.release()
        kept, left_out, matched = split(found, gathering.suppressions, today)
        drawn = first_of_each(kept, PER_RULE, MAX_LANES)[:MAX_LANES]
        around = gather_neighbours(rec, {one.id: one.evidence[0] for one in drawn if one.evidence})
        shown = tuple(msgspec.structs.replace(one, around=around.get(one.id, ())) for one in kept)
        return cls(
            findings=shown,
            suppressed=len(left_out),
            suppressions=tuple(
                Suppression(
                    **msgspec.structs.asdict(entry),
                    in_force=entry.until >= today,
                    matched=matched.get(at, 0),
                )
                for at, entry in enumerate(gathering.suppressions)
            ),
            rules=_rules(shown, checked(rec, gathering.profile)),
            exchanges=gather_exchanges(rec, _evidence(shown)),
        )

    def link(self) -> str:
        """With how many there are."""
        return f"{self.title} ({len(self.findings):,})"

    @property
    def new(self) -> frozenset[str]:
        """The ids of the findings that the baseline does not have; none without a baseline."""
        return frozenset(self.baseline.new) if self.baseline is not None else frozenset()

    @property
    def by_severity(self) -> dict[str, int]:
        """How many findings there are of each severity, most severe first."""
        return dict(Counter(finding.severity for finding in self.findings))

    @property
    def cards(self) -> tuple[Card, ...]:
        """What each rule found, in the order of the findings."""
        by_rule: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_rule.setdefault(finding.rule, []).append(finding)
        return tuple(Card(rule, tuple(found)) for rule, found in by_rule.items())

    @property
    def cards_new_first(self) -> tuple[Card, ...]:
        """The cards, and the findings of each: those with something new before the others."""

        def known(finding: Finding) -> bool:
            return finding.id not in self.new

        cards = [Card(one.rule, tuple(sorted(one.findings, key=known))) for one in self.cards]
        return tuple(sorted(cards, key=lambda card: known(card.first)))


def _findings(rows: Iterable[Row]) -> Iterator[Finding]:
    """The findings of rows; equal texts are one object: there may be many findings."""
    shared: dict[str, str] = {}
    lines = functools.cache(_lines)
    for row in rows:
        for name in _REPEATED:
            if row[name] is not None:
                row[name] = shared.setdefault(row[name], row[name])
        yield of_row(
            Finding,
            row,
            id=finding_id(row["rule"], row["client"], row["origin"], row["param"]),
            also=lines(row["also"]),
            references=lines(row["references"]),
            sessions=_lines(row["sessions"]),
            evidence=tuple(int(one) for one in row["evidence"].split(",") if one.strip()),
        )


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line for line in (text or "").splitlines() if line.strip())


def finding_id(rule: str, *subject: str | None) -> str:
    """The stable id of a finding: the same in every audit that finds it.

    >>> finding_id("stale-value", "app", None, "LangId")
    'stale-value-348bb666'
    """
    digest = blake2b(digest_size=4)
    for name in subject:
        digest.update(b"\0" if name is None else name.encode("utf-8", "replace") + b"\1")
    return f"{rule}-{digest.hexdigest()}"


def _most_severe_first(finding: Finding) -> tuple[object, ...]:
    return (
        -SEVERITIES.index(finding.severity),
        -finding.count,
        finding.rule,
        *(name or "" for name in (finding.client, finding.origin, finding.param)),
    )


def first_of_each(findings: Sequence[Finding], each: int, most: int) -> list[Finding]:
    """The first findings of each rule, in the order given, so that no rule hides the others."""
    if len(findings) <= most:
        return list(findings)
    counts = Counter[str]()
    chosen: list[Finding] = []
    for finding in findings:
        counts[finding.rule] += 1
        if counts[finding.rule] <= each and len(chosen) < most:
            chosen.append(finding)
    return chosen


def _rules(
    findings: Iterable[Finding], checked: Mapping[str, tuple[int, int]]
) -> tuple[RuleChecked, ...]:
    fired = Counter(rule for finding in findings for rule in (finding.rule, *finding.also))
    return tuple(
        RuleChecked(
            rule=rule.id,
            title=rule.title,
            severity=rule.severity,
            audience=rule.audience,
            found=fired[rule.id],
            count=checked[rule.id][0],
            of=checked[rule.id][1],
        )
        for rule in RULES
    )


def _evidence(findings: Iterable[Finding]) -> list[int]:
    """The first exchanges that each finding points to, and those around its primary one."""
    ids = (
        one for finding in findings for one in (*finding.evidence[:MAX_EVIDENCE], *finding.around)
    )
    return list(dict.fromkeys(ids))[:MAX_EXCHANGES]


def shown_evidence(
    ids: Sequence[int], exchanges: Mapping[int, EvidenceExchange]
) -> list[EvidenceExchange]:
    """The first of the exchanges, where the document has them in full."""
    return [exchanges[one] for one in ids[:MAX_EVIDENCE] if one in exchanges]
