"""What was acknowledged is there after kill -9, each exchange whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from statetrail.store.file_header import check_store
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from studies.crash.power import cuts
from support.traffic import facts_of

_WRITER = """
import sys
from pathlib import Path
from statetrail.store.sqlite import SqliteStore
from support.traffic import facts_of

with SqliteStore.create_or_open(Path(sys.argv[1])) as store:
    capture = store.begin_capture("live")
    for n in range(1_000_000):
        kept = facts_of(
            "/v3/x?LangId=1",
            asked={"User-Agent": "x" * (n % 200)},
            answered={"X-Set-LangId": "1;header/forced", "X-Set-CurrId": "2;header/forced"},
            flow_id=f"{sys.argv[2]}-{n}",
        )
        store.append_many([kept], capture)
        print(n, flush=True)
"""


def killed_writer(path: Path, name: str, after_s: float) -> int:
    """Write until a kill -9; the number of the last exchange that was acknowledged."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), name],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "0\n"
        time.sleep(after_s)
        writer.send_signal(signal.SIGKILL)
        lines = writer.stdout.read().split("\n")
    return int(lines[-2]) if len(lines) > 1 else 0


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Three writers on one store, each killed at work: all they said is there, and no half row."""
    path = tmp_path / "x.sqlite"
    acknowledged = {
        name: killed_writer(path, name, after_s)
        for name, after_s in (("a", 0.0), ("b", 0.21), ("c", 0.43))
    }
    check_store(path)
    tables = read_store(path).tables
    flows = set(tables["exchanges"]["flow_id"].to_pylist())
    for name, last in acknowledged.items():
        assert {f"{name}-{n}" for n in range(last + 1)} <= flows
        assert len([flow for flow in flows if flow.startswith(name)]) <= last + 3
    assert tables["issued"].num_rows == 2 * len(flows)
    assert tables["presented"].num_rows == len(flows)
    assert sum(tables["captures"]["exchanges"].to_pylist()) == len(flows)
    with SqliteStore.create_or_open(path) as store:
        assert store.append(facts_of("/x", flow_id="after"))


_KILLED_WHILE_MAKING = """
import apsw, os, signal, sys
from pathlib import Path
from statetrail.store.sqlite import SqliteStore

step = int(sys.argv[2])
steps = iter(range(100))

class Killed(apsw.Cursor):
    def execute(self, *args):
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*args)

def kill(connection):
    connection.cursor_factory = Killed

apsw.connection_hooks.append(kill)
SqliteStore.create_or_open(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("step", [0, 1, 3, 11, 12])
def test_a_store_whose_making_was_killed_is_made_the_next_time(tmp_path: Path, step: int) -> None:
    """Whichever statement was the last: the same path can be recorded into again."""
    path = tmp_path / "x.sqlite"
    done = subprocess.run([sys.executable, "-c", _KILLED_WHILE_MAKING, str(path), str(step)])
    assert done.returncode == -signal.SIGKILL
    with SqliteStore.create_or_open(path) as store:
        assert store.append(facts_of("/x")) == 1
    assert read_store(path).tables["exchanges"].num_rows == 1


def test_two_processes_make_one_store(tmp_path: Path) -> None:
    """Started at once on a path where nothing is, they share its key and lose nothing."""
    path = tmp_path / "x.sqlite"
    code = _WRITER.replace("1_000_000", "20")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), name],
            stdout=subprocess.DEVNULL,
            env=environment,
        )
        for name in ("a", "b")
    ]
    assert [writer.wait(timeout=30) for writer in writers] == [0, 0]
    assert read_store(path).tables["exchanges"].num_rows == 40


def test_a_power_cut_loses_nothing_with_full_durability() -> None:
    """Unsynced writes are there or not, in any order; the store opens. `make crash` cuts more."""
    assert cuts(50, "full", seed=2) == []
    without = cuts(25, "normal", seed=2)
    assert without
    assert all(problem.endswith("acknowledged exchanges are lost") for problem in without)
