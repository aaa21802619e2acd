"""Retention: removes exchanges older than a moment from a store, also while it is recorded.

Enters: a store's path and the moment. Leaves: the store without the exchanges that started before,
removed in small transactions, so that a recorder never waits long; what is removed is overwritten,
and where no recorder runs the file is written anew. A store that becomes empty and that no process
has open is removed.
"""

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from statetrail.errors import StoreError
from statetrail.schema import EXCHANGES, ISSUED, PRESENTED, TOKEN_CANDIDATES
from statetrail.store.connection import connect, error_text
from statetrail.store.file_header import check_store
from statetrail.store.keys import key_path
from statetrail.store.running import is_recorded, marked, spills

BATCH: Final = 500
_TABLES: Final = (ISSUED, PRESENTED, TOKEN_CANDIDATES, EXCHANGES)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The result of pruning a store."""

    path: Path
    exchanges: int
    left: int
    removed: bool


def prune(path: Path, before_us: int, *, dry_run: bool = False, keep_file: bool = False) -> Pruned:
    """Remove the exchanges that started before a moment, microseconds since the epoch.

    With `dry_run` they are only counted; with `keep_file` the store's file stays even if it becomes
    empty. Raises `StoreError` if it is no store, or cannot be written.
    """
    check_store(path, whole=True)
    try:
        with closing(connect(path, "write")) as db:
            db.execute("PRAGMA secure_delete = ON")
            count = db.execute(
                "SELECT count(*) FROM exchanges WHERE request_start_us < ?", (before_us,)
            ).get
            while not dry_run and _remove_some(db, before_us):
                pass
            left = db.execute("SELECT count(*) FROM exchanges").get
            if not dry_run and count:
                _leave_no_trace(db, path)
            is_removable = not dry_run and not left and not keep_file and _is_unused(db)
    except apsw.Error as error:
        raise StoreError(f"{path} cannot be pruned ({error_text(error)})") from None
    if is_removable:
        beside = (Path(f"{path}-wal"), Path(f"{path}-shm"), key_path(path))
        for file in (path, *beside, *spills(path).values()):
            with suppress(FileNotFoundError):
                file.unlink()
    return Pruned(path, count, left, is_removable)


def _remove_some(db: apsw.Connection, before_us: int) -> bool:
    """Remove a batch; whether there was one. A store of an earlier version stays one."""
    ids = db.execute(
        "SELECT exchange_id FROM exchanges WHERE request_start_us < ? LIMIT ?", (before_us, BATCH)
    ).fetchall()
    if not ids:
        return False
    version = db.execute("PRAGMA user_version").get
    with db:
        for table in _TABLES:
            name = table.named(version)
            db.executemany(f"DELETE FROM {name} WHERE exchange_id = ?", ids)  # noqa: S608
    return True


def _leave_no_trace(db: apsw.Connection, path: Path) -> None:
    """Rewrite the file, unless a recorder would have to wait for that; empty the log.

    Overwriting what is deleted leaves copies on pages that were joined with others.
    """
    with suppress(apsw.BusyError, apsw.LockedError):
        if not any(is_recorded(path, capture) for capture in marked(db)):
            db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _is_unused(db: apsw.Connection) -> bool:
    """Whether no other process has the store open: only then can it leave the WAL mode."""
    try:
        db.set_busy_timeout(0)
        return bool(db.execute("PRAGMA journal_mode = DELETE").get == "delete")
    except apsw.Error:
        return False
