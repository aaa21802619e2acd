"""The findings: what a person should do something about, one rule a file."""

from statetrail.rules.gather import checked, finding_parts, findings, findings_of
from statetrail.rules.profiles import PROFILES, Profile, load_profile
from statetrail.rules.registry import RULES, rule
from statetrail.rules.rule import AUDIENCES, CONFIDENCES, SEVERITIES, Rule

__all__ = [
    "AUDIENCES",
    "CONFIDENCES",
    "PROFILES",
    "RULES",
    "SEVERITIES",
    "Profile",
    "Rule",
    "checked",
    "finding_parts",
    "findings",
    "findings_of",
    "load_profile",
    "rule",
]
