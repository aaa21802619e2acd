"""Files on their way into a dataset: all of them at once, or none.

Enters: a folder. Leaves: the dataset with new files, and without those that they replace.

1. Files are written in `SCRATCH` within the folder, and synced.
2. They are renamed to their names, which no reader knows yet.
3. The manifest that lists them takes the place of the one before: from here on they are read.
4. Files that are no longer listed are removed, then `SCRATCH`.

Where `SCRATCH` is found, an export was killed: what its manifest does not list is removed.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from statetrail.errors import StoreError
from statetrail.schema import FACTS
from statetrail.store.dataset.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    entry_of,
    is_part,
    read_manifest,
)

if sys.platform != "win32":
    import fcntl

SCRATCH: Final = ".statetrail-export"
_OWN: Final = {SCRATCH, *(table.name for table in FACTS)}


def check_target(to: Path) -> None:
    """Raise `StoreError` unless stores can be exported to `to`; nothing is written."""
    if to.exists() and not is_dataset(to) and not (to.is_dir() and _is_begun(to)):
        raise StoreError(f"{to} exists already: name a new folder, or remove it first")
    if not to.absolute().parent.is_dir():
        raise StoreError(f"{to.parent} is no folder: make it first, or name another one")
    if not os.access(to if to.exists() else to.absolute().parent, os.W_OK):
        place = to if to.exists() else to.parent
        raise StoreError(f"{to} cannot be written: {place} is not writable")


def is_dataset(path: Path) -> bool:
    """Whether there is a dataset in a folder."""
    return os.path.lexists(path / MANIFEST)


def is_interrupted(path: Path) -> bool:
    """Whether an export into the folder was killed, or runs."""
    return os.path.lexists(path / SCRATCH)


def _is_begun(folder: Path) -> bool:
    """Whether a folder is empty, or has only what a first export that was killed had written."""
    names = {entry.name for entry in folder.iterdir()}
    return not names or (SCRATCH in names and names <= _OWN)


class Staging:
    """An export into a folder while it runs; see `staged`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scratch = folder / SCRATCH
        self._new: list[str] = []

    def path(self, name: str) -> Path:
        """Where a file of the dataset is to be written."""
        return self.scratch / "new" / name

    def add(self, name: str, rows: int) -> FileEntry:
        """A file with so many rows was written; its entry in the manifest."""
        _sync(self.path(name))
        self._new.append(name)
        return entry_of(self.path(name), rows)

    def commit(self, manifest: Manifest) -> None:
        """Make the files and the manifest those of the dataset."""
        folders = {self.folder}
        for name in self._new:
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            self.path(name).rename(target)
            folders |= {target.parent, target.parent.parent}
        for folder in folders:
            _sync_names(folder)
        written = self.scratch / MANIFEST
        written.write_bytes(manifest.encoded())
        _sync(written)
        written.replace(self.folder / MANIFEST)
        _sync_names(self.folder)


@contextmanager
def staged(to: Path) -> Iterator[Staging]:
    """An export into a folder; what it wrote is removed at the end, unless it was committed.

    Raises `StoreError` if the folder cannot be written, or another export runs.
    """
    try:
        made = not to.exists()
        to.mkdir(exist_ok=True)
        with _locked(to):
            try:
                _clear(to)
                (to / SCRATCH).mkdir()
                yield Staging(to)
            finally:
                _clear(to)
                if made and not is_dataset(to):
                    with suppress(OSError):
                        to.rmdir()
    except OSError as error:
        # Arrow describes an error at length.
        reason = os.strerror(error.errno) if error.errno else error
        raise StoreError(f"{to} cannot be written: {reason}") from None


def _clear(folder: Path) -> None:
    """Remove what an export wrote that did not come to its end, or that it replaced."""
    if not is_interrupted(folder):
        return
    listed = read_manifest(folder).files if is_dataset(folder) else {}
    for table in FACTS if listed is not None else ():
        top = folder / table.name
        for file in [*top.glob("part-*.parquet"), *top.glob("bucket=*/part-*.parquet")]:
            name = file.relative_to(folder).as_posix()
            if is_part(name) and name not in (listed or {}):
                file.unlink()
        for emptied in () if listed else (*top.glob("bucket=*"), top):
            with suppress(OSError):
                emptied.rmdir()
    shutil.rmtree(folder / SCRATCH)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One export into a folder at a time, where the system can tell."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"another process exports to {folder}: wait for its end") from None
        yield
    finally:
        os.close(handle)


def _sync(file: Path) -> None:
    """Keep a file over a power loss."""
    with file.open("rb+") as content:
        os.fsync(content.fileno())


def _sync_names(folder: Path) -> None:
    """Keep the names in a folder over a power loss, where a folder can be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
