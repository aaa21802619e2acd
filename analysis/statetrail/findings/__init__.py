"""The findings: what a person should do something about, one rule a file."""

from statetrail.findings.gather import findings, found_by
from statetrail.findings.profiles import PROFILES, Profile, load_profile
from statetrail.findings.registry import RULES, rule
from statetrail.findings.rule import AUDIENCES, CONFIDENCES, SEVERITIES, Rule

__all__ = [
    "AUDIENCES",
    "CONFIDENCES",
    "PROFILES",
    "RULES",
    "SEVERITIES",
    "Profile",
    "Rule",
    "findings",
    "found_by",
    "load_profile",
    "rule",
]
