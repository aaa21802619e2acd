"""Stores of versions 1 and 2: read, recorded into, exported and pruned."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import statetrail as st
from statetrail.dialects import select
from statetrail.errors import StoreError
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.recording.engines import ENGINES, Engine
from statetrail.schema import FACTS, SCHEMA_VERSION
from statetrail.store import opening, reader
from statetrail.store.connection import connect
from statetrail.store.dataset.export import export_parquet, export_stores
from statetrail.store.dataset.manifest import MANIFEST, read_manifest
from statetrail.store.keys import key_path, write_key
from statetrail.store.live.journal import Journal
from statetrail.store.reader import join_facts, read_store
from statetrail.store.retention import prune
from statetrail.store.rotation import StoreName
from statetrail.store.sqlite import SqliteStore
from support.traffic import AT, exchange, facts_of

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2ln"
"""A JSON Web Token of an hour."""


def one(flow_id: str) -> ExchangeFacts:
    """An exchange that issues a token."""
    return facts_of("/v3/x", answered={"X-Set-Ticket": f"{TOKEN};header/forced"}, flow_id=flow_id)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A store of the first version, with one exchange."""
    path = tmp_path / "x.sqlite"
    with SqliteStore.create_or_open(path) as store:
        store.append(one("a"))
    with closing(sqlite3.connect(path)) as db:
        for table in FACTS:
            for column in table.since(1):
                db.execute(f"ALTER TABLE {table.name} DROP COLUMN {column.name}")
            for column in table.columns:
                if (old := column.named(1)) != column.name:
                    db.execute(f"ALTER TABLE {table.name} RENAME COLUMN {column.name} TO {old}")
            if (old := table.named(1)) != table.name:
                db.execute(f"ALTER TABLE {table.name} RENAME TO {old}")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    return path


def version(path: Path) -> int:
    """The version that a store says it has."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def declared(path: Path) -> list[int | None]:
    """The declared lifetimes of a store."""
    rows = read_store(path).table("issued").sort_by("exchange_id")
    return rows["declared_s"].to_pylist()  # type: ignore[no-any-return]


def test_reading_changes_nothing(first: Path) -> None:
    """A column that is new is null."""
    before = first.read_bytes()
    assert declared(first) == [None]
    assert first.read_bytes() == before


def test_recording_into_it_makes_it_the_current_version(first: Path) -> None:
    """Nothing is lost, and added rows have the new column."""
    with SqliteStore.create_or_open(first) as store:
        store.append(one("b"))
    assert version(first) == SCHEMA_VERSION
    assert declared(first) == [None, 3600]
    assert (
        read_store(first).table("issued").schema == read_store(fresh(first)).table("issued").schema
    )


def test_it_is_the_same_store_for_exports(first: Path, tmp_path: Path) -> None:
    """Also where an earlier release made it, which gave no id, and it was brought up since."""
    with closing(sqlite3.connect(first)) as db:
        db.execute("DELETE FROM meta WHERE key = 'store_id'")
        db.execute("INSERT INTO captures VALUES (1, 'live', NULL, 5, 1, 0, 0, NULL)")
        db.commit()
    assert export_stores([first], tmp_path / "out").exchanges == 1
    with SqliteStore.create_or_open(first) as store:
        store.append(one("b"))
    assert version(first) == SCHEMA_VERSION
    done = export_stores([first], tmp_path / "out")
    assert (done.added, done.replaced) == (1, 0)
    assert len(read_manifest(tmp_path / "out").stores) == 1


def fresh(beside: Path) -> Path:
    """A store of the current version."""
    path = beside.with_name("fresh.sqlite")
    SqliteStore.create_or_open(path).close()
    return path


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "pyspark"])
@pytest.mark.parametrize("large", [False, True])
def test_a_dataset_of_the_first_version(
    first: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine, large: bool
) -> None:
    """Read at once and bucket by bucket, on each engine."""
    folder = export_parquet(read_store(first), first.with_name("dataset"), ("user-agent",), 2)
    for file in (folder / "issued").rglob("*.parquet"):
        rows = pq.read_table(file, partitioning=None)
        pq.write_table(rows.drop_columns(["declared_s"]), file)
    manifest = folder / MANIFEST
    content = json.loads(manifest.read_text("utf-8"))
    assert content["schema_version"] == SCHEMA_VERSION
    del content["files"]  # which a dataset of that version does not list
    manifest.write_text(json.dumps(content), "utf-8")
    with pytest.raises(StoreError, match="lacks declared_s"):
        read_store(folder)
    manifest.write_text(json.dumps(content | {"schema_version": 1}), "utf-8")
    (folder / "token_candidates").rename(folder / "traces")
    captures = folder / "captures" / "part-0.parquet"
    notes = pq.read_table(captures)
    pq.write_table(
        notes.rename_columns(["at_us" if n == "started_us" else n for n in notes.column_names]),
        captures,
    )
    if large:
        monkeypatch.setattr(reader, "LARGE", 0)
    rec = st.open(folder, engine=engine, client_by=("user-agent",))
    assert [row["declared_s"] for row in rec.issued.rows()] == [None]
    assert rec.captures.rows() == st.open(first).captures.rows()
    (row,) = st.expiry(rec).rows()
    assert (row["policy"], row["declared_low_s"]) == ("none-seen", None)


@pytest.mark.parametrize("other", [0, SCHEMA_VERSION + 1])
def test_an_unknown_version_is_refused(first: Path, other: int) -> None:
    """For reading and for writing."""
    with closing(sqlite3.connect(first)) as db:
        db.execute(f"PRAGMA user_version = {other}")
    for use in (read_store, SqliteStore.create_or_open):
        with pytest.raises(StoreError, match=f"store version {other}, this statetrail reads 1 to"):
            use(first)


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A store of version 2 as its release wrote it, alone in a folder."""
    path = tmp_path / "second" / "shop.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(Path(__file__).with_name("version_2.sql").read_text("utf-8"))
    write_key(key_path(path), bytes(31) + b"\1")
    return path


TICKET = 6323343102019900820
"""The ticket's fingerprint in the store of version 2."""


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of every table."""
    facts = read_store(path)
    return {table.name: facts.table(table.name).to_pylist() for table in FACTS}


def use(store: SqliteStore, flow_id: str, at: int = AT + 9_000_000) -> ExchangeFacts:
    """A request that presents the ticket of the store of version 2."""
    config = ExtractorConfig(select(), store.fingerprinter)
    request = exchange("/services/v3/orders", asked={"X-Ticket": TOKEN}, flow_id=flow_id, at=at)
    return extract(request, config)


def test_a_store_of_version_2_is_read_with_the_current_names(second: Path) -> None:
    """Also on read-only media: nothing is changed, and nothing is left beside it."""
    files = {file: file.read_bytes() for file in second.parent.iterdir()}
    for file in files:
        file.chmod(0o444)
    second.parent.chmod(0o555)
    try:
        rows = contents(second)
        rec = st.open(second)
        assert [row["verdict"] for row in st.verdicts(rec).rows() if row["param"] == "Ticket"]
    finally:
        second.parent.chmod(0o755)
    assert {file: file.read_bytes() for file in second.parent.iterdir()} == files
    assert [row["flow_id"] for row in rows["exchanges"]] == ["login", "products"]
    assert [row["fingerprint"] for row in rows["presented"] if row["value"] is None] == [TICKET]
    (candidate,) = rows["token_candidates"]
    assert (candidate["exchange_id"], candidate["place"]) == (2, "query")
    (capture,) = rows["captures"]
    assert (capture["started_us"], capture["exchanges"]) == (1795921518379520, 2)


def test_recording_into_version_2_loses_nothing(second: Path) -> None:
    """Its rows stay, new ones follow under the same key, its tables are those of a new store."""
    before = contents(second)
    journal = Journal(StoreName(second), lambda _: None)
    journal.add(use(journal.store, "orders"))
    journal.add(use(journal.store, "login", AT))  # stored already
    journal.close()
    after = contents(second)
    for table in FACTS:
        assert after[table.name][: len(before[table.name])] == before[table.name]
    assert [row["flow_id"] for row in after["exchanges"]] == ["login", "products", "orders"]
    assert after["presented"][-1]["fingerprint"] == TICKET
    assert [row["exchanges"] for row in after["captures"]] == [2, 1]
    assert version(second) == SCHEMA_VERSION
    assert columns(second) == columns(fresh(second))


def columns(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """Each table's columns, with type, null and key."""
    with closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema ORDER BY name")]
        return {name: {r[1:] for r in db.execute(f"PRAGMA table_info({name})")} for name in names}


def test_an_interrupted_migration_leaves_version_2(
    second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one transaction."""
    before, migrate = contents(second), opening._migrate

    def interrupted(db: object) -> None:
        migrate(db)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(opening, "_migrate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        SqliteStore.create_or_open(second)
    assert version(second) == 2
    assert contents(second) == before


def test_a_reader_of_version_2_is_not_disturbed_by_a_writer_of_version_3(second: Path) -> None:
    """Its transaction keeps the old tables; the next one has the new ones."""
    before = contents(second)
    with closing(connect(second, "read")) as db:
        db.execute("BEGIN")
        (old,) = db.execute("SELECT exchange_id FROM traces").fetchall()
        with SqliteStore.create_or_open(second) as store:
            assert store.append(use(store, "orders")) == 3
            assert db.execute("SELECT exchange_id FROM traces").fetchall() == [old]
            assert db.execute("SELECT count(*) FROM exchanges").get == 2
            during = contents(second)
        db.execute("COMMIT")
        assert db.execute("SELECT exchange_id FROM token_candidates").fetchall() == [old]
    assert during["exchanges"][:2] == before["exchanges"]
    assert contents(second) == during


def test_version_2_is_exported_and_joined_as_the_current_version(second: Path) -> None:
    """The dataset has the same rows, and joins with a current store of the same key."""
    folder = export_parquet(read_store(second), second.with_name("dataset"), ("peer",), 1)
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    assert manifest["schema_version"] == SCHEMA_VERSION
    assert contents(folder) == contents(second)
    current = second.with_name("current.sqlite")
    with SqliteStore.create_or_open(current, key=key_path(second)) as store:
        store.append(use(store, "orders"))
    joined = join_facts([read_store(second), read_store(current)])
    assert joined.table("presented")["fingerprint"].to_pylist().count(TICKET) == 2
    assert version(second) == 2


def test_version_2_is_pruned_and_stays_version_2(second: Path) -> None:
    """The rows of an exchange go with it, under the names of that version."""
    pruned = prune(second, AT + 1_000_000)
    assert (pruned.exchanges, pruned.left, version(second)) == (1, 1, 2)
    rows = contents(second)
    assert {row["exchange_id"] for name in ("presented", "token_candidates") for row in rows[name]}
    assert prune(second, AT + 9_000_000, keep_file=True).left == 0
    assert not any(rows for name, rows in contents(second).items() if name != "captures")
