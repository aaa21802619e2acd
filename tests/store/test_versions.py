"""Stores of an earlier version: read as they are, and gone on with."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import statetrail as st
from statetrail.errors import StoreError
from statetrail.extract import ExchangeFacts
from statetrail.recording.engines import ENGINES, Engine
from statetrail.schema import FACTS, SCHEMA_VERSION
from statetrail.store import SqliteStore, export_parquet, read_store, reader
from support.traffic import facts_of

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
                if (was := column.named(1)) != column.name:
                    db.execute(f"ALTER TABLE {table.name} RENAME COLUMN {column.name} TO {was}")
            if (was := table.named(1)) != table.name:
                db.execute(f"ALTER TABLE {table.name} RENAME TO {was}")
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
    """What came since is not known."""
    before = first.read_bytes()
    assert declared(first) == [None]
    assert first.read_bytes() == before


def test_recording_goes_on_in_the_present_version(first: Path) -> None:
    """Nothing is lost, and what is added says all that is known today."""
    with SqliteStore.create_or_open(first) as store:
        store.append(one("b"))
    assert version(first) == SCHEMA_VERSION
    assert declared(first) == [None, 3600]
    assert (
        read_store(first).table("issued").schema == read_store(fresh(first)).table("issued").schema
    )


def fresh(beside: Path) -> Path:
    """A store of today."""
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
    manifest = folder / reader.MANIFEST
    told = json.loads(manifest.read_text("utf-8"))
    assert told["schema_version"] == SCHEMA_VERSION
    with pytest.raises(StoreError, match="lacks declared_s"):
        read_store(folder)
    manifest.write_text(json.dumps(told | {"schema_version": 1}), "utf-8")
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
def test_a_version_that_is_not_known_is_refused(first: Path, other: int) -> None:
    """For reading and for writing."""
    with closing(sqlite3.connect(first)) as db:
        db.execute(f"PRAGMA user_version = {other}")
    for use in (read_store, SqliteStore.create_or_open):
        with pytest.raises(StoreError, match=f"store version {other}, this statetrail reads 1 to"):
            use(first)
