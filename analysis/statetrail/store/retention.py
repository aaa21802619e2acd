"""Retention: what is older than a moment leaves a store, also while it is recorded.

Enters: a store's path and the moment. Leaves: the store without the exchanges that started before,
in small transactions, so that a recorder never waits long; the space is used again for what is
recorded next (no vacuum). A store of which nothing is left and which nobody has open is removed.
"""

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from statetrail.errors import StoreError
from statetrail.store.connection import connect, error_name
from statetrail.store.file_header import check_store
from statetrail.store.keys import key_path

BATCH: Final = 500
_TABLES: Final = ("issued", "presented", "token_candidates", "exchanges")


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
        with closing(connect(path, "write")) as db:
            count = db.execute(
                "SELECT count(*) FROM exchanges WHERE request_start_us < ?", (before_us,)
            ).get
            while not dry_run and _remove_some(db, before_us):
                pass
            left = db.execute("SELECT count(*) FROM exchanges").get
            idle = not dry_run and not left and not keep_file and _is_idle(db)
    except apsw.Error as error:
        raise StoreError(f"{path} cannot be pruned ({error_name(error)})") from None
    if idle:
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), key_path(path)):
            with suppress(FileNotFoundError):
                file.unlink()
    return Pruned(path, count, left, idle)


def _remove_some(db: apsw.Connection, before_us: int) -> bool:
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


def _is_idle(db: apsw.Connection) -> bool:
    """Whether nobody else has the store open: only then can it leave the write-ahead mode."""
    try:
        db.set_busy_timeout(0)
        return bool(db.execute("PRAGMA journal_mode = DELETE").get == "delete")
    except apsw.Error:
        return False
