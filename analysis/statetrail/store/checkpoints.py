"""Folding a store's write-ahead log in beside the writer, who does not wait for the disk then.

Enters: the path of a store that is being written. Leaves: its log folded into the file, about once
a second while there is something to fold; and whether the store can still be read, since a writer
does not read again what something else has overwritten.
"""

import os
import shutil
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import apsw

from statetrail.store.connection import connect, error_name

PAUSE_S: Final = 1.0
LARGE: Final = 4 << 20
"""Bytes of log from which on it is folded in."""
PAGE: Final = 2048
"""Bytes of a page of a new store."""
WRITER_PAGES: Final = 16_384
"""Pages of log at which the writer does it itself, should this thread not keep up (32 MB)."""
MIN_PAGES: Final = 64
"""Fewest of these, however little room there is."""

DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
"""SQLite's names of the errors that say that a store is damaged."""


def pages_of_log(path: Path) -> int:
    """Pages of log at which the writer of the store at `path` folds it in itself.

    A third of the room that the disk has for it: the log must not be what fills the disk, and what
    is folded in may take as much again in the store's own file.
    """
    room = 0
    with suppress(OSError):
        room = shutil.disk_usage(path.parent).free
    with suppress(OSError):
        room += os.stat(f"{path}-wal").st_size
    return max(MIN_PAGES, min(WRITER_PAGES, room // (3 * PAGE)))


class Checkpoints:
    """A thread that looks after one store until it is closed.

    Attributes
    ----------
    damaged
        The store can no longer be read.
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
        """End the thread, and wait for what it is doing."""
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        log = f"{self._path}-wal"
        while not self._over.wait(PAUSE_S):
            # Whatever else is wrong with the store, the writer meets it too and says so.
            with suppress(OSError, apsw.Error):
                fold = os.stat(log).st_size >= LARGE
                with closing(connect(self._path, "write", busy_s=0)) as db:
                    self._look(db)
                    if fold and not self.damaged:
                        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _look(self, db: apsw.Connection) -> None:
        try:
            db.execute("SELECT value FROM meta").fetchall()
            db.execute("SELECT max(exchange_id) FROM exchanges").fetchone()
        except apsw.Error as error:
            self.damaged = error_name(error).startswith(DAMAGED)
