"""The workflow of the page on CI: GitHub takes it, and its commands do what its steps need."""

import json
import re
import shlex
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from statetrail.cli import audit, import_
from studies.documentation import FOLDER
from support.commands import run
from support.hars import entry, headers, write_har

ROOT = FOLDER.parents[2]
PAGE = (FOLDER / "ci.md").read_text("utf-8")
(TEXT,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
# Without the types of YAML 1.1, for which the key `on` is true.
WORKFLOW: dict[str, Any] = yaml.load(TEXT, yaml.BaseLoader)
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["audit"]["steps"]
INSTALL, *COMMANDS = [shlex.split(step["run"]) for step in STEPS if "run" in step]
(UPLOAD,) = [step for step in STEPS if "upload-sarif" in step.get("uses", "")]


def test_the_workflow_is_valid_by_the_published_schema() -> None:
    """Every key of it is one that GitHub knows."""
    schemas = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "github-workflows.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(WORKFLOW)
    assert WORKFLOW["permissions"]["security-events"] == "write"


def test_the_workflow_installs_what_its_commands_need() -> None:
    """The extra is one of the package, and the one that `audit` names."""
    assert ["pip", "install", f"statetrail[{audit.EXTRA}]"] == INSTALL
    assert not hasattr(import_, "EXTRA")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert audit.EXTRA in project["optional-dependencies"]
    python = next(step["with"]["python-version"] for step in STEPS if "setup-python" in str(step))
    assert project["requires-python"] == f">={python}"


@pytest.mark.parametrize("obeys", [True, False])
def test_the_commands_of_the_workflow_leave_what_it_uploads(
    obeys: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job fails where a client ignores state, and the file is there to be uploaded anyway."""
    monkeypatch.chdir(tmp_path)
    capture = Path(COMMANDS[0][2])
    capture.parent.mkdir()
    sent = [("X-LangId", "1")] if obeys else []
    visit = [
        entry(
            "https://shop.example/services/v3/products",
            startedDateTime=f"2024-05-01T10:00:{second:02}Z",
            request__headers=headers(("User-Agent", "shopper/1"), *(sent if second else ())),
            issued=[("X-Set-LangId", "1;header/forced")],
        )
        for second in range(0, 20, 2)
    ]
    write_har(capture, *visit)
    codes = []
    for program, *arguments in COMMANDS:
        assert program == "statetrail"
        codes.append(run(*arguments).code)
    assert codes == [0, 0 if obeys else 1]
    assert UPLOAD["if"] == "always()"
    sarif = json.loads(Path(UPLOAD["with"]["sarif_file"]).read_text("utf-8"))
    results = sarif["runs"][0]["results"]
    assert any(result["ruleId"] == "state-not-implemented" for result in results) is not obeys
    files = {
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in results
        for place in result["locations"]
    }
    assert files <= {str(capture)}
