"""Exports into a dataset that is there: what is new is added, nothing twice, nothing lost."""

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statetrail.errors import StoreError, UsageError
from statetrail.extract.extractor import ExchangeFacts
from statetrail.schema import EXCHANGES
from statetrail.store.dataset import addition, source, write
from statetrail.store.dataset.addition import Exported
from statetrail.store.dataset.export import export_stores
from statetrail.store.dataset.manifest import read_manifest
from statetrail.store.keys import key_path
from statetrail.store.live.journal import Journal
from statetrail.store.reader import join_facts, read_store
from statetrail.store.retention import prune
from statetrail.store.rotation import StoreName
from statetrail.store.sqlite import SqliteStore
from support.datasets import content, sorted_by_client, state
from support.traffic import AT, facts_of

BY = ("peer", "user-agent")
BUCKETS = 3


def one(flow: str, at: int = 0, agent: str = "curl", **options: object) -> ExchangeFacts:
    """An exchange that issues a ticket and presents a language, a second later for each `at`."""
    return facts_of(
        "/v3/x?LangId=1", asked={"User-Agent": agent}, flow_id=flow, at=AT + at * 1_000_000,
        answered={"X-Set-Ticket": f"{flow};header/forced"}, **options,
    )  # fmt: skip


def filled(path: Path, first: int, last: int, key: Path | None = None) -> Path:
    """A store with exchanges of several clients."""
    with SqliteStore.create_or_open(path, key=key) as store:
        capture = store.begin_live()
        flows = range(first, last)
        store.append_many([one(f"{n}", n, agent=f"app {n % 5}") for n in flows], capture)
        store.end_live(capture)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of a hundred exchanges."""
    return filled(tmp_path / "x.sqlite", 0, 100)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    """The folder of the dataset."""
    return tmp_path / "out"


def export(store: Path, to: Path) -> Exported:
    """Export a store; the dataset is in order."""
    done = export_stores([store], to, BY, BUCKETS)
    assert sorted_by_client(to)
    assert read_manifest(to).exchanges == done.exchanges == read_store(to).count("exchanges")
    return done


def test_what_is_new_is_added_as_parts(store: Path, to: Path) -> None:
    """The earlier files stay as they are; without anything new none is touched."""
    assert export(store, to) == Exported(100, 100, is_new=True)
    before = state(to)
    filled(store, 100, 110)
    assert export(store, to) == Exported(110, 10)
    assert content(to) == content(store)
    after = state(to)
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {"statetrail.json", "captures/part-0.parquet"}
    assert any(name.endswith("part-1.parquet") for name in after)
    assert export(store, to) == Exported(110)
    assert state(to) == after


def test_many_parts_become_one(store: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket is written anew when it has too many."""
    monkeypatch.setattr(addition, "MAX_PARTS", 2)
    for last in range(100, 104):
        filled(store, last, last + 1)
        export_stores([store], to, BY, buckets=1)
    assert sorted_by_client(to)
    assert content(to) == content(store)
    names = [path.name for path in (to / "exchanges").rglob("*.parquet")]
    assert sorted(names) == ["part-2.parquet", "part-3.parquet"]


def test_an_exchange_that_ends_later_is_replaced(store: Path, to: Path) -> None:
    """Also where its client is another one then, with another bucket."""
    with SqliteStore.create_or_open(store) as open_store:
        pending = open_store.append(one("pending", 500))
        export(store, to)
        open_store.write([(pending, one("pending", 500, agent="known now", status=201))])
    assert export(store, to) == Exported(101, 0, replaced=1)
    assert content(to) == content(store)


def test_exchanges_that_are_another_file_s_client_move(store: Path, to: Path) -> None:
    """An import finds out at its end whose exchanges it added."""
    with SqliteStore.create_or_open(store) as open_store:
        capture = open_store.begin_capture("har", "a.har")
        open_store.append_many([one(f"h{n}", 200 + n) for n in range(20)], capture)
        export_stores([store], to, ("source",))
        open_store.adopt(capture, "b.har #1")
    assert export_stores([store], to).replaced == 20
    assert sorted_by_client(to)
    assert content(to) == content(store)


def test_a_spill_file_that_is_taken_in_is_not_there_twice(store: Path, to: Path) -> None:
    """Its exchanges had no ids of their own before; the note on it goes."""
    steady = Journal(StoreName(store), lambda _: None)
    steady.add(one("a", 200))
    with closing(apsw.Connection(str(store))) as other:
        other.execute("BEGIN IMMEDIATE")
        for flow in "bcd":
            steady.add(one(flow, 201, agent=flow))
        assert "3 are in" in str(steady.settle())
        steady._current.spill.close(remove=False)  # the process is gone
        assert export(store, to) == Exported(104, 104, is_new=True)
    assert content(to) == content(store)
    with SqliteStore.create_or_open(store) as open_store:
        open_store.append(one("first", 300))  # it gets the id that an exchange in the file had
    assert export(store, to).exchanges == 105
    assert content(to) == content(store)
    again = Journal(StoreName(store), lambda _: None)
    again.add(one("e", 301))
    again.close()
    assert export(store, to).exchanges == 106
    assert content(to) == content(store)
    problems = [row["problem"] for row in read_store(to).table("captures").to_pylist()]
    assert problems == [row["problem"] for row in read_store(store).table("captures").to_pylist()]


def test_what_was_pruned_stays_and_its_ids_are_used_again(store: Path, to: Path) -> None:
    """Another exchange under the id of one that is gone is added beside it."""
    export(store, to)
    before = content(to)
    prune(store, AT + 10**12, keep_file=True)
    assert export(store, to) == Exported(100, gone=100)
    filled(store, 200, 230)
    assert min(read_store(store).table("exchanges")["exchange_id"].to_pylist()) == 1
    assert export(store, to) == Exported(130, 30, gone=100)
    assert content(to) == before | content(store)
    filled(store, 230, 235)
    assert export(store, to) == Exported(135, 5, gone=100)
    assert content(to) == before | content(store)


def test_rotated_stores_are_added_wherever_they_are(tmp_path: Path, to: Path) -> None:
    """A store is known by its id: moved, beside others, or alone."""
    names = ("one", "two", "three")
    stores = [filled(tmp_path / "one.sqlite", 0, 20)]
    for number, name in enumerate(names[1:], 1):
        path = tmp_path / f"{name}.sqlite"
        stores.append(filled(path, number * 20, number * 20 + 20, key_path(stores[0])))
    export(stores[1], to)
    stores[1] = stores[1].rename(tmp_path / "moved.sqlite")
    key_path(tmp_path / "two.sqlite").rename(key_path(stores[1]))
    filled(stores[1], 900, 905)
    assert export_stores(stores, to) == Exported(65, 45)
    expected = content(stores[0]) | content(stores[1]) | content(stores[2])
    assert content(to) == expected
    assert export_stores(stores[::-1], to) == Exported(65)
    entries = read_manifest(to).stores
    assert [(e.name, e.numbers, e.through, e.exchanges) for e in entries] == [
        ("moved.sqlite", (0,), 25, 25), ("one.sqlite", (1,), 20, 20), ("three.sqlite", (2,), 20, 20)
    ]  # fmt: skip
    captures = read_store(to).table("captures")["capture_id"].to_pylist()
    of = set(read_store(to).table("exchanges")["capture_id"].to_pylist())
    assert sorted(captures) == sorted(of)
    again = tmp_path / "again"
    export_stores(stores, again, BY)
    joined = join_facts([read_store(path) for path in stores])
    assert read_store(again).table("exchanges").sort_by("exchange_id") == joined.table("exchanges")


@pytest.mark.parametrize("seed", range(3))
def test_any_history_is_exported_whole(tmp_path: Path, to: Path, seed: int) -> None:
    """Whatever happens between exports: the dataset has what is stored, and what was."""
    draw, store = random.Random(seed), tmp_path / "x.sqlite"
    clock, expected = 0, {}
    SqliteStore.create_or_open(store).close()
    for _ in range(7):
        with SqliteStore.create_or_open(store) as open_store:
            capture = open_store.begin_live()
            for _ in range(draw.randrange(12)):
                clock += 1
                late = draw.random() < 0.3 and clock > 50
                agent = f"app {draw.randrange(4)}"
                open_store.append_many([one(f"{clock}", clock - 50 * late, agent)], capture)
            stored = read_store(store).table("exchanges").to_pylist()
            for row in draw.sample(stored, min(len(stored), draw.randrange(4))):
                at = (row["request_start_us"] - AT) // 1_000_000
                later = one(row["flow_id"], at, f"app {draw.randrange(4)}", status=404)
                open_store.write([(row["exchange_id"], later)])
            open_store.end_live(capture)
        if draw.random() < 0.4:
            prune(store, AT + (clock - draw.randrange(30)) * 1_000_000, keep_file=True)
        if draw.random() < 0.6:
            export(store, to)
            expected |= content(store)
            assert content(to) == expected
            assert export_stores([store], to).added == 0


def test_a_large_bucket_is_sorted_in_pieces(
    store: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, in one file."""
    monkeypatch.setattr(write, "LARGE", 20)
    monkeypatch.setattr(write, "PIECE", 10)
    export_stores([store], to, BY, 1)
    assert sorted_by_client(to)
    assert content(to) == content(store)
    (file,) = (to / "presented").rglob("*.parquet")
    assert pq.ParquetFile(file).num_row_groups == 10


def test_what_a_store_says_meanwhile_is_said(
    store: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage names the store, not the dataset; Ctrl-C is no error; neither changes anything."""
    export(store, to)
    before = state(to)
    with closing(apsw.Connection(str(store))) as db:
        db.execute("UPDATE exchanges SET peer = CAST(x'ff' AS TEXT) WHERE exchange_id = 50")
    with pytest.raises(StoreError, match=r"x\.sqlite is a damaged store"):
        export_stores([store], to)

    def interrupted(*_: object) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([], EXCHANGES.arrow)
        raise KeyboardInterrupt

    monkeypatch.setattr(source._SqliteContents, "batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_stores([store], to)
    assert state(to) == before


def test_what_does_not_fit_is_refused(store: Path, to: Path, tmp_path: Path) -> None:
    """In a line that says what to do; the dataset stays as it is."""
    export(store, to)
    other = filled(tmp_path / "other.sqlite", 0, 3)
    copy = Path(shutil.copy(store, tmp_path / "copy.sqlite"))
    before = state(to)
    for stores, options, message in (
        ([other], {}, "another key than .*: export into a new folder"),
        ([store, other], {}, "different keys"),
        ([store], {"client_by": ["user-agent"]}, "by peer,user-agent, not by user-agent: leave"),
        ([store], {"buckets": 7}, "has 3 buckets: leave out --buckets"),
        ([to], {}, "to itself"),
        ([store, store], {}, "named twice"),
        ([store, copy], {}, "has what .* has: name one"),
    ):
        with pytest.raises((StoreError, UsageError), match=message):
            export_stores(stores, to, **options)
    export_stores([store], tmp_path / "another")
    with pytest.raises(StoreError, match="is a dataset, of which nothing can be added"):
        export_stores([tmp_path / "another"], to)
    assert state(to) == before
    manifest = to / "statetrail.json"
    whole = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(whole | {"files": None}))
    with pytest.raises(StoreError, match="by an earlier release, which lists no files"):
        export_stores([store], to)
    manifest.write_text(json.dumps(whole | {"schema_version": 4}))
    with pytest.raises(StoreError, match="has version 4, and what is added would have 5"):
        export_stores([store], to)


def test_a_dataset_becomes_another_one(store: Path, to: Path, tmp_path: Path) -> None:
    """With other clients; into a new folder."""
    export(store, tmp_path / "first")
    export_stores([tmp_path / "first"], to, ("user-agent",), 4)
    assert content(to) == content(store)
    assert sorted_by_client(to)
