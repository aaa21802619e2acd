"""Which captures are being recorded, and which recorders ended without closing the store.

Enters: an open store. Leaves: a mark for each capture that is recorded live, which its clean end
removes; and whether the recorder of a mark is still there: it holds a lock on its spill file, which
no kill outlives.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import apsw

if sys.platform != "win32":
    import fcntl

_PREFIX: Final = "running "


def mark(db: apsw.Connection, capture: int) -> None:
    """Mark that a capture is being recorded."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, '')", (f"{_PREFIX}{capture}",))


def unmark(db: apsw.Connection, capture: int) -> None:
    """The capture has ended, and all of it is stored or noted."""
    db.execute("DELETE FROM meta WHERE key = ?", (f"{_PREFIX}{capture}",))


def marked(db: apsw.Connection) -> list[int]:
    """The captures that no recorder has ended yet."""
    rows = db.execute("SELECT key FROM meta WHERE key GLOB ?", (f"{_PREFIX}[0-9]*",))
    numbers = [str(key).removeprefix(_PREFIX) for (key,) in rows]
    return sorted(int(number) for number in numbers if number.isdecimal() and len(number) < 16)


def left(db: apsw.Connection, store: Path) -> list[int]:
    """The captures whose recorders ended without closing the store."""
    return [capture for capture in marked(db) if not is_recorded(store, capture)]


def spill_path(store: Path, capture: int) -> Path:
    """The spill file of a capture, beside its store."""
    return store.with_name(f"{store.name}.spill-{capture}")


def spills(store: Path) -> dict[int, Path]:
    """The spill files of a store, by capture."""
    found = {}
    for path in sorted(store.parent.glob(f"{_escaped(store.name)}.spill-*")):
        number = path.name.rpartition("-")[2]
        if number.isdecimal() and len(number) < 16:
            found[int(number)] = path
    return found


def lock(file: IO[bytes]) -> bool:
    """Lock a spill file for as long as it is open; `False`: its recorder runs."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def is_recorded(store: Path, capture: int) -> bool:
    """Whether a recorder of the capture runs."""
    try:
        with spill_path(store, capture).open("rb") as file:
            return not lock(file)
    except OSError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[IO[bytes] | None]:
    """A spill file whose recorder has ended; `None`, if it runs or there is no such file."""
    try:
        file = path.open("rb")
    except OSError:
        yield None
        return
    with file:
        yield file if lock(file) else None


def _escaped(name: str) -> str:
    return name.replace("[", "[[]")
