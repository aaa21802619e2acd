"""Adding a section touches three files outside of the tests: its own, the list, the JSON Schema."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import statetrail
from support.shops import write_shop

ADDED = Path(__file__).parent / "added" / "endpoints.py"
RENEW_SCHEMA = """
import json, pathlib
from statetrail.report import document
path = pathlib.Path(document.__file__).with_name("audit.schema.json")
path.write_text(json.dumps(document.json_schema(), indent=2) + "\\n")
"""


def test_a_section_is_added_by_its_file_and_a_line_in_the_list(tmp_path: Path) -> None:
    """In a copy of the package it is in the JSON, its schema, the page and the Markdown."""
    copy = tmp_path / "package" / "statetrail"
    shutil.copytree(
        Path(statetrail.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ADDED, copy / "report" / "sections")
    listed = copy / "report" / "document.py"
    listed.write_text(
        listed.read_text("utf-8")
        .replace(
            "from statetrail.report.sections.expiry import",
            "from statetrail.report.sections.endpoints import EndpointsSection\n"
            "from statetrail.report.sections.expiry import",
        )
        .replace("    CredentialsSection,\n", "    CredentialsSection,\n    EndpointsSection,\n"),
        "utf-8",
    )

    def run(*command: str) -> None:
        ran = subprocess.run(
            [sys.executable, *command],
            env=os.environ | {"PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr

    run("-c", RENEW_SCHEMA)
    write_shop(tmp_path / "shop.sqlite")
    forms = ("--json", "audit.json", "--html", "audit.html", "--md", "audit.md")
    run("-m", "statetrail", "audit", "shop.sqlite", *forms)

    audit = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    assert [one["exchanges"] for one in audit["endpoints"]] == [14, 14]
    schema = json.loads((copy / "report" / "audit.schema.json").read_text("utf-8"))
    fields = schema["$defs"]["Document"]["properties"]
    assert fields["endpoints"]["description"] == "Busiest first"
    page = (tmp_path / "audit.html").read_text("utf-8")
    assert '<li><a href="#endpoints">Endpoints</a></li>' in page
    headings = ("Shared and leaked credentials", "Busiest endpoints", "Capture and data quality")
    places = [page.index(f"<h2>{heading}</h2>") for heading in headings]
    assert places == sorted(places)
    assert "### Busiest endpoints" in (tmp_path / "audit.md").read_text("utf-8")
