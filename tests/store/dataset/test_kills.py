"""An export that is killed: the dataset is the earlier or the new one, and the next run ends it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import support
from statetrail.store.dataset.export import export_stores
from statetrail.store.retention import prune
from statetrail.store.sqlite import SqliteStore
from support.traffic import AT, facts_of

KILLS = 5


def add(store: SqliteStore, first: int, last: int) -> None:
    """Add exchanges of several clients."""
    capture = store.begin_live()
    store.append_many([one(n, n % 7) for n in range(first, last)], capture)
    store.end_live(capture)


def one(number: int, agent: int) -> object:
    """An exchange, a second later than the one before."""
    asked = {"User-Agent": f"app {agent}"}
    at = AT + number * 1_000_000
    return facts_of("/v3/x?LangId=1", asked=asked, flow_id=f"{number}", at=at)


@pytest.mark.parametrize("has_earlier", [False, True], ids=["new", "added to"])
def test_a_killed_export_is_no_export(tmp_path: Path, has_earlier: bool) -> None:
    """Each kill is a real one, at a random moment; the dataset ends as without kills."""
    path, earlier = tmp_path / "x.sqlite", tmp_path / "earlier"
    with SqliteStore.create_or_open(path) as store:
        add(store, 0, 200)
        if has_earlier:
            export_stores([path], earlier, ("peer", "user-agent"), 3)
            add(store, 200, 300)
            store.write([(n, one(n - 1, n % 3)) for n in (150, 160, 170)])
    if has_earlier:
        prune(path, AT + 50_000_000)
    (tmp_path / "exports").mkdir()
    exports = [sys.executable, "-m", "support.killed_exports", path, earlier, tmp_path / "exports"]
    done = subprocess.run(
        [*exports, f"{has_earlier:d}", f"{KILLS}"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(support.__file__).parents[1]),
            "OPENBLAS_NUM_THREADS": "1",  # begins its threads when it is imported
            # PyArrow has a thread that waits, which a fork leaves behind without harm.
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
        },
    )
    assert done.stderr == ""
    assert int(done.stdout) >= KILLS // 2
