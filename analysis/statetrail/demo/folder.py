"""The demo's output folder: complete files of one run, or those of the run before.

Enters: a folder's path. Leaves: `recording.sqlite` with its key, `audit.html` and `audit.json`,
moved into place when the run is over. Only what a demo made is ever replaced.
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
from statetrail.store import check_store, key_path
from statetrail.store.connection import connect

STORE: Final = "recording.sqlite"
REPORTS: Final = ("audit.html", "audit.json")
_KEY: Final = key_path(Path(STORE)).name


class Folder:
    """The output folder of one run; `stage` is where the run writes meanwhile.

    Raises `UsageError` where the folder cannot be made, or holds a file of one of these names that
    no demo made.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        try:
            out.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(out)
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
        """Move the run's files into place, each at once; those that it made."""
        # What readers of the store before may have left must not be taken for the new store's.
        for suffix in ("-wal", "-shm"):
            (self.out / (STORE + suffix)).unlink(missing_ok=True)
        made = [name for name in (_KEY, STORE, *REPORTS) if (self.stage / name).exists()]
        for name in made:
            os.replace(self.stage / name, self.out / name)
        return [self.out / name for name in made]

    def close(self) -> None:
        """Remove what is left of the run."""
        shutil.rmtree(self.stage, ignore_errors=True)


def _refuse_foreign(out: Path) -> None:
    there = [out / name for name in (STORE, _KEY, *REPORTS) if (out / name).exists()]
    if there and not _is_of_demo(out / STORE):
        raise UsageError(
            f"{there[0]} was not made by a demo and is left as it is: name another folder (--out)"
        )


def _is_of_demo(store: Path) -> bool:
    """Whether a store holds a demo's traffic and no other client's."""
    try:
        check_store(store)
        with closing(connect(store, "read")) as db:
            clients = db.execute("SELECT DISTINCT user_agent FROM exchanges").fetchall()
    except (StoreError, apsw.Error):
        return False
    return bool(clients) and all(str(agent).startswith(USER_AGENT) for (agent,) in clients)
