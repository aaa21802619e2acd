"""The pages as a site: links and anchors, commands and examples, diagrams, and the navigation."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.documentation import FOLDER
from studies.documentation.diagrams import diagrams
from support.commands import run
from support.shops import write_shop

ROOT = FOLDER.parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*.md"))}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECORDS = ("statetrail record ", "mitmdump ")
"""Commands that do not end by themselves: `test_readme` runs those of the README."""
CODE = re.compile(r"(?:`|^\$ |^- run: )statetrail ([a-z][^`\n]+)", re.MULTILINE)
"""What follows the program's name where it stands in code."""


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    """The blocks of a kind, with their pages."""
    for name, path in PAGES.items():
        for found, text in FENCE.findall(path.read_text("utf-8")):
            if found == kind:
                yield name, text


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = FENCE.sub("", path.read_text("utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_and_anchor_of_a_page_is_real(name: str) -> None:
    """Within the pages and to other files of the project; pictures, too."""
    page = PAGES[name]
    for target in re.findall(r"\]\(([^()\s]+)\)", FENCE.sub("", page.read_text("utf-8"))):
        path, _, anchor = target.partition("#")
        if "://" not in path:
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


COMMANDS = [
    (name, line.removeprefix("$ "))
    for name, text in blocks("console")
    for line in text.splitlines()
    if line.startswith("$ ")
]


@pytest.mark.parametrize("name", sorted({name for name, _ in COMMANDS}))
def test_the_commands_of_a_page_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, with a store and a capture of the names that pages use."""
    monkeypatch.chdir(tmp_path)
    write_shop(tmp_path / "shop.sqlite")
    (tmp_path / "traffic.har").write_text('{"log": {"version": "1.2", "entries": []}}', "utf-8")
    for _, command in (one for one in COMMANDS if one[0] == name):
        if command.startswith(RECORDS):
            assert f"$ {command}\n" in README
            continue
        program, *arguments = shlex.split(command)
        assert program == "statetrail"
        before = set(tmp_path.iterdir())
        done = run(*arguments)
        assert done.code == 0, done.err
        assert done.out or set(tmp_path.iterdir()) != before, command


PYTHON = [(name, text) for name, text in blocks("python") if name != "pytest.md"]


@pytest.mark.parametrize(("name", "text"), PYTHON, ids=[name for name, _ in PYTHON])
def test_the_python_of_a_page_runs(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands; that of `pytest.md` is run by `tests/testing`."""
    monkeypatch.chdir(tmp_path)
    write_shop(tmp_path / "shop.sqlite")
    exec(compile(text, name, "exec"), {})


def test_what_pages_name_of_the_command_line_exists() -> None:
    """Every command in code, and every option of it after its name (`--set` is mitmdump's)."""
    helps: dict[str, str] = {}
    named = 0
    for name, path in PAGES.items():
        for code in CODE.findall(path.read_text("utf-8")):
            command = re.match(r"(dialect \w+|\w+)", code)
            assert command, (name, code)
            if (words := command[0]) not in helps:
                done = run(*words.split(), "--help")
                assert done.code == 0, (name, code)
                helps[words] = done.out
            for option in re.findall(r" (--[a-z-]+)", code.partition(" -- ")[0]):
                assert option in helps[words], (name, code)
                named += 1
    assert len(helps) > 15
    assert named > 15


def test_the_diagrams_are_current() -> None:
    """`make docs` would change nothing; each package of the contract is in the diagram."""
    for name, drawn in diagrams().items():
        assert (FOLDER / name).read_text("utf-8") == drawn, "renew them: make docs"
    for package in (ROOT / "analysis/statetrail").glob("*/__init__.py"):
        assert f">{package.parent.name}</text>" in diagrams()["concepts-packages.svg"]
