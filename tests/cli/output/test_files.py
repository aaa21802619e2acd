"""Files that commands leave."""

import os
from pathlib import Path

import pytest

from statetrail.cli.output.files import check_outputs, write_file
from statetrail.errors import UsageError


def test_a_file_is_replaced_in_one_step_and_keeps_its_mode(tmp_path: Path) -> None:
    """The new content is there whole, nothing else is left, permissions and links stay."""
    path, link = tmp_path / "report.html", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_file(link, "new \ud800")
    assert path.read_text() == "new \\ud800"
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, path]
    write_file(tmp_path / "made.html", "new")
    assert (tmp_path / "made.html").stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full the error is one line and the old content is still there."""
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(UsageError, match="No space left"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """/dev/null stays a device."""
    check_outputs([Path("/dev/null")])
    write_file(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()


def test_outputs_are_checked_before_the_work(tmp_path: Path) -> None:
    """Twice the same file, a source or a part of it, a folder: each is named."""
    store = tmp_path / "s.sqlite"
    store.touch()
    for outputs, message in (
        ([tmp_path / "a", tmp_path / "b" / ".." / "a"], "two outputs"),
        ([store], "is an input"),
        ([store / "x"], "is an input"),
        ([tmp_path], "is a folder"),
        ([tmp_path / "no" / "x"], "no folder"),
        ([Path("x" * 300) / "y"], "no folder"),
    ):
        with pytest.raises(UsageError, match=message):
            check_outputs(outputs, [store])
    check_outputs([tmp_path / "a", None, tmp_path / "b"], [store])
