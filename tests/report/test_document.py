"""The shape of `audit.json` and its shipped JSON Schema."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from statetrail.errors import UsageError
from statetrail.report import Audit
from statetrail.report.document import json_schema
from statetrail.report.render import json as json_format
from support.audits import CREATED, document
from support.golden import assert_golden

SCHEMA = files("statetrail.report") / "audit.schema.json"


def test_the_shipped_schema_is_the_one_that_the_structs_make() -> None:
    """`audit.schema.json` is current."""
    assert_golden(Path(str(SCHEMA)), json.dumps(json_schema(), indent=2) + "\n")


def test_a_large_audit_json_is_the_same_with_an_element_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every element of a list in its line; what is read back is the same."""
    indented = Audit(document()).to_json()
    monkeypatch.setattr(json_format, "LARGE", 0)
    lines = Audit(document()).to_json()
    assert json.loads(lines) == json.loads(indented)
    assert len(lines) < len(indented)
    assert lines.count('\n    {"exchange":') == len(document().exchanges)
    assert Audit.from_json(lines).document == document()


def test_audit_json_is_valid_under_the_shipped_schema() -> None:
    """A document as JSON satisfies the JSON Schema, dates included."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validator(schema, format_checker=jsonschema.FormatChecker()).validate(
        json.loads(Audit(document()).to_json())
    )


def test_audit_json_has_every_field_that_the_interface_promises() -> None:
    """The names that other programs read stay."""
    data = json.loads(Audit(document()).to_json())
    promised = {
        "capture": "started ended exchanges clients origins malformed",
        "clients": "client origin dialect requests compliance verdicts params",
        "expiry": "origin dialect param policy low_s high_s confidence survived ended "
        "contradictions advice",
        "rotations": "client origin dialect param at from to cause idle_s age_s",
        "findings": "rule title severity confidence audience client origin param count first last "
        "message remedy references evidence",
        "tokens_summary": "origin dialect param values",
    }
    assert data["schema_version"] == 2
    for section, names in promised.items():
        part = data[section][0] if isinstance(data[section], list) else data[section]
        assert set(names.split()) <= part.keys(), section
    assert data["rotations"][1]["at"] == "2026-03-02T09:40:00Z"


def test_an_audit_survives_being_written_and_read() -> None:
    """What was read from `audit.json` is what was written to it."""
    written = Audit(document())
    assert Audit.from_json(written.to_json()) == written
    assert written.document.created == CREATED


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 1}', "\ud800"])
def test_what_is_no_audit_is_refused_in_one_line(text: str) -> None:
    """A foreign file gives one clear line."""
    with pytest.raises(UsageError, match=r"no audit\.json of version 2") as caught:
        Audit.from_json(text)
    assert "\n" not in str(caught.value)
