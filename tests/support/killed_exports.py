"""Exports that are killed at random moments, each a process of its own.

They are forked before this process has any thread: importing takes longer than an export.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from statetrail.store.dataset.export import export_stores
from statetrail.store.dataset.manifest import MANIFEST, read_manifest
from support.datasets import content


def child(work: Callable[[], object]) -> int:
    """The id of a process that does something; its exit code says whether it was done."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(pid: int) -> int:
    """How a process ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def files_in(folder: Path) -> set[str]:
    """The files of a folder."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def main(store: Path, earlier: Path, folder: Path, seed: int, kills: int) -> None:
    """Print how many exports were killed; they add to the dataset `earlier`, if there is one."""
    draw = random.Random(seed)

    def export(to: Path) -> int:
        return child(lambda: export_stores([store], to, ("peer", "user-agent"), 3))

    def is_either(to: Path) -> None:
        if (to / MANIFEST).exists():
            assert content(to) in [content(each) for each in (whole, earlier) if each.exists()]
        else:
            assert not earlier.exists()

    def is_whole(to: Path) -> None:
        assert content(to) == content(whole)
        assert files_in(to) == files_in(whole) == {MANIFEST, *read_manifest(whole).files}
        assert read_manifest(to).files == read_manifest(whole).files
        assert {path.name for path in to.iterdir()} == {path.name for path in whole.iterdir()}

    def begin(to: Path) -> int:
        if earlier.exists():
            shutil.copytree(earlier, to)
        return export(to)

    whole, began = folder / "whole", time.monotonic()
    assert ended(begin(whole)) == 0
    took = time.monotonic() - began
    killed = 0
    for number in range(kills):
        to = folder / f"{number}"
        pid = begin(to)
        time.sleep(draw.random() * took)
        os.kill(pid, signal.SIGKILL)
        killed += ended(pid) == -signal.SIGKILL
        assert ended(child(partial(is_either, to))) == 0
        assert ended(export(to)) == 0
        assert ended(child(partial(is_whole, to))) == 0
    print(killed)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *map(int, sys.argv[4:]))
