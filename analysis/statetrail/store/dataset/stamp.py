"""Which store a file is, and whether it may have changed since it was exported.

Enters: the path of a store. Leaves: its id, which it keeps where it is moved or copied; a stamp,
which is another one after every change.
"""

import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import apsw

from statetrail.errors import UsageError
from statetrail.schema import CAPTURES
from statetrail.store.dataset.manifest import read_manifest
from statetrail.store.file_header import read_only
from statetrail.store.running import left, spills

_SETTLED_S: Final = 2.0
"""The clock of a file system may stand still for so long."""


def store_id(path: Path) -> str:
    """The id of a store: the one that it was given, else one made of its first capture."""
    with read_only(path) as db:
        return stored_id(db) or _first_capture(db)


def stored_id(db: apsw.Connection) -> str | None:
    """The id that a store was given when it was made; earlier releases gave none."""
    value = db.execute("SELECT value FROM meta WHERE key = 'store_id'").get
    return None if value is None else str(value)[:64]


def _first_capture(db: apsw.Connection) -> str:
    version = db.execute("PRAGMA user_version").get
    names = ", ".join(column.named(version) for column in CAPTURES.columns[:4])
    first = db.execute(
        f"SELECT {names} FROM {CAPTURES.named(version)} ORDER BY capture_id LIMIT 1"  # noqa: S608
    ).fetchone()
    key = db.execute("SELECT value FROM meta WHERE key = 'key_id'").get
    return blake2b(repr((key, first)).encode(), digest_size=8).hexdigest()


def stamp_of(path: Path) -> str | None:
    """What the files of a store are like now; `None`, if one has just been written to.

    A recorder that is killed changes none of them, but its captures then have not been ended.
    """
    parts = []
    for file in (path, Path(f"{path}-wal"), *spills(path).values()):
        try:
            status = file.stat()
        except OSError:
            continue
        if file != path and not status.st_size:
            continue
        if time.time() - status.st_mtime < _SETTLED_S:
            return None
        parts.append(f"{file.name.removeprefix(path.name)} {status.st_mtime_ns} {status.st_size}")
    with read_only(path) as db:
        return f"{'; '.join(parts)}; left {left(db, path)}"


def check_distinct(paths: Sequence[Path]) -> None:
    """Raise `UsageError` if two of these stores and datasets have exchanges of one store.

    A copy of a store is the same store, and so is a dataset that it was exported into.
    """
    if len(paths) < 2:
        return
    known: dict[str, Path] = {}
    for path in paths:
        ids = (
            [each.id for each in read_manifest(path).stores] if path.is_dir() else [store_id(path)]
        )
        for each in filter(None, ids):
            if (other := known.setdefault(each, path)) != path:
                raise UsageError(f"{path} has what {other} has: name one of them")
