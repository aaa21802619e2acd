"""Faults of the store under a real mitmdump: everything is stored, spilled or noted."""

import re
import socket
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from statetrail.store.reader import read_store
from support.commands import run
from support.disks import ext4_disk, fill, frozen, needs_root, small_disk
from support.proxy import Mitmdump, mitmdump, origin, reply, wait_for

pytestmark = pytest.mark.e2e

CLEAR = ("--set", "statetrail_clear=ids")
"""The numbers of the requests are looked at."""
UNCLEAN = "the recorder ended without closing the store: exchanges after "


def shop(_head: bytes, connection: socket.socket) -> None:
    connection.sendall(reply(b"<r></r>", b"X-Set-LangId: 1;header/forced"))


@pytest.fixture(scope="module")
def upstream():
    """An origin behind every proxy."""
    with origin(shop) as port:
        yield f"reverse:http://127.0.0.1:{port}"


def ask(proxy: Mitmdump, *paths: object) -> float:
    """Requests one after the other; how long one of them took as a rule, in seconds."""
    took = []
    for path in paths:
        began = time.monotonic()
        assert httpx.get(f"http://127.0.0.1:{proxy.port}/{path}", timeout=30).status_code == 200
        took.append(time.monotonic() - began)
    return statistics.median(took)


def stored(store: Path) -> list[str]:
    """The paths of the recorded exchanges."""
    return read_store(store).table("exchanges")["path"].to_pylist()


def notes(store: Path) -> list[str]:
    """What the captures' rows say of losses."""
    return [note for note in read_store(store).table("captures")["problem"].to_pylist() if note]


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"/{number}" for number in range(start, start + count)]


def test_a_stop_while_the_store_is_locked_spills_what_waits(tmp_path, upstream):
    """The last message says so, the audit has it, and the next start takes it in."""
    with mitmdump(tmp_path, upstream, *CLEAR) as proxy:
        ask(proxy, *range(2))
        proxy.wait_rows(2)
        with closing(sqlite3.connect(proxy.store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ask(proxy, *range(2, 7))
            proxy.stop()
            assert stored(proxy.store) == numbered(7)
        said = proxy.log.read_text()
        assert "5 exchanges could not be stored (SQLITE_BUSY): 5 are in" in said.splitlines()[-1]
        assert "Traceback" not in said
    told = run("audit", proxy.store)
    assert "7 exchanges" in told.out
    assert "5 exchanges are in recording.sqlite.spill-1 until the next recording" in told.out
    with mitmdump(tmp_path, upstream, *CLEAR) as proxy:
        ask(proxy, 7)
        proxy.stop()
    assert (stored(proxy.store), notes(proxy.store)) == ([*numbered(7), "/7"], [])
    assert list(tmp_path.glob("*.spill-*")) == []


@needs_root
def test_a_stop_while_the_disk_is_full_spills_what_waits(tmp_path, upstream):
    """There is room for it, which was kept free."""
    with small_disk(tmp_path / "disk") as disk:
        assert disk is not None
        with mitmdump(tmp_path, upstream, *CLEAR, store=disk / "recording.sqlite") as proxy:
            ask(proxy, *range(2))
            filler = fill(disk)
            full = "SQLITE_FULL"
            wait_for(lambda: ask(proxy, "x") and full in proxy.log.read_text(), "the full disk")
            ask(proxy, *range(2, 40))
            proxy.stop()
        last = proxy.log.read_text().splitlines()[-1]
        assert re.search(r"([0-9]+) exchanges could not be stored \(SQLITE_FULL\): \1 are in", last)
        filler.unlink()
        with mitmdump(tmp_path, upstream, *CLEAR, store=proxy.store) as proxy:
            ask(proxy, 40)
            proxy.stop()
        assert set(stored(proxy.store)) == {*numbered(41), "/x"}
        assert notes(proxy.store) == []


@needs_root
def test_a_frozen_file_system_does_not_freeze_the_proxy(tmp_path, upstream):
    """Traffic waits once; what was recorded meanwhile is stored when the disk is back."""
    with ext4_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("no disk can be frozen here")
        with mitmdump(tmp_path, upstream, *CLEAR, store=disk / "recording.sqlite") as proxy:
            before = ask(proxy, *range(3))
            with frozen(disk):
                ask(proxy, 3)  # answered, although the disk hangs
                assert ask(proxy, *range(4, 20)) < before + 0.4
            proxy.wait_rows(20)
            ask(proxy, 20)
            proxy.stop()
        assert (stored(proxy.store), notes(proxy.store)) == (numbered(21), [])
        assert "could not be written for 0.5 s" in proxy.log.read_text()


def test_a_kill_is_told_by_the_next_start_and_by_the_audit(tmp_path, upstream):
    """A clean end is marked in the store; one that is not may have lost what waited."""
    with mitmdump(tmp_path, upstream, *CLEAR) as proxy:
        ask(proxy, *range(3))
        assert notes(proxy.store) == []
        proxy.kill()
    (note,) = notes(proxy.store)
    assert note.startswith(UNCLEAN)
    assert UNCLEAN in run("audit", proxy.store).out
    for _ in range(2):
        with mitmdump(tmp_path, upstream, *CLEAR) as proxy:
            proxy.stop()
        assert notes(proxy.store) == [note]


def test_a_log_that_is_removed_is_noticed_also_without_traffic(tmp_path, upstream):
    """Nothing of what was in it is lost."""
    with mitmdump(tmp_path, upstream, *CLEAR) as proxy:
        ask(proxy, *range(20))
        for suffix in ("-wal", "-shm"):
            Path(f"{proxy.store}{suffix}").unlink()
        wait_for(lambda: Path(f"{proxy.store}-wal").exists(), "the log")
        ask(proxy, 20)
        proxy.stop()
    assert (stored(proxy.store), notes(proxy.store)) == (numbered(21), [])


def test_tables_that_another_program_drops_are_a_gap(tmp_path, upstream):
    """Recording goes on into a new store, which says how many were in the other one."""
    with mitmdump(tmp_path, upstream, *CLEAR) as proxy:
        ask(proxy, *range(5))
        proxy.wait_rows(5)
        with closing(sqlite3.connect(proxy.store)) as other:
            other.execute("DROP TABLE exchanges")
        ask(proxy, 5)
        wait_for(lambda: ask(proxy, 6) and list(tmp_path.glob("*.damaged-*")), "a new store")
        proxy.stop()
    assert {"/5", "/6"} >= set(stored(proxy.store)) >= {"/6"}
    (note,) = notes(proxy.store)
    assert note.startswith("the store had its tables changed by another program and is kept as ")
    assert re.search("with the [5-9] exchanges recorded before$", note)
