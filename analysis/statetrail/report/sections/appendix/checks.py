"""The rules that were applied: what each found, passed, or had nothing to look at."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NamedTuple

from statetrail.report.rule_pages import Block, rule_page
from statetrail.report.section import Section
from statetrail.report.sections.findings import RESULTS, Finding, FindingsSection, RuleChecked
from statetrail.rules.rule import CONFIDENCES, SEVERITIES

GRADES: Final = (*reversed(SEVERITIES),)


class Matrix(NamedTuple):
    """How many findings there are of each severity (rows) and confidence (columns)."""

    confidences: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...], int], ...]


class ChecksSection(Section, frozen=True, kw_only=True):
    """What became of each rule; its data is that of the findings."""

    title: ClassVar = "Rules"
    audiences: ClassVar = FindingsSection.audiences

    @staticmethod
    def matrix(findings: Sequence[Finding]) -> Matrix:
        """The findings counted by severity and confidence, most severe and surest first."""
        counts = Counter((one.severity, one.confidence) for one in findings)
        surest = tuple(reversed(CONFIDENCES))
        return Matrix(
            surest,
            tuple(
                (severity, numbers, sum(numbers))
                for severity in GRADES
                for numbers in (tuple(counts[severity, one] for one in surest),)
            ),
        )

    @staticmethod
    def by_result(rules: Sequence[RuleChecked]) -> Mapping[str, list[RuleChecked]]:
        """The rules by their results, the most severe first; a result of none is left out."""
        grades = {severity: grade for grade, severity in enumerate(GRADES)}
        order = sorted(rules, key=lambda one: (grades.get(one.severity, 0), one.rule))
        found = {name: [one for one in order if one.result == name] for name in RESULTS}
        return {name: those for name, those in found.items() if those}

    @staticmethod
    def page(rule: str) -> tuple[Block, ...]:
        """The page of a rule."""
        return rule_page(rule)
