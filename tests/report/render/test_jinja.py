"""Compiled templates are kept between runs, and no report depends on that."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from statetrail.report.render.html import render_html
from statetrail.report.render.jinja import environment
from support.audits import document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a user who has none yet; the folder does not exist."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"_jinja2-cache-{os.getuid()}"


def refuse(*args: Any, **kwargs: Any) -> Any:
    """No compilation."""
    raise AssertionError("compiled")


def test_a_second_report_compiles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its templates are read from a folder that is its user's alone, and the page is the same."""
    page = render_html(document())
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(Environment, "_generate", refuse)
    assert render_html(document()) == page


def test_damaged_templates_are_compiled_anew(folder: Path) -> None:
    """Files cut short at any place, or full of zeros, change nothing."""
    page = render_html(document())
    for at, file in enumerate(sorted(folder.iterdir())):
        whole = file.read_bytes()
        file.write_bytes(whole[: at * 5] + bytes(len(whole) * (at % 2)))
    assert render_html(document()) == page


def test_a_folder_that_is_not_safe_is_not_used(folder: Path, tmp_path: Path) -> None:
    """Another's link in its place: the page is made without it, and nothing is written there."""
    other = tmp_path / "other"
    other.mkdir()
    folder.symlink_to(other)
    assert render_html(document()).startswith("<!doctype html>")
    assert list(other.iterdir()) == []


def test_a_full_disk_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is made all the same."""

    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    assert render_html(document()).startswith("<!doctype html>")
    assert list(folder.iterdir()) == []


def test_what_was_compiled_with_other_options_is_not_taken(folder: Path) -> None:
    """Escaping is compiled in: one source has a file for each set of options."""
    for autoescape in (True, False):
        environment(str, autoescape=autoescape).get_template("audit.js")
    assert len(list(folder.iterdir())) == 2
