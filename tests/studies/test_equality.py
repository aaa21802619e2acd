"""The comparison of two audits notices what it should, and lets pass what is listed."""

from copy import deepcopy
from typing import Any

import pytest

from studies import equality
from studies.equality import compare

AUDIT: dict[str, Any] = {
    "schema_version": 1,
    "created": "2026-01-01T00:00:00Z",
    "expiry": [{"policy": "idle", "low_s": 0.1 + 0.2, "excluded": 3}],
    "findings": [
        {"id": "b-1", "message": "5 of 7 kept `a` (GET /x: no-tail)"},
        {"id": "a-1", "message": "none"},
    ],
}


def changed(**fields: Any) -> dict[str, Any]:
    """The audit with other values of some of its fields."""
    return deepcopy(AUDIT) | fields


def test_an_audit_equals_itself_whenever_it_was_made() -> None:
    """Only the creation time differs."""
    result = compare(AUDIT, changed(created="2027-01-01T00:00:00Z"))
    assert not result.differences
    assert not result.renames


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"expiry": [AUDIT["expiry"][0] | {"low_s": 0.3}]}, "$.expiry[0].low_s"),
        ({"expiry": [AUDIT["expiry"][0] | {"excluded": 3.0}]}, "$.expiry[0].excluded"),
        ({"expiry": []}, "$.expiry[0]"),
        ({"leaks": []}, "$.leaks"),
        ({"schema_version": 4}, "$.schema_version"),
    ],
    ids=["float", "type", "row", "key", "version"],
)
def test_a_difference_has_its_path(fields: dict[str, Any], path: str) -> None:
    """A float in its last bit, another type, a row too few, a key too many."""
    result = compare(AUDIT, changed(**fields))
    assert path in [difference.partition(":")[0] for difference in result.differences]


def test_the_order_of_findings_does_not_count() -> None:
    """It depends on names."""
    assert not compare(AUDIT, changed(findings=AUDIT["findings"][::-1])).differences


def test_listed_renames_are_applied_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and values, and only from one schema version to another."""
    monkeypatch.setattr(equality, "KEYS", {"$.expiry[*]": {"excluded": "excluded_uses"}})
    monkeypatch.setattr(equality, "VALUES", {"$.expiry[*].policy": {"idle": "pause"}})
    row = {"policy": "pause", "low_s": 0.1 + 0.2, "excluded_uses": 3}
    result = compare(AUDIT, changed(schema_version=2, expiry=[row]))
    assert not result.differences
    assert dict(result.renames) == {
        "$.schema_version 1 → 2": 1,
        "$.expiry[*]. excluded → excluded_uses": 1,
        "$.expiry[*].policy idle → pause": 1,
    }
    assert compare(AUDIT, changed(expiry=[row])).differences


@pytest.mark.parametrize(
    ("message", "equal"),
    [
        ("5 of 7 have kept `a` (GET /x: no-tail)", True),
        ("5 of 8 kept `a` (GET /x: no-tail)", False),
        ("5 of 7 kept `b` (GET /x: no-tail)", False),
        ("5 of 7 kept `a` (GET /x: repeated)", False),
    ],
    ids=["wording", "figure", "name", "detail"],
)
def test_the_wording_of_a_newer_version_may_differ_but_not_its_figures(
    message: str, equal: bool
) -> None:
    """A changed wording is counted."""
    findings = [AUDIT["findings"][0] | {"message": message}, AUDIT["findings"][1]]
    result = compare(AUDIT, changed(schema_version=3, findings=findings))
    assert (not result.differences) is equal
    assert result.wordings.total() == (1 if equal else 0)
    assert compare(AUDIT, changed(findings=findings)).differences
