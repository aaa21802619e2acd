"""What the checks of pieces share: the copy, its generated files, and its JSON Schema."""

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema

import statetrail
from statetrail.report.audit import Audit
from studies.documentation import stale_pages, write_schema

assert Path(statetrail.__file__).is_relative_to(sys.argv[1]), statetrail.__file__
SCHEMA = Path(statetrail.__file__).with_name("report") / "audit.schema.json"


def generated_files_are_current() -> None:
    """`make docs` would change nothing."""
    assert stale_pages() == []
    assert write_schema() == []


def valid(audit: Audit) -> dict[str, Any]:
    """The JSON of an audit, which its schema describes."""
    content: dict[str, Any] = json.loads(audit.to_json())
    jsonschema.validate(content, json.loads(SCHEMA.read_text("utf-8")))
    return content
