"""Checkpoints of a store's write-ahead log in a thread, so that the writer need not wait for disk.

Enters: the path of a store that is being written. Leaves: its log checkpointed into the file about
once a second if it has grown; and whether the store can still be read, since a writer does not read
again what another program has overwritten.
"""

import os
import shutil
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw

from statetrail.store.connection import PAGE, connect, error_name

PAUSE_S: Final = 1.0
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

    `damaged`: the store can no longer be read.
    """

    def __init__(self, path: Path) -> None:
        self.damaged = False
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="statetrail-checkpoints", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread, and wait for its current checkpoint."""
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        log = f"{self._path}-wal"
        while not self._over.wait(PAUSE_S):
            # Other errors meet the writer too, which reports them.
            with suppress(OSError, apsw.Error):
                is_large = os.stat(log).st_size >= LARGE
                with closing(connect(self._path, "write", busy_s=0)) as db:
                    self._check(db)
                    if is_large and not self.damaged:
                        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _check(self, db: apsw.Connection) -> None:
        try:
            db.execute("SELECT value FROM meta").fetchall()
            db.execute("SELECT max(exchange_id) FROM exchanges").fetchone()
        except apsw.Error as error:
            self.damaged = error_name(error).startswith(DAMAGED)
