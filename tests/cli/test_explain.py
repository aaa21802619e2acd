"""`statetrail explain`: every name that a report has, and no other."""

import re
from pathlib import Path

import apsw
import pytest

from statetrail.analyses.causes.root_causes import ROOT_CAUSES
from statetrail.analyses.conformance.verdict import REASONS, VERDICTS
from statetrail.cli.explain import PAGES, pages_of, readable
from statetrail.errors import missing_extra
from statetrail.rules import RULES
from support.commands import on_terminal, run
from support.shops import write_shop

NAMES = sorted({*VERDICTS, *REASONS, *ROOT_CAUSES, *(rule.id for rule in RULES)})


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_report_is_explained(name: str) -> None:
    """By its page, of which no comment and no link to a page is left."""
    for page in pages_of(name):
        text = readable(page.read_text("utf-8"))
        assert f"`{name}`" in text.splitlines()[0]
        assert "<!--" not in text
        assert ".md)" not in text


def test_a_name_of_several_things_explains_all_of_them() -> None:
    """One can be picked by its kind."""
    both = run("explain", "many-sessions").out
    assert "rule: many-sessions" in both
    assert "reason of a verdict: many-sessions" in both
    assert run("explain", "reason/many-sessions").out in both


def test_an_unknown_name_gets_the_nearest_one() -> None:
    """As one line, with exit code 2."""
    done = run("explain", "ommitted")
    assert (done.code, done.out) == (2, "")
    assert done.err == "statetrail: unknown name 'ommitted': did you mean omitted?\n"


@pytest.mark.parametrize("columns", [60, 120])
def test_a_page_fits_a_terminal(columns: int) -> None:
    """Lines are broken between words, and none is longer than a hundred characters."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(columns, "explain", "stale")).splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert any("older value" in line for line in lines)


def test_the_list_of_pages_has_names_that_can_be_explained() -> None:
    """As `index` prints them."""
    listed = re.findall(r"^- `([\w-]+)`", run("explain", "index").out, re.MULTILINE)
    assert len(listed) > 20
    assert all(PAGES / f"{name}.md" in pages_of(name) for name in listed)


def test_every_page_that_an_error_names_is_there() -> None:
    """In the code of the package, whether it is raised or a check of the doctor."""
    code = [path.read_text("utf-8") for path in PAGES.parent.rglob("*.py")]
    named = {name for text in code for name in re.findall(r'\bpage ?= ?"([a-z][a-z-]+)"', text)}
    assert len(named) > 8
    assert {name for name in named if not (PAGES / f"{name}.md").exists()} == set()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stores that cannot be used in one way or another."""
    monkeypatch.chdir(tmp_path)
    write_shop(tmp_path / "shop.sqlite")
    write_shop(tmp_path / "other.sqlite")
    write_shop(tmp_path / "keyless.sqlite")
    (tmp_path / "keyless.sqlite.key").unlink()
    write_shop(tmp_path / "newer.sqlite")
    with apsw.Connection(str(tmp_path / "newer.sqlite")) as db:
        db.execute("PRAGMA user_version = 99")
    (tmp_path / "notes.txt").write_text("no capture", "utf-8")
    (tmp_path / "empty.har").write_text('{"log": {"version": "1.2", "entries": []}}', "utf-8")
    (tmp_path / "bad.toml").write_text("name = 1", "utf-8")
    assert run("import", "empty.har", "--store", "empty.sqlite").code == 0
    return tmp_path


ERRORS = [
    ("audit nothing.sqlite", "quickstart"),
    ("audit empty.sqlite", "quickstart"),
    ("audit shop.sqlite --dialects woocommerce", "suggest"),
    ("audit shop.sqlite other.sqlite", "recorder"),
    ("audit newer.sqlite", "tables"),
    ("audit shop.sqlite --profile owasp", "profiles"),
    ("audit shop.sqlite --suppress bad.toml", "suppressions"),
    ("import empty.har --store keyless.sqlite", "recorder"),
    ("import empty.har --store shop.sqlite --dialects zets", "dialects"),
    ("import empty.har --store shop.sqlite --dialects bad.toml", "dialects"),
    ("import notes.txt", "formats"),
    ("show shop.sqlite verdict", "tables"),
    ("verify notes.txt --capture keyless.sqlite", "recorder"),
]


def test_errors_point_to_the_page_that_helps(folder: Path) -> None:
    """At the end of their one line, as a command that prints the page."""
    for command, page in ERRORS:
        done = run(*command.split())
        assert (done.code, done.out) == (2, ""), command
        assert done.err.count("\n") == 1
        assert done.err.endswith(f" (see: statetrail explain {page})\n"), done.err
    missing = missing_extra(ModuleNotFoundError(name="pandas"), "statetrail show")
    assert missing.pointer == "see: statetrail explain installing"
    assert missing.__notes__ == [missing.pointer]
    assert run("explain", "installing").out.startswith("# Installing")
