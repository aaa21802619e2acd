"""The list of a dataset's files: damage is noticed, and only they are read."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from statetrail.errors import StoreError
from statetrail.store.dataset.export import export_stores
from statetrail.store.dataset.manifest import damage, read_manifest
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.commands import run
from support.datasets import state
from support.traffic import AT, facts_of


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of ten exchanges."""
    path = tmp_path / "x.sqlite"
    with SqliteStore.create_or_open(path) as store:
        store.append_many([facts_of("/v3/x?LangId=1", flow_id=f"{n}", at=AT + n) for n in range(9)])
    return path


@pytest.fixture
def dataset(store: Path, tmp_path: Path) -> Path:
    """Its dataset."""
    export_stores([store], to := tmp_path / "dataset", ("peer",), 1)
    return to


def turn_a_byte(file: Path) -> None:
    """Of the data, so that the file's end still describes it."""
    content = bytearray(file.read_bytes())
    content[40] ^= 0xFF
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Its end is missing."""
    file.write_bytes(file.read_bytes()[:-1])


def test_checksums_are_compared(store: Path, dataset: Path) -> None:
    """All of them, also where nothing is new."""
    hour_ago = time.time() - 3600
    os.utime(store, (hour_ago, hour_ago))
    export_stores([store], to := dataset.with_name("sound"))
    assert run("export", store, "--out", to, "--check").code == 0
    for name in ("exchanges", "presented"):
        turn_a_byte(next((to / name).rglob("*.parquet")))
    done = run("export", store, "--out", to, "--check")
    assert (done.code, done.out) == (1, f"{to}: 9 exchanges, nothing new\n")
    assert [line.count("is damaged: it has other content") for line in done.err.splitlines()] == [
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("harm", "noticed"),
    [(turn_a_byte, None), (cut, "another size than was written"), (Path.unlink, "is missing")],
    ids=["bit", "cut", "missing"],
)
def test_damage_is_one_line(
    store: Path, dataset: Path, harm: Callable[[Path], None], noticed: str | None
) -> None:
    """What a look at each file shows is said when it is opened, the rest by the checksums."""
    name = "exchanges/bucket=0/part-0.parquet"
    harm(dataset / name)
    if noticed is not None:
        with pytest.raises(StoreError, match=noticed):
            read_store(dataset)
    with SqliteStore.create_or_open(store) as more:
        more.append(facts_of("/v3/x", flow_id="later"))
    before = state(dataset)
    done = run("export", store, "--out", dataset)
    assert done.code == 2
    assert f"{name} is " in done.err
    assert "; export into a new folder" in done.err
    assert state(dataset) == before
    assert run("export", store, "--out", f"{dataset}2", "--check").code == 0


def test_other_rows_are_noticed(dataset: Path) -> None:
    """Whatever the size of the file says."""
    manifest = dataset / "statetrail.json"
    content = json.loads(manifest.read_text())
    content["files"]["presented/bucket=0/part-0.parquet"]["rows"] += 1
    manifest.write_text(json.dumps(content))
    with pytest.raises(StoreError, match="has other rows than were written"):
        read_store(dataset)


def test_what_is_not_listed_is_not_read(dataset: Path) -> None:
    """As files of an export that was killed are not."""
    file = dataset / "exchanges/bucket=0/part-0.parquet"
    (dataset / "exchanges/bucket=0/part-1.parquet").write_bytes(file.read_bytes())
    assert read_store(dataset).count("exchanges") == 9
    assert damage(dataset, read_manifest(dataset)) == []


@pytest.mark.parametrize(
    "name",
    ["../x/part-0.parquet", "/etc/part-0.parquet", "exchanges/../part-0.parquet", "meta/part-0"],
)
def test_a_forged_manifest_names_no_other_files(dataset: Path, name: str) -> None:
    """It is damaged, and nothing is opened."""
    manifest = dataset / "statetrail.json"
    content = json.loads(manifest.read_text())
    content["files"][name] = {"rows": 1, "bytes": 1, "sha256": ""}
    manifest.write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"statetrail\.json is damaged"):
        read_store(dataset)
