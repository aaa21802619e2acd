"""The shape of `audit.json` and its shipped JSON Schema."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from statetrail.errors import UsageError
from statetrail.report.audit import Audit
from statetrail.report.comparison import read_audit
from statetrail.report.document import Document, json_schema
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
    assert data["schema_version"] == 3
    for section, names in promised.items():
        part = data[section][0] if isinstance(data[section], list) else data[section]
        assert set(names.split()) <= part.keys(), section
    assert data["rotations"][1]["at"] == "2026-03-02T09:40:00Z"


def test_an_audit_survives_being_written_and_read() -> None:
    """What was read from `audit.json` is what was written to it."""
    written = Audit(document())
    assert Audit.from_json(written.to_json()) == written
    assert written.document.created == CREATED


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": 3}', "\ud800"])
def test_what_is_no_audit_is_refused_in_one_line(text: str) -> None:
    """A foreign file gives one clear line."""
    with pytest.raises(UsageError, match=r"no audit\.json of version 3") as caught:
        Audit.from_json(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["library", "baseline"])
def test_an_audit_of_version_1_is_refused_with_what_to_do(form: str, tmp_path: Path) -> None:
    """One line names both versions and the command that makes a new one."""
    old = json.dumps(json.loads(Audit(document()).to_json()) | {"schema_version": 1})
    path = tmp_path / "old.json"
    path.write_text(old)
    with pytest.raises(UsageError, match="version 1, and this program reads version 3") as caught:
        Audit.from_json(old) if form == "library" else read_audit(path)
    assert "statetrail audit STORE --json FILE" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_has_the_fields_of_all_its_sections() -> None:
    """Each section is found again in the document, with nothing left over but the head."""
    made = document()
    names = [name for kind in Document.sections for name in kind.__struct_fields__]
    assert len(names) == len(set(names))
    head = ("schema_version", "created", "generator", "settings")
    assert (*head, *names) == Document.__struct_fields__
    for kind in Document.sections:
        section = made.section(kind)
        assert all(getattr(section, name) is getattr(made, name) for name in kind.__struct_fields__)
