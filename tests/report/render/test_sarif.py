"""SARIF: valid by the published schema, and within what GitHub accepts."""

import json
from pathlib import Path

import jsonschema
import pytest

from statetrail.errors import UsageError
from statetrail.report.document import Document
from statetrail.report.render.sarif import MAX_TEXT, render_sarif
from support.audits import document, planted
from support.hostile import PAYLOADS

SCHEMA = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text("utf-8"))
"""OASIS's schema of SARIF 2.1.0, without its descriptions."""


def run(audit: Document, at: str = "dialects/shop acme.toml") -> dict:
    """The one run of a valid file."""
    sarif = json.loads(render_sarif(audit, at))
    jsonschema.Draft4Validator(SCHEMA).validate(sarif)
    (one,) = sarif["runs"]
    return one


def test_each_finding_is_a_result_at_the_file_with_its_endpoints() -> None:
    """The level follows the severity; the rule has its page; the id stays from run to run."""
    audit = document()
    made = run(audit)
    assert len(made["results"]) == len(audit.findings)
    rules = made["tool"]["driver"]["rules"]
    for finding, result in zip(audit.findings, made["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["partialFingerprints"] == {"statetrail/v1": finding.id}
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "dialects/shop%20acme.toml"
        assert place["region"]["startLine"] == 1
        assert location["logicalLocations"]
        assert len(result["message"]["text"]) <= MAX_TEXT
    levels = {"high": "error", "medium": "warning", "low": "note", "info": "note"}
    assert [one["level"] for one in made["results"]] == [levels[f.severity] for f in audit.findings]
    endpoints = made["results"][0]["locations"][0]["logicalLocations"]
    assert any("https://shop.example" in one["fullyQualifiedName"] for one in endpoints)
    page = next(rule["help"]["markdown"] for rule in rules if rule["id"] == "stale-value")
    assert "# `stale-value`" in page


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_stays_text(payload: str) -> None:
    """The file is valid whatever clients and servers are called."""
    run(planted(document(), lambda _: payload))


@pytest.mark.parametrize("at", ["/etc/passwd", "../x", "a//b", "c:/x", "https://x/y", ""])
def test_a_place_outside_of_the_repository_is_refused(at: str) -> None:
    """GitHub takes relative URIs only."""
    with pytest.raises(UsageError, match="no path inside of the repository"):
        render_sarif(document(), at)
