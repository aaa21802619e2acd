"""Connections to SQLite through APSW, which takes half the time of Python's own module for a row.

Enters: a path. Leaves: a connection without implicit transactions; error names that quote no value;
a limit of time for each statement that only reads; the stores that this process has open for
writing. Only this module opens those: POSIX locks belong
to the process, so if another copy of SQLite or a plain `open` opens and closes the file in this
process, the writer's locks are dropped. Another program then believes to be the last user and
removes the log that is being written.
"""

import os
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, Protocol

import apsw

PAGE: Final = 2048
"""Page size in bytes of a new store."""
READ_S: Final = 60.0
"""How long a statement may read; a damaged or hostile file could let it read without end."""
_STEPS: Final = 100_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""

_WORDS: Final = {
    "SQLITE_FULL": "no space is left",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_CANTOPEN": "it, or its log, cannot be opened",
    "SQLITE_BUSY": "another program holds it",
    "SQLITE_IOERR": "the disk has an error",
    "SQLITE_CORRUPT": "it is damaged",
}
"""What errors mean, by how their names begin."""

type Mode = Literal["make", "write", "read"]

_FLAGS: Final[dict[Mode, int]] = {
    "make": apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
    "write": apsw.SQLITE_OPEN_READWRITE,
    "read": apsw.SQLITE_OPEN_READONLY,
}


# A store has neither views nor triggers. What a foreign hand added is not run: it may not end.
_SAFE: Final = (
    (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
)


class Writer(Protocol):
    """An object that has a store open for writing."""

    file: tuple[int, int] | None
    closed: bool

    def __hash__(self) -> int: ...


OPEN: Final[weakref.WeakSet[Writer]] = weakref.WeakSet()
"""The writers of this process."""


def is_open_here(path: Path) -> bool:
    """Whether this process has the store at the path open for writing."""
    file = identity(path)
    return any(writer.file == file for writer in OPEN if not writer.closed)


def identity(path: Path) -> tuple[int, int] | None:
    """The identity of the file at the path: its device and inode."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def connect(
    path: Path, mode: Mode, *, busy_s: float = 5, immutable: bool = False
) -> apsw.Connection:
    """Open a SQLite file. Raises `apsw.Error` if it cannot be opened.

    Parameters
    ----------
    mode
        ``make``: write, and create it if it is missing; ``write``; ``read``.
    busy_s
        Longest wait in seconds for another process that holds a lock.
    immutable
        No process writes to it: it is read without locks and without files beside it.
    """
    if mode == "make":
        # SQLite would make it readable by others; its log gets the same mode.
        with suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    name = f"{path.absolute().as_uri()}{'?immutable=1' if immutable else ''}"
    db = apsw.Connection(name, flags=_FLAGS[mode] | apsw.SQLITE_OPEN_URI)
    db.set_busy_timeout(round(busy_s * 1000))
    for setting, on in _SAFE:
        db.config(setting, on)
    if mode == "read":
        _limit(db)
    return db


def _limit(db: apsw.Connection) -> None:
    """End each statement that takes longer than `READ_S`, with `apsw.InterruptError`."""
    end = time.monotonic() + READ_S

    def begins(*_: object) -> bool:
        nonlocal end
        end = time.monotonic() + READ_S
        return True

    db.exec_trace = begins
    db.set_progress_handler(lambda: time.monotonic() > end, _STEPS)


def error_text(error: Exception) -> str:
    """What an error of SQLite means, with its name. Its own message may quote a value."""
    name = error_name(error)
    words = next((words for start, words in _WORDS.items() if name.startswith(start)), "")
    return f"{words}: {name}" if words else name


def error_name(error: Exception) -> str:
    """SQLite's name of an error, e.g. ``SQLITE_FULL``; the class name of another exception."""
    if not isinstance(error, apsw.Error):
        return type(error).__name__
    code = getattr(error, "extendedresult", getattr(error, "result", None))
    for names in (apsw.mapping_extended_result_codes, apsw.mapping_result_codes):
        if isinstance(code, int) and code in names:
            return str(names[code])
    return type(error).__name__
