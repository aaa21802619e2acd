"""Checkpoints of a store's write-ahead log in a thread, so that the writer need not wait for disk.

Enters: a store that is being written. Leaves: its log checkpointed into the file about once a
second if it has grown, and every ten seconds if it has changed; and whether the store can still be
read, since a writer does not read again what another program has overwritten.
"""

import os
import shutil
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw

from statetrail.schema import FACTS
from statetrail.store.connection import PAGE, connect, error_name
from statetrail.store.sqlite import SqliteStore

PAUSE_S: Final = 1.0
CLOSE_S: Final = 2.0
"""Longest wait in seconds for the checkpoint under way."""
FOLD_NS: Final = 10 * 10**9
"""Nanoseconds after which a small log is checkpointed too, so that a copy of the file has it."""
LARGE: Final = 4 << 20
"""Size in bytes from which a log is checkpointed."""
WRITER_PAGES: Final = 16_384
"""Size in pages at which the writer checkpoints itself, if this thread is too slow (32 MB)."""
MIN_PAGES: Final = 64
"""The least such size, however full the disk is."""

DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
"""SQLite's names of the errors of a damaged store."""


def max_log_pages(path: Path) -> int:
    """Size in pages at which the writer of the store at `path` checkpoints the log itself.

    A third of the free space: the log must not fill the disk, and its content may take as much
    space again in the store's own file.
    """
    free = 0
    with suppress(OSError):
        free = shutil.disk_usage(path.parent).free
    with suppress(OSError):
        free += os.stat(f"{path}-wal").st_size
    return max(MIN_PAGES, min(WRITER_PAGES, free // (3 * PAGE)))


class Checkpoints:
    """A thread that checkpoints one store until it is closed.

    `problem`: SQLite's name of the error with which the store can no longer be read.
    """

    def __init__(self, store: SqliteStore) -> None:
        self.problem: str | None = None
        self._store = store
        self._folded_ns = self._fold_at = 0
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="statetrail-checkpoints", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread, and wait for its current checkpoint."""
        self._over.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._over.wait(PAUSE_S):
            # Other errors meet the writer too, which reports them.
            with suppress(OSError, apsw.Error):
                if self._store.log_removed:
                    continue  # the index in memory does not fit another log
                with closing(connect(self._store.path, "write", busy_s=0)) as db:
                    if self._is_readable(db) and self._is_due():
                        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _is_due(self) -> bool:
        """Whether the log is large, or has not been folded in for some time."""
        log, now = os.stat(f"{self._store.path}-wal"), time.monotonic_ns()
        is_old = log.st_mtime_ns > self._folded_ns and now >= self._fold_at
        if log.st_size < LARGE and not is_old:
            return False
        self._folded_ns, self._fold_at = time.time_ns(), now + FOLD_NS
        return True

    def _is_readable(self, db: apsw.Connection) -> bool:
        try:
            db.execute("SELECT value FROM meta").fetchall()
            db.execute("SELECT max(exchange_id) FROM exchanges").fetchone()
            for table in FACTS:
                db.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone()  # noqa: S608
        except apsw.Error as error:
            self.problem = error_name(error)
            return False
        return True
