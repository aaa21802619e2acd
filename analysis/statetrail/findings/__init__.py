"""The findings: what a person should do something about, one rule a file."""

from statetrail.findings.gather import findings, found_by
from statetrail.findings.registry import RULES, rule
from statetrail.findings.rule import AUDIENCES, CONFIDENCES, SEVERITIES, Rule

__all__ = [
    "AUDIENCES",
    "CONFIDENCES",
    "RULES",
    "SEVERITIES",
    "Rule",
    "findings",
    "found_by",
    "rule",
]
