"""Folding a store's write-ahead log in beside the writer, who does not wait for the disk then.

Enters: the path of a store that is being written. Leaves: its log folded into the file, about once
a second while there is something to fold.
"""

import os
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

PAUSE_S: Final = 1.0
LARGE: Final = 4 << 20
"""Bytes of log from which on it is folded in."""
WRITER_PAGES: Final = 16_384
"""Pages of log at which the writer does it itself, should this thread not keep up (64 MB)."""


class Checkpoints:
    """A thread that folds one store's log in until it is closed."""

    def __init__(self, path: Path) -> None:
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
            # Whatever is wrong with the store, the writer meets it too and says so.
            with suppress(OSError, sqlite3.Error):
                if os.stat(log).st_size >= LARGE:
                    self._fold()

    def _fold(self) -> None:
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
