"""A folder for what does not fit into memory.

Enters: nothing. Leaves: a folder of this process. One that a process left (it was killed) is
removed by the next process that makes one.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
import time
import weakref
from functools import cached_property
from pathlib import Path
from typing import Final

_PREFIX: Final = "statetrail-scratch-"
_MIN_AGE_S: Final = 60
"""A younger folder may not be locked yet."""


class Scratch:
    """A folder for what does not fit into memory, made when it is first asked for.

    It is removed with this object, or with the process. `held` counts the bytes of results that are
    in memory instead.
    """

    held = 0

    def __init__(self) -> None:
        self._numbers = itertools.count()

    @cached_property
    def folder(self) -> Path:
        """The folder, which nobody else can read."""
        remove_abandoned(Path(tempfile.gettempdir()))
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # The lock lasts as long as the process, however that ends.
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        weakref.finalize(self, _remove, folder, lock)
        return folder

    def file(self, name: str) -> Path:
        """A path in the folder that nothing else has: a file that is mapped is not written anew."""
        return self.folder / f"{next(self._numbers)}-{name}"


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def remove_abandoned(parent: Path) -> None:
    """Remove the scratch folders of this user whose processes have ended."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                status = os.fstat(lock)
                if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _MIN_AGE_S:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(lock)
