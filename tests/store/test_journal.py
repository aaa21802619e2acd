"""Recording goes on whatever happens to the store, and the store says what is missing."""

import random
import re
import subprocess
import sys
from contextlib import closing, suppress
from copy import replace
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from statetrail.store.connection import connect
from statetrail.store.live import checkpoints, current, journal
from statetrail.store.live.journal import Journal
from statetrail.store.reader import read_store
from statetrail.store.rotation import StoreName
from support.proxy import wait_for
from support.traffic import facts_of


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No pause between two tries."""
    monkeypatch.setattr(journal, "RETRY_S", 0.0)
    monkeypatch.setattr(journal, "BUSY_S", 0.0)
    monkeypatch.setattr(current, "BUSY_S", 0.0)
    monkeypatch.setattr(current, "CHECK_S", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.sqlite"


def record(journal: Journal, *names: str) -> None:
    """Record an exchange of each name."""
    for name in names:
        journal.add(facts_of("/v3/x?LangId=1", flow_id=name))


def flows(path: Path) -> list[str]:
    """The flow ids in a store, in order."""
    return read_store(path).table("exchanges")["flow_id"].to_pylist()


def problems(path: Path) -> list[str]:
    """What the captures' notes say."""
    return [p for p in read_store(path).table("captures")["problem"].to_pylist() if p]


def locked(path: Path) -> "closing[apsw.Connection]":
    """Another program that is writing to the store."""
    other = connect(path, "write")
    other.execute("BEGIN IMMEDIATE")
    return closing(other)


def test_what_cannot_be_written_waits_and_is_written_in_order(path):
    """A locked store loses nothing, and nothing of it is noted."""
    said: list[str] = []
    steady = Journal(StoreName(path), said.append)
    record(steady, "a")
    with locked(path):
        record(steady, "b", "c")
        assert steady.waiting == 2
    record(steady, "d")
    steady.close()
    assert flows(path) == ["a", "b", "c", "d"]
    assert (problems(path), steady.lost) == ([], 0)
    assert "SQLITE_BUSY" in said[0]


def test_what_does_not_fit_into_memory_is_a_gap_with_its_times(path):
    """The store says how many exchanges are missing, from when to when and why."""
    steady = Journal(StoreName(path), lambda _: None, max_waiting=5)
    with locked(path):
        record(steady, *"abcdefgh")
    record(steady, "late")  # still one too many, but it lets the others be written
    record(steady, "after")
    steady.close()
    assert flows(path) == ["a", "b", "c", "after"]
    (problem,) = problems(path)
    assert problem == (
        "6 exchanges were lost, 2023-11-14 22:13:20 to 2023-11-14 22:13:20 UTC (SQLITE_BUSY)"
    )
    assert read_store(path).table("captures")["exchanges"].to_pylist() == [4]


def test_a_removed_store_is_made_anew_with_the_same_key(path):
    """SQLite would go on writing to the removed file without an error."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, "a")
    key = path.with_name("x.sqlite.key").read_text()
    for each in list(path.parent.iterdir()):
        each.unlink()
    record(steady, "b")
    steady.close()
    assert flows(path) == ["b"]
    assert problems(path) == ["the store was removed, with the 1 exchanges recorded before"]
    assert path.with_name("x.sqlite.key").read_text() == key


def test_a_damaged_store_is_set_aside_and_recording_goes_on(path):
    """What is left of it can be looked at; nothing overwrites it."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, *"abc")
    with closing(connect(path, "write")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    broken = bytearray(path.read_bytes())
    broken[:4096] = b"\x55" * 4096
    with path.open("r+b") as file:
        file.write(bytes(4096) + bytes(broken[4096:]))
    # Another writer makes SQLite read the file again.
    steady.store._db.execute("PRAGMA shrink_memory")
    path.with_name("x.sqlite-wal").write_bytes(b"")
    record(steady, "d", "e")
    steady.close()
    assert flows(path)[-1] == "e"
    assert len(list(path.parent.glob("x.sqlite.damaged-*[0-9Z]"))) == 1
    (problem,) = problems(path)
    assert problem.startswith("the store was damaged and is kept as x.sqlite.damaged-")


def test_an_exchange_under_way_is_completed_where_it_is(path):
    """Its row is replaced, not doubled, also if the first writing had to wait."""
    steady = Journal(StoreName(path), lambda _: None)
    entry = steady.add(facts_of("/v3/x", flow_id="a"))
    steady.update(entry, facts_of("/v3/x?LangId=1", flow_id="a"))
    with locked(path):
        waits = steady.add(facts_of("/v3/x", flow_id="b"))
        steady.update(waits, facts_of("/v3/x?LangId=2", flow_id="b"))
        steady.update(entry, facts_of("/v3/x?CurrId=3", flow_id="a"))
    steady.close()
    facts = read_store(path)
    assert flows(path) == ["a", "b"]
    assert facts.table("presented")["param"].to_pylist() == ["CurrId", "LangId"]
    assert facts.table("captures")["exchanges"].to_pylist() == [2]


def test_the_next_file_has_the_same_key_and_what_is_open_is_completed_in_its_own(tmp_path):
    """Rotation by size: an exchange that outlives its file is completed there."""
    steady = Journal(StoreName(tmp_path / "x-%Y.sqlite", 1), lambda _: None)
    first = steady.store.path
    steady._current._check_at = 1e9
    entry = steady.add(facts_of("/v3/x", flow_id="a"))
    steady._current._check_at = 0  # the check is due
    record(steady, "b")
    steady._current._check_at = 1e9
    second = steady.store.path
    steady.update(entry, facts_of("/v3/x?LangId=1", flow_id="a"))
    steady.close()
    assert first.with_suffix(".2.sqlite") == second
    assert (flows(first), flows(second)) == (["a"], ["b"])
    assert read_store(first).table("presented").num_rows == 1
    assert read_store(first).key_id == read_store(second).key_id
    again = Journal(StoreName(tmp_path / "x-%Y.sqlite", 1), lambda _: None)
    assert again.store.path == first.with_suffix(".3.sqlite")
    assert read_store(again.store.path).key_id == read_store(first).key_id
    again.close()


def test_a_clock_that_is_set_back_goes_on_in_the_store_that_is_open(tmp_path, monkeypatch):
    """The file of the earlier time is neither made anew nor opened twice."""
    now = [1_700_000_000.0]
    monkeypatch.setattr(current.time, "time", lambda: now[0])
    steady = Journal(StoreName(tmp_path / "x-%S.sqlite"), lambda _: None)
    first = steady.store
    for step, name in ((0, "a"), (1, "b"), (-1, "c")):
        now[0] += step
        record(steady, name)
    assert steady.store is first
    steady.close()
    assert flows(first.path) == ["a", "c"]


def test_the_log_leaves_room_on_a_small_disk(path, monkeypatch):
    """What waits to be folded in does not fill the disk that it is folded into."""
    free = 900_000
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    log = path.with_name("x.sqlite-wal")
    steady = Journal(StoreName(path), lambda _: None)
    largest = 0
    for n in range(300):
        record(steady, f"{n}")
        largest = max(largest, log.stat().st_size)
    steady.close()
    assert largest < free
    assert len(flows(path)) == 300


def test_an_exchange_that_cannot_be_stored_does_not_hold_up_the_others(path):
    """It is lost, and that is noted."""
    steady = Journal(StoreName(path), lambda _: None)
    good = facts_of("/x", flow_id="good")
    bad = replace(good, exchange=replace(good.exchange, flow_id="bad", port=1 << 70))
    with locked(path):
        for one in (bad, good):
            steady.add(one)
    steady.close()
    assert flows(path) == ["good"]
    assert "(OverflowError)" in problems(path)[0]


class Failing:
    """Makes SQLite fail now and then, as a full or broken disk does."""

    def __init__(self, draw: random.Random) -> None:
        self.on = False
        self._draw = draw
        failing = self

        class Cursor(apsw.Cursor):
            def execute(self, *args):
                failing.perhaps()
                return super().execute(*args)

        self.cursor = Cursor

    def watch(self, connection: apsw.Connection) -> None:
        """Let a connection's statements fail."""
        connection.cursor_factory = self.cursor

    def perhaps(self) -> None:
        """Raise, while it is on, as a rule."""
        if self.on and self._draw.random() < 0.3:
            codes = (
                *(apsw.SQLITE_FULL, apsw.SQLITE_IOERR_WRITE),
                *(apsw.SQLITE_BUSY, apsw.SQLITE_CANTOPEN),
            )
            error = apsw.Error("made")
            error.extendedresult = self._draw.choice(codes)
            raise error


@pytest.mark.parametrize("seed", range(12))
def test_each_exchange_is_stored_or_counted_however_the_disk_fails(path, monkeypatch, seed):
    """Any statement may fail, also those that open the store again: the sums are right."""
    draw = random.Random(seed)
    failing = Failing(draw)
    monkeypatch.setattr(apsw, "connection_hooks", [failing.watch])
    steady = Journal(StoreName(path), lambda _: None, max_waiting=draw.choice((4, 20, 1000)))
    under_way = []
    for n in range(60):
        failing.on = 10 <= n < 50
        later = draw.random() < 0.3
        entry = steady.add(facts_of("/v3/x?LangId=1", flow_id=f"{n}"), later=later)
        if draw.random() < 0.2:
            under_way.append((entry, n))
        if under_way and draw.random() < 0.2:
            entry, number = under_way.pop()
            steady.update(entry, facts_of("/v3/x?LangId=2", flow_id=f"{number}"))
    failing.on = False
    steady.flush()
    steady.close()
    monkeypatch.undo()
    stored = flows(path)
    noted = [int(n) for p in problems(path) for n in re.findall("([0-9]+) exchanges? w", p)]
    assert len(set(stored)) == len(stored)
    assert len(stored) + sum(noted) == 60
    assert sum(noted) == steady.lost
    assert sum(read_store(path).table("captures")["exchanges"].to_pylist()) == len(stored)


def spilled(path: Path) -> list[Path]:
    """The spill files of a store."""
    return sorted(path.parent.glob("x.sqlite.spill-*"))


def test_what_waits_at_the_end_is_spilled_read_and_taken_in(path):
    """A stop while the store is locked loses nothing; the exchange under way is completed."""
    steady = Journal(StoreName(path), lambda _: None, max_waiting=8)
    entry = steady.add(facts_of("/v3/x", flow_id="a"))
    with locked(path):
        steady.update(entry, facts_of("/v3/x?LangId=1", flow_id="a"))
        record(steady, *"bcdefghi")
        problem = steady.settle()
        assert problem == (
            f"4 exchanges could not be stored (SQLITE_BUSY): 4 are in {path}.spill-1 for the next "
            "start, 0 are lost"
        )
        steady._current.spill.close(remove=False)  # the process is gone
        assert flows(path) == [*"abcde"]
        (note,) = problems(path)
    lost = "4 exchanges were lost, 2023-11-14 22:13:20 to 2023-11-14 22:13:20 UTC (SQLITE_BUSY)"
    assert note == f"{lost}; 4 exchanges are in x.sqlite.spill-1 until the next recording"
    again = Journal(StoreName(path), lambda _: None)
    assert [file.name for file in spilled(path)] == ["x.sqlite.spill-2"]
    record(again, "j")
    again.close()
    assert flows(path) == [*"abcde", "j"]
    assert problems(path) == [lost]
    assert spilled(path) == []
    facts = read_store(path)
    assert facts.table("presented")["exchange_id"].to_pylist() == [*range(1, 7)]
    assert facts.table("captures")["exchanges"].to_pylist() == [5, 1]


def test_a_spill_file_that_was_cut_off_tells_what_is_missing(path):
    """Its first part says how many exchanges there were; a broken file is an unclean end."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, "a")
    with locked(path):
        record(steady, *(f"{n}" for n in range(250)))
        steady.settle()
        steady._current.spill.close(remove=False)
        (file,) = spilled(path)
        whole = file.read_bytes().rstrip(b"\0")
        for size, stored, note in (
            (len(whole) - 1, 201, "50 exchanges were lost, 2023-11-14 22:13:20 to"),
            (9, 1, "the recorder ended without closing the store: exchanges after 2023-11-14"),
            (0, 1, "the recorder ended without closing the store: exchanges after 2023-11-14"),
        ):
            file.write_bytes(whole[:size])
            assert len(flows(path)) == stored
            assert problems(path)[0].startswith(note)


def test_an_unclean_end_is_noted_by_the_next_start_and_by_readers(path):
    """Not while the recorder runs, not after a clean end, and once."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, "a")
    assert problems(path) == []
    steady._current.spill.close(remove=False)  # as if it had been killed
    note = (
        "the recorder ended without closing the store: exchanges after 2023-11-14 22:13:20 UTC "
        "may be missing"
    )
    assert problems(path) == [note]
    for _ in range(2):
        Journal(StoreName(path), lambda _: None).close()
        assert problems(path) == [note]
    assert spilled(path) == []


READER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(*db.execute("SELECT count(*) FROM exchanges").fetchone(), flush=True)
sys.stdin.read()
"""


def remove_log(path: Path) -> None:
    """Another program removes the log and its index."""
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()


def test_a_removed_log_loses_nothing_if_it_is_noticed_in_time(path):
    """It is still open here, and can be folded in."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, *"abc")
    remove_log(path)
    record(steady, "d")
    steady.close()
    assert (flows(path), problems(path)) == ([*"abcd"], [])


def test_a_removed_log_is_a_gap_if_another_program_has_begun_a_new_one(path):
    """Of the exchanges that were in it alone, those under way are recorded again."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, "a")
    with closing(connect(path, "write")) as other:
        other.execute("PRAGMA wal_checkpoint")
    record(steady, "b")
    entry = steady.add(facts_of("/v3/x", flow_id="c"))
    remove_log(path)
    with subprocess.Popen(
        [sys.executable, "-c", READER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"1\n"
        record(steady, "d")
        steady.update(entry, facts_of("/v3/x?LangId=1", flow_id="c"))
        steady.close()
        reader.communicate(b"")
    assert flows(path) == ["a", "d", "c"]
    (problem,) = problems(path)
    assert problem == "the store had its log removed, with the 2 exchanges that it alone had"


@pytest.mark.parametrize("table", ["exchanges", "issued", "presented", "captures", "meta"])
def test_a_table_that_another_program_drops_is_a_gap(path, table):
    """What is left is kept aside, and recording goes on into a new store."""
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, *"abc")
    with closing(connect(path, "write")) as other:
        other.execute(f"DROP TABLE {table}")
    steady._current._check_at = 0
    wait_for(lambda: record(steady, "d") or list(path.parent.glob("*.damaged-*")), "a new store")
    record(steady, "e")
    steady.close()
    assert flows(path)[-1] == "e"
    (problem,) = problems(path)
    assert re.fullmatch(
        r"the store had its tables changed by another program and is kept as "
        r"x\.sqlite\.damaged-\S+, with the [0-9]+ exchanges recorded before", problem
    )  # fmt: skip


def test_a_copy_of_a_store_that_is_recorded_has_what_is_older_than_a_moment(path, monkeypatch):
    """The log is folded in by time, too."""
    monkeypatch.setattr(checkpoints, "PAUSE_S", 0.05)
    steady = Journal(StoreName(path), lambda _: None)
    record(steady, *"abc")
    copy = path.with_name("copy.sqlite")

    def copied() -> bool:
        copy.write_bytes(path.read_bytes())
        with closing(connect(copy, "read", immutable=True)) as db, suppress(apsw.Error):
            return bool(db.execute("SELECT count(*) FROM exchanges").get == 3)
        return False

    wait_for(copied, "the copy")
    steady.close()
