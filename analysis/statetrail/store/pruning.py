"""Retention: what is older than a moment leaves a store, also while it is recorded.

Enters: a store's path and the moment. Leaves: the store without the exchanges that started before,
in small transactions, so that a recorder never waits long; the space is used again for what is
recorded next (no vacuum). A store of which nothing is left and which nobody has open is removed.
"""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from statetrail.errors import StoreError
from statetrail.store.keys import key_path
from statetrail.store.marks import check_store

BATCH: Final = 500
_TABLES: Final = ("issued", "presented", "traces", "exchanges")


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning a store did."""

    path: Path
    exchanges: int
    left: int
    removed: bool


def prune(path: Path, before_us: int, *, dry_run: bool = False, keep_file: bool = False) -> Pruned:
    """Remove the exchanges that started before a moment.

    Parameters
    ----------
    before_us
        The moment, microseconds since the epoch.
    dry_run
        Only count.
    keep_file
        Keep the store's file also if nothing is left in it.

    Raises
    ------
    StoreError
        It is no store, or it cannot be written.
    """
    check_store(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as db:
            count = db.execute(
                "SELECT count(*) FROM exchanges WHERE request_start_us < ?", (before_us,)
            ).fetchone()[0]
            while not dry_run and _remove_some(db, before_us):
                pass
            left = db.execute("SELECT count(*) FROM exchanges").fetchone()[0]
            idle = not dry_run and not left and not keep_file and _is_idle(db)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be pruned ({error})") from None
    if idle:
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), key_path(path)):
            with suppress(FileNotFoundError):
                file.unlink()
    return Pruned(path, count, left, idle)


def _remove_some(db: sqlite3.Connection, before_us: int) -> bool:
    """Remove a batch; whether there was one."""
    ids = db.execute(
        "SELECT exchange_id FROM exchanges WHERE request_start_us < ? LIMIT ?", (before_us, BATCH)
    ).fetchall()
    if not ids:
        return False
    db.execute("BEGIN IMMEDIATE")
    try:
        for table in _TABLES:
            db.executemany(f"DELETE FROM {table} WHERE exchange_id = ?", ids)  # noqa: S608
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return True


def _is_idle(db: sqlite3.Connection) -> bool:
    """Whether nobody else has the store open: only then can it leave the write-ahead mode."""
    try:
        db.execute("PRAGMA busy_timeout = 0")
        return str(db.execute("PRAGMA journal_mode = DELETE").fetchone()[0]) == "delete"
    except sqlite3.OperationalError:
        return False
