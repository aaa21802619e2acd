"""Invented names and hosts: a report has bounds, and says what it leaves out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import statetrail as st
from statetrail.analyses.tallies import bounds
from statetrail.report.document import Document
from statetrail.store import reader
from statetrail.store.dataset.export import export_parquet
from studies.attack.inventions import AT_ONCE, SHOP, word, write_inventions
from support.shops import write_shop

NAMES, HOSTS = 3000, 1500


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names of one shop, and hosts."""
    return write_inventions(tmp_path_factory.mktemp("invented") / "x.sqlite", NAMES, HOSTS)


def audited(path: Path) -> Document:
    """The audit of a store."""
    return st.audit(st.open(path)).document


@pytest.fixture(scope="module")
def document(store: Path) -> Document:
    """The audit of the store."""
    return audited(store)


def test_what_is_seen_most_is_kept(document: Document) -> None:
    """Names that a dialect lists are never left out, exchanges are all counted."""
    here = {one.param for one in document.parameters if one.origin == f"https://{SHOP}"}
    assert len(here) == bounds.MAX_NAMES + 1
    assert {"langid", word(NAMES).decode()} <= {name.lower() for name in here}
    assert len({one.origin for one in document.parameters}) == bounds.MAX_ORIGINS
    assert document.capture.exchanges == NAMES // AT_ONCE + HOSTS
    assert document.capture.origins == HOSTS + 1


def test_what_is_left_out_is_counted(document: Document) -> None:
    """In the capture, and by a finding for the names and one for the origins."""
    left_out = document.capture.left_out
    assert left_out.names == NAMES + 1 - bounds.MAX_NAMES
    assert left_out.origins == HOSTS + 1 - bounds.MAX_ORIGINS
    found = {one.origin: one.count for one in document.findings if one.rule == "left-out-of-report"}
    assert found == {None: left_out.origins, f"https://{SHOP}": left_out.names}


def test_a_large_dataset_has_the_same_bounds(
    store: Path, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read, and left out of, bucket by bucket."""
    export_parquet(reader.read_store(store), tmp_path / "dataset", None)
    monkeypatch.setattr(reader, "LARGE", 1)
    assert audited(tmp_path / "dataset").parameters == document.parameters


def test_a_recording_within_the_bounds_is_audited_as_it_is(tmp_path: Path) -> None:
    """It is not copied."""
    rec = st.open(write_shop(tmp_path / "shop.sqlite"))
    assert bounds.bounded(rec) is rec


def test_a_store_with_numbers_that_no_recorder_writes_is_audited(tmp_path: Path) -> None:
    """An ordinal at the end of the integers, and a length below zero."""
    store = write_shop(tmp_path / "shop.sqlite")
    before = audited(store)
    with closing(sqlite3.connect(store)) as db, db:
        db.execute("UPDATE presented SET ordinal = 9223372036854775807 WHERE ordinal = 0")
        db.execute("UPDATE issued SET length = -5")
    assert audited(store).clients == before.clients
