"""SQLite, by APSW: half the time for a row that Python's own module takes, and always the same
SQLite.

Enters: a path. Leaves: a connection without implicit transactions; names of errors that quote no
value; which stores this process has open for writing. Those are opened by this module only: the
locks of a file are the process's, so that whatever else opens and closes it there, another copy of
SQLite or a mere `open`, drops the writer's. Another program then takes itself for the last one and
removes the log that is being written.
"""

import os
import weakref
from pathlib import Path
from typing import Final, Literal, Protocol

import apsw

type Mode = Literal["make", "write", "read"]

_FLAGS: Final[dict[Mode, int]] = {
    "make": apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
    "write": apsw.SQLITE_OPEN_READWRITE,
    "read": apsw.SQLITE_OPEN_READONLY,
}


class Writer(Protocol):
    """Who has a store open for writing."""

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
    """Which file is at the path."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def connect(
    path: Path, mode: Mode, *, busy_s: float = 5, immutable: bool = False
) -> apsw.Connection:
    """Open a SQLite file.

    Parameters
    ----------
    mode
        ``make``: write, and make it where it is not there yet; ``write``; ``read``.
    busy_s
        Longest wait in seconds for another one that holds it.
    immutable
        Nobody writes to it: it is read without locks, and nothing is left beside it.

    Raises
    ------
    apsw.Error
        It cannot be opened.
    """
    name = f"{path.absolute().as_uri()}{'?immutable=1' if immutable else ''}"
    db = apsw.Connection(name, flags=_FLAGS[mode] | apsw.SQLITE_OPEN_URI)
    db.set_busy_timeout(round(busy_s * 1000))
    return db


def error_name(error: Exception) -> str:
    """SQLite's name of an error, e.g. ``SQLITE_FULL``; of any other exception its class."""
    if not isinstance(error, apsw.Error):
        return type(error).__name__
    code = getattr(error, "extendedresult", getattr(error, "result", None))
    for names in (apsw.mapping_extended_result_codes, apsw.mapping_result_codes):
        if isinstance(code, int) and code in names:
            return str(names[code])
    return type(error).__name__
