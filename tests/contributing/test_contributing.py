"""CONTRIBUTING.md: each list names exactly the files that a new piece needs, and the piece works.

A piece is two files here. ``<piece>.diff`` adds one to a copy of the code. ``check_<piece>.py``
runs with that copy first on its path. A diff that no longer applies is made anew: make its changes
in a clean tree, run ``make docs``, and keep the output of ``git diff``.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent
ROOT = TESTS.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PIECES = re.findall(r"^## Add an? (\w+)$", CONTRIBUTING, re.MULTILINE)
MAX_FILES = 3


def listed(piece: str) -> list[str]:
    """The numbered paths below the piece's heading."""
    _, _, rest = CONTRIBUTING.partition(f"## Add a {piece}\n")
    return re.findall(r"^\d\. `([^`]+)`: ", rest.partition("\n## ")[0], re.MULTILINE)


def touched(piece: str) -> list[str]:
    """The paths that the piece's diff changes or adds."""
    diff = (HERE / f"{piece}.diff").read_text("utf-8")
    return re.findall(r"^diff --git a/\S+ b/(\S+)$", diff, re.MULTILINE)


def fits(pattern: str, path: str) -> bool:
    """Whether a path is one of a listed pattern, in which ``<name>`` stands for a name."""
    parts = [re.escape(part) for part in re.split(r"<\w+>", pattern)]
    return re.fullmatch("[a-z0-9][a-z0-9_-]*".join(parts), path) is not None


def test_every_piece_has_its_diff_and_its_check() -> None:
    """And no other piece has one."""
    assert sorted(PIECES) == ["column", "format", "model", "place", "rule", "section", "verdict"]
    assert {path.stem for path in HERE.glob("*.diff")} == set(PIECES)
    assert {path.stem.removeprefix("check_") for path in HERE.glob("check_*.py")} == set(PIECES)


@pytest.mark.parametrize("piece", PIECES)
def test_the_list_names_what_the_diff_touches(piece: str) -> None:
    """One file for each number, three at most."""
    patterns, paths = listed(piece), touched(piece)
    assert 1 <= len(paths) <= MAX_FILES
    assert len(patterns) == len(paths)
    for pattern in patterns:
        assert sum(fits(pattern, path) for path in paths) == 1, pattern


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_works_in_a_copy_of_the_code(piece: str, tmp_path: Path) -> None:
    """The copy is what is imported, and its generated files are current."""
    copy, work = tmp_path / "copy", tmp_path / "work"
    for folder in ("analysis", "addons"):
        shutil.copytree(ROOT / folder, copy / folder)  # with what is compiled
    work.mkdir()
    run("git", "apply", "-C1", str(HERE / f"{piece}.diff"), folder=copy)
    paths = (copy / "analysis", copy / "addons", TESTS)
    environment = {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    check = HERE / f"check_{piece}.py"
    run(sys.executable, "-P", str(check), str(copy), folder=work, environment=environment)


def run(*command: str, folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a command, which has to succeed."""
    ran = subprocess.run(
        command,
        cwd=folder,
        # Git is not to find a repository around the folder.
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)} | (environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
