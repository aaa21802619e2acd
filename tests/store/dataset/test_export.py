"""The Parquet dataset: the same tables as the stores it was made from."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statetrail.dialects import select
from statetrail.errors import StoreError, UsageError
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.recording.frames import open_recording
from statetrail.schema import FACTS
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts, join_facts, read_store
from statetrail.store.sqlite import CaptureCounts, SqliteStore

CLIENTS = ("curl/8", "a|b", "", None, "é\N{SNOWMAN}", *(f"app {n}" for n in range(20)))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A store of a hundred exchanges by many clients, out of order."""
    return write_store(tmp_path / "one.sqlite")


def write_store(path: Path, key: Path | None = None) -> Path:
    """Write such a store."""
    with SqliteStore.create_or_open(path, key=key) as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        capture = store.begin_capture("live")
        for at in range(100):
            agent = CLIENTS[at % len(CLIENTS)]
            headers = () if agent is None else ((b"User-Agent", agent.encode()),)
            start = 1_000_000 * (100 - at)
            request = Request(
                "GET", "https", "shop.example", 443, b"/services/v3/x?LangId=1&CurrId=2",
                headers, "HTTP/2.0", start, peer="192.0.2.1",
            )  # fmt: skip
            issue = ((b"x-set-langid", f"{at};header/forced".encode()),)
            response = Response(200, issue, start + 1, start + 2)
            store.append(extract(Exchange(str(at), request, response), config))
        store.end_capture(capture, CaptureCounts(exchanges=100))
    return path


def in_order(facts: Facts) -> dict[str, pa.Table]:
    """The tables, each sorted by its key."""
    return {
        table.name: facts.tables[table.name].sort_by([(name, "ascending") for name in table.key])
        for table in FACTS
    }


@pytest.mark.parametrize("buckets", [1, 8, 4096])
def test_a_dataset_reads_back_as_its_store(recording: Path, tmp_path: Path, buckets: int) -> None:
    """Export and read give the very tables of the SQLite store, schema included."""
    facts = read_store(recording)
    to = export_parquet(facts, tmp_path / "out", ("peer", "user-agent"), buckets)
    again = read_store(to)
    assert again.key_id == facts.key_id
    assert in_order(again) == in_order(facts)


def test_every_client_is_in_one_bucket_and_in_order(recording: Path, tmp_path: Path) -> None:
    """A client's exchanges and sightings are in the same bucket, sorted by time."""
    to = export_parquet(read_store(recording), tmp_path / "out", ("user-agent",), 8)
    clients = {
        row["exchange_id"]: row["client"]
        for row in open_recording(recording, client_by=("user-agent",))
        .exchanges_with_client()
        .collect("pyarrow")
        .rows(named=True)
    }
    assert len(set(clients.values())) == len(CLIENTS) - 1  # one sends nothing, one sends blanks
    buckets: dict[str, set[str]] = {}
    starts = {}
    for file in sorted(to.glob("exchanges/bucket=*/*.parquet")):
        table = pq.read_table(file, partitioning=None)
        rows = [
            (clients[row["exchange_id"]], row["request_start_us"], row["exchange_id"])
            for row in table.to_pylist()
        ]
        assert rows == sorted(rows)
        starts |= {exchange_id: start for _, start, exchange_id in rows}
        for client, *_ in rows:
            buckets.setdefault(client, set()).add(file.parent.name)
        assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"
    assert all(len(where) == 1 for where in buckets.values())
    for file in to.glob("*sented/bucket=*/*.parquet"):
        rows = [
            (clients[row["exchange_id"]], starts[row["exchange_id"]], row["ordinal"])
            for row in pq.read_table(file, partitioning=None).to_pylist()
        ]
        assert rows == sorted(rows)
        assert {file.parent.name} == set.union(*(buckets[client] for client, *_ in rows))


def test_an_empty_store_makes_an_empty_dataset(tmp_path: Path) -> None:
    """A store without exchanges exports and reads back."""
    SqliteStore.create_or_open(tmp_path / "empty.sqlite").close()
    to = export_parquet(read_store(tmp_path / "empty.sqlite"), tmp_path / "out", ("peer",))
    assert read_store(to).tables["exchanges"].num_rows == 0


def test_several_stores_become_one_dataset_that_can_be_joined_again(tmp_path: Path) -> None:
    """Ids of joined stores stay apart, also where one of them was joined before."""
    one = write_store(tmp_path / "one.sqlite")
    two = write_store(tmp_path / "two.sqlite", tmp_path / "one.sqlite.key")
    both = [read_store(one), read_store(two)]
    to = export_parquet(both, tmp_path / "out", ("peer", "user-agent"))
    assert in_order(read_store(to)) == in_order(join_facts(both))
    again = join_facts([read_store(to), *both])
    ids = again.tables["exchanges"]["exchange_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 400
    assert set(again.tables["issued"]["exchange_id"].to_pylist()) == set(ids)


def test_stores_of_different_keys_are_not_joined(tmp_path: Path) -> None:
    """Pseudonyms of different keys cannot be compared, so nothing is written."""
    stores = [read_store(write_store(tmp_path / name)) for name in ("a.sqlite", "b.sqlite")]
    with pytest.raises(StoreError, match="different keys"):
        export_parquet(stores, tmp_path / "out", ("peer",))
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_not_overwritten(recording: Path, tmp_path: Path) -> None:
    """A folder with anything in it is refused and left alone; an empty one is taken."""
    facts = read_store(recording)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(StoreError, match="exists already"):
        export_parquet(facts, tmp_path / "mine", ("peer",))
    with pytest.raises(StoreError, match="exists already"):
        export_parquet(facts, recording, ("peer",))
    with pytest.raises(StoreError, match="is no folder"):
        export_parquet(facts, tmp_path / "nowhere" / "out", ("peer",))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]
    (tmp_path / "empty").mkdir()
    export_parquet(facts, tmp_path / "empty", ("peer",))
    manifest = json.loads((tmp_path / "empty" / "statetrail.json").read_text())
    assert (manifest["client_by"], manifest["buckets"]) == (["peer"], 16)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (partial(OSError, 28, "No space"), StoreError),
        (KeyboardInterrupt, KeyboardInterrupt),
    ],
    ids=["disk", "ctrl-c"],
)
def test_a_failed_export_leaves_nothing(
    recording: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], BaseException],
    raised: type[BaseException],
) -> None:
    """When it ends half-way, neither the folder nor a part of it is left."""
    facts = read_store(recording)
    before = sorted(tmp_path.iterdir())
    written, write = [], pq.write_table

    def full(rows: pa.Table, file: Path, **options: str) -> None:
        written.append(file)
        if len(written) == 5:
            raise error()
        write(rows, file, **options)

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(raised, match=r"No space left|^$"):
        export_parquet(facts, tmp_path / "out", ("user-agent",))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("client_by", "buckets"), [((), 8), (("shoe-size",), 8), (("peer",), 0), (("peer",), 10**6)]
)
def test_senseless_options_are_refused(
    recording: Path, tmp_path: Path, client_by: tuple[str, ...], buckets: int
) -> None:
    """What makes no sense is named before anything is written."""
    with pytest.raises(UsageError, match=r"choose from|make no sense"):
        export_parquet(read_store(recording), tmp_path / "out", client_by, buckets)
