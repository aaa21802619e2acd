"""Retention: old exchanges leave, the recorder goes on."""

import sqlite3
from contextlib import closing
from pathlib import Path

from statetrail.store.live.journal import Journal
from statetrail.store.reader import read_store
from statetrail.store.retention import prune
from statetrail.store.rotation import StoreName
from statetrail.store.sqlite import SqliteStore
from support.traffic import AT, facts_of


def filled(path: Path, count: int) -> SqliteStore:
    """A store with exchanges a second apart."""
    store = SqliteStore.create_or_open(path)
    store.append_many(
        [
            facts_of("/v3/x?LangId=1", flow_id=str(n), at=AT + n * 1_000_000, body=b"x")
            for n in range(count)
        ]
    )
    return store


def test_what_is_older_leaves_with_all_its_sightings(tmp_path: Path) -> None:
    """In batches, and what is newer stays."""
    path = tmp_path / "x.sqlite"
    filled(path, 1200).close()
    done = prune(path, AT + 1_100_000_000)
    assert (done.exchanges, done.left, done.removed) == (1100, 100, False)
    facts = read_store(path)
    assert facts.table("exchanges").num_rows == facts.table("presented").num_rows == 100


def test_space_is_used_again_and_the_recorder_goes_on(tmp_path: Path) -> None:
    """Vacuum-free: the file does not grow by what takes the place of what left."""
    path = tmp_path / "x.sqlite"
    steady = Journal(StoreName(path), lambda _: None)
    for turn in range(3):
        for n in range(300):
            steady.add(facts_of("/v3/x?LangId=1", flow_id=f"{turn}-{n}", at=AT + turn * 10_000_000))
        prune(path, AT + turn * 10_000_000 + 1)
    steady.close()
    assert steady.lost == 0
    with closing(sqlite3.connect(path)) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        assert db.execute("PRAGMA freelist_count").fetchone()[0] > pages / 2
    size = path.stat().st_size
    with filled(path, 200):
        pass
    assert path.stat().st_size == size


def test_an_empty_store_is_removed_unless_somebody_has_it_open(tmp_path: Path) -> None:
    """With its key and its log; a dry run removes nothing."""
    path = tmp_path / "x.sqlite"
    store = filled(path, 3)
    later = AT + 3_600_000_000
    assert prune(path, later, dry_run=True).exchanges == 3
    assert not prune(path, later).removed
    store.append(facts_of("/x", flow_id="after"))
    store.close()
    assert prune(path, later).removed
    assert list(tmp_path.iterdir()) == []


def test_what_is_pruned_is_not_in_the_file_any_more(tmp_path):
    """Nor in its log: the space that it took is overwritten."""
    path = tmp_path / "x.sqlite"
    with SqliteStore.create_or_open(path) as store:
        store.append_many([facts_of(f"/v3/removed-path-{n}", flow_id=f"{n}") for n in range(500)])
        store.append(facts_of("/v3/kept", flow_id="kept", at=AT + 10**12))
    assert prune(path, AT + 10**11).exchanges == 500
    files = b"".join(file.read_bytes() for file in tmp_path.glob("x.sqlite*"))
    assert b"/v3/kept" in files
    assert b"removed-path" not in files
