"""Adding a rule touches three files outside of the tests: the rule, its page, and the index."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import statetrail
from docs.conversations import examples, recording

ADDED = Path(__file__).parent / "added"
TESTS = ADDED.parents[1]
RENEW_PAGES = "from studies.documentation import write_pages; print(*write_pages())"


def contents(folder: Path) -> dict[str, bytes]:
    """Every source file and page below a folder."""
    files = (path for path in folder.rglob("*") if path.suffix in {".py", ".md"})
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_rule_is_added_by_its_file_and_its_page(tmp_path: Path) -> None:
    """In a copy of the package it is found, reported in every format, and documented."""
    original = Path(statetrail.__file__).parent
    copy = tmp_path / "package" / "statetrail"
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ADDED / "language_presented.py", copy / "rules" / "client")
    shutil.copy(ADDED / "language-presented.md", copy / "docs" / "rules")

    def run(*command: str) -> str:
        paths = os.pathsep.join((str(copy.parent), str(TESTS)))
        ran = subprocess.run(
            [sys.executable, *command],
            env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    renewed = run("-c", RENEW_PAGES).split()
    assert renewed == ["index.md", "rules/language-presented.md"]
    before, after = contents(original), contents(copy)
    assert {name for name in after if after[name] != before.get(name)} == {
        "docs/index.md",
        "docs/rules/language-presented.md",
        "rules/client/language_presented.py",
    }
    page = after["docs/rules/language-presented.md"].decode()
    assert "| observed | N of M requests presented `param` with another value than 1 |" in page
    assert "[`language-presented`](rules/language-presented.md)" in after["docs/index.md"].decode()

    recording(examples(page), tmp_path / "shop.sqlite")
    formats = {name: f"audit.{name}" for name in ("json", "html", "md", "junit")}
    options = [word for name, file in formats.items() for word in (f"--{name}", file)]
    run("-m", "statetrail", "audit", "shop.sqlite", "--client-by", "user-agent", *options)
    audit = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    (finding,) = [one for one in audit["findings"] if one["rule"] == "language-presented"]
    assert finding["client"] == "Before"
    assert finding["message"].startswith("1 of 1 requests presented LangId with another value")
    for file in formats.values():
        assert "language-presented" in (tmp_path / file).read_text("utf-8")
