"""The demo's output folder: the complete files of one run, or those of the previous run.

Enters: a folder's path. Leaves: `recording.sqlite` with its key, `audit.html` and `audit.json`,
moved into place at the end of the run. Only files of a demo are replaced.
"""

import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from statetrail.demo.clients.behaviour import USER_AGENT
from statetrail.errors import StoreError, UsageError
from statetrail.store.connection import connect
from statetrail.store.file_header import check_store
from statetrail.store.keys import key_path

STORE: Final = "recording.sqlite"
REPORTS: Final = ("audit.html", "audit.json")
_KEY: Final = key_path(Path(STORE)).name


class Folder:
    """The output folder of one run, which writes into the folder `stage` until `publish`.

    Raises `UsageError` if the folder cannot be created, or holds a file of one of these names that
    is not a demo's.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        try:
            out.mkdir(parents=True, exist_ok=True)
            held = [out / name for name in (STORE, _KEY, *REPORTS) if (out / name).exists()]
            if held and not _is_of_demo(out / STORE):
                raise UsageError(
                    f"{held[0]} was not made by a demo and is kept: name another folder (--out)"
                )
            self.stage = Path(tempfile.mkdtemp(prefix=".statetrail-demo-", dir=out))
        except OSError as error:
            raise UsageError(
                f"{out} cannot be used as the demo's folder ({error.strerror}): name another one"
            ) from error

    @property
    def store(self) -> Path:
        """The store that the run records into."""
        return self.stage / STORE

    def fold(self) -> None:
        """Fold the store's write-ahead log into the store, so that it is one file."""
        with closing(connect(self.store, "write")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def publish(self) -> list[Path]:
        """Move the run's files into place, each in one step. Returns their paths."""
        # A log that readers of the previous store left would be applied to the new store.
        for suffix in ("-wal", "-shm"):
            (self.out / (STORE + suffix)).unlink(missing_ok=True)
        names = [name for name in (_KEY, STORE, *REPORTS) if (self.stage / name).exists()]
        for name in names:
            os.replace(self.stage / name, self.out / name)
        return [self.out / name for name in names]

    def close(self) -> None:
        """Remove the run's own folder."""
        shutil.rmtree(self.stage, ignore_errors=True)


def _is_of_demo(store: Path) -> bool:
    """Whether a store holds a demo's traffic and no other client's."""
    try:
        check_store(store)
        with closing(connect(store, "read")) as db:
            clients = db.execute("SELECT DISTINCT user_agent FROM exchanges").fetchall()
    except (StoreError, apsw.Error):
        return False
    return bool(clients) and all(str(agent).startswith(USER_AGENT) for (agent,) in clients)
