"""Scratch folders: gone with their process, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from statetrail.recording.scratch import Scratch, remove_abandoned

HOLD = """
import sys, time
from statetrail.recording.scratch import Scratch
scratch = Scratch()
(scratch.folder / "large").write_bytes(bytes(1000))
print(scratch.folder, flush=True)
time.sleep(60)
"""


def test_a_folder_that_a_kill_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """One that is in use stays, and so does a young one, which may be about to be used."""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert folder.is_dir()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    os.utime(folder)
    remove_abandoned(tmp_path)
    assert folder.is_dir()
    os.utime(folder, (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_goes_with_its_object() -> None:
    """Nothing of a recording stays that nobody uses any more."""
    scratch = Scratch()
    folder = scratch.folder
    assert folder.stat().st_mode & 0o077 == 0
    del scratch
    assert not folder.exists()
