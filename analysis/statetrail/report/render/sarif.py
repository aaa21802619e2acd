"""The audit as SARIF 2.1.0, for code scanning.

Enters: a `Document`, and the file of the repository at which results are shown: a dialect, a test,
a configuration. Leaves: JSON within GitHub's limits. The traffic has no source file, so the
endpoints of a finding are logical locations, and its place is that file.
"""

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

from statetrail.errors import UsageError
from statetrail.report.document import Document
from statetrail.report.evidence import EvidenceExchange
from statetrail.report.sections.findings import Finding
from statetrail.report.wording import cut, visible
from statetrail.rules import RULES
from statetrail.rules.rule import Severity

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RESULTS: Final = 5_000
"""GitHub shows no more results of one run."""
MAX_TEXT: Final = 1_000
MAX_ENDPOINTS: Final = 10
_RULES: Final = frozenset(rule.id for rule in RULES)
_LEVELS: Final[dict[Severity, str]] = {
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_SCORES: Final[dict[Severity, str]] = {"high": "8.0", "medium": "5.0", "low": "3.0", "info": "0.1"}


def render_sarif(document: Document, at: str) -> str:
    """One run with the findings, most severe first, each shown at the file `at`.

    Raises
    ------
    UsageError
        The file is not named by a path inside of the repository.
    """
    place = relative_uri(at)
    shown = document.findings[:MAX_RESULTS]
    names = list(dict.fromkeys(finding.rule for finding in shown))
    exchanges = {one.exchange: one for one in document.exchanges}
    new = None if document.baseline is None else frozenset(document.baseline.new)
    driver = {
        "name": document.generator.name,
        "semanticVersion": document.generator.version,
        "rules": [_rule(name, shown) for name in names],
    }
    results = [
        _result(finding, names.index(finding.rule), place, exchanges, new) for finding in shown
    ]
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def relative_uri(path: str) -> str:
    """A path inside of a repository as a URI; raises `UsageError` for another one."""
    parts = path.replace("\\", "/").removeprefix("./").split("/")
    if not all(parts) or ".." in parts or ":" in parts[0]:
        raise UsageError(
            f"{path!r} is no path inside of the repository: name it from its root, "
            "e.g. tests/test_shop.py"
        )
    return quote("/".join(parts))


def _rule(name: str, findings: Sequence[Finding]) -> dict[str, Any]:
    first = next(finding for finding in findings if finding.rule == name)
    text = first.remedy
    if name in _RULES:  # a document may be anybody's audit.json
        page = files("statetrail") / "docs" / "rules" / f"{name}.md"
        text = page.read_text("utf-8")
    properties: dict[str, Any] = {"tags": [first.audience]}
    if first.audience == "security":
        properties["security-severity"] = _SCORES.get(first.severity, "0.1")
    return {
        "id": visible(name),
        "shortDescription": {"text": visible(cut(first.title, MAX_TEXT))},
        "help": {"text": visible(first.remedy), "markdown": visible(text)},
        "defaultConfiguration": {"level": _LEVELS.get(first.severity, "note")},
        "properties": properties,
    }


def _result(
    finding: Finding,
    rule: int,
    place: str,
    exchanges: dict[int, EvidenceExchange],
    new: frozenset[str] | None,
) -> dict[str, Any]:
    about = " · ".join(each for each in (finding.client, finding.param) if each)
    text = f"{about}: {finding.message}" if about else finding.message
    result: dict[str, Any] = {
        "ruleId": visible(finding.rule),
        "ruleIndex": rule,
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": visible(cut(f"{text} Remedy: {finding.remedy}", MAX_TEXT))},
        "locations": [
            {
                # GitHub shows no result without a region.
                "physicalLocation": {
                    "artifactLocation": {"uri": place},
                    "region": {"startLine": 1},
                },
                "logicalLocations": list(_endpoints(finding, exchanges)),
            }
        ],
        "partialFingerprints": {"statetrail/v1": finding.id},
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "audience": finding.audience,
        },
    }
    if new is not None:
        result["baselineState"] = "new" if finding.id in new else "unchanged"
    return result


def _endpoints(
    finding: Finding, exchanges: dict[int, EvidenceExchange]
) -> Iterator[dict[str, str]]:
    """The requests that show a finding; where there are none, its origin."""
    requests = (exchanges[one] for one in finding.evidence if one in exchanges)
    names = dict.fromkeys(f"{one.method} {one.origin}{one.path}" for one in requests)
    for name in [*names][:MAX_ENDPOINTS] or [finding.origin or "all origins"]:
        yield {"fullyQualifiedName": visible(cut(name, MAX_TEXT)), "kind": "resource"}
