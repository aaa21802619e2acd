"""Small disks that can be filled or frozen; only root may make them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")


def run(*command: object) -> bool:
    """Run a command; whether it succeeded."""
    arguments = [str(argument) for argument in command]
    return subprocess.run(arguments, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int = 6) -> Iterator[Path | None]:
    """A disk in memory at the folder; `None` where nobody may make one."""
    folder.mkdir(exist_ok=True)
    made = run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder)
    try:
        yield folder if made else None
    finally:
        if made:
            run("umount", "-l", folder)


def fill(disk: Path) -> Path:
    """Fill a disk; returns the file that does."""
    filler = disk / "filler"
    assert shutil.disk_usage(disk).free > 1 << 20, "the disk was full before"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


@contextlib.contextmanager
def ext4_disk(folder: Path, megabytes: int = 40) -> Iterator[Path | None]:
    """A disk with a file system that can be frozen; `None` where nobody may make one."""
    image = folder.with_name(f"{folder.name}.image")
    folder.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    made = run("mkfs.ext4", "-q", image) and run("mount", "-o", "loop", image, folder)
    try:
        yield folder if made else None
    finally:
        if made:
            run("umount", "-l", folder)


@contextlib.contextmanager
def frozen(disk: Path) -> Iterator[None]:
    """Whoever writes to the disk waits until this ends."""
    assert run("fsfreeze", "-f", disk)
    try:
        yield
    finally:
        run("fsfreeze", "-u", disk)
