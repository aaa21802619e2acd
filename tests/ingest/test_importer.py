"""Importing capture files into a store."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.test import tflow

from statetrail.dialects import select
from statetrail.errors import CaptureError
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.importer import BATCH, import_files
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.flowfiles import flow_file as written
from support.hars import entry, har, write_har


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An open, new store."""
    with SqliteStore.create_or_open(tmp_path / "s.sqlite") as opened:
        yield opened


def config(store: SqliteStore) -> ExtractorConfig:
    """All dialects, with the store's key."""
    return ExtractorConfig(select(), store.fingerprinter)


def counts(store: SqliteStore) -> dict[str, int]:
    """Rows of each table."""
    return {name: table.num_rows for name, table in read_store(store.path).tables.items()}


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    """A flow file of two exchanges."""
    flows = [tflow.tflow(resp=True), tflow.tflow(resp=True)]
    path = tmp_path / "flows.har"  # its name says nothing
    path.write_bytes(written(*flows))
    return path


def test_formats_are_told_apart_by_content(
    store: SqliteStore, tmp_path: Path, flow_file: Path
) -> None:
    """HAR, gzipped HAR, HAR with a byte order mark and flow files are known whatever their name."""
    (tmp_path / "a.flows").write_bytes(har(entry("https://h1001.example/")))
    (tmp_path / "b").write_bytes(gzip.compress(har(entry("https://h1002.example/"))))
    (tmp_path / "c").write_bytes(b"\xef\xbb\xbf\r\n" + har(entry("https://h1003.example/")))
    paths = [tmp_path / "a.flows", tmp_path / "b", tmp_path / "c", flow_file]
    seen: list[tuple[Path, int, int]] = []
    done = import_files(paths, store, config(store), lambda *at: seen.append(at))
    assert [(i.path, i.source, i.exchanges) for i in done] == [
        (paths[0], "har", 1), (paths[1], "har", 1), (paths[2], "har", 1), (flow_file, "flows", 2),
    ]  # fmt: skip
    assert all(0 < read <= size for _, read, size in seen)
    assert counts(store)["exchanges"] == 5


def test_a_second_import_doubles_nothing(
    store: SqliteStore, tmp_path: Path, flow_file: Path
) -> None:
    """The same files again add no row but the captures' own notes; copies within one stay."""
    first = write_har(tmp_path / "x.har", entry(), entry(), entry(time=1001))
    longer = write_har(tmp_path / "y.har", entry(), entry(), entry(time=1001), entry(time=1002))
    import_files([first, flow_file], store, config(store))
    before = counts(store)
    assert before["exchanges"] == 5
    again = import_files([first, flow_file], store, config(store))
    assert [(i.exchanges, i.duplicates) for i in again] == [(0, 3), (0, 2)]
    assert counts(store) == before | {"captures": 4}
    (more,) = import_files([longer], store, config(store))
    assert (more.exchanges, more.duplicates) == (1, 3)


def test_requests_of_one_moment_are_told_apart_by_their_answers(
    store: SqliteStore, tmp_path: Path
) -> None:
    """A filtered export and a whole one have both requests once, in whatever order they stand."""
    slow = {"timings__wait": 500, "time": 1100}
    part = write_har(tmp_path / "part.har", entry(**slow))
    whole = write_har(tmp_path / "whole.har", entry(), entry(**slow))
    added = [each.exchanges for each in import_files([part, whole, whole], store, config(store))]
    assert added == [1, 1, 0]
    assert len(set(read_store(store.path).table("exchanges")["source"].to_pylist())) == 1


@pytest.mark.parametrize("pending_first", [True, False])
def test_a_pending_request_is_the_complete_one(
    store: SqliteStore, tmp_path: Path, pending_first: bool
) -> None:
    """It is stored once, complete, although the queue it waited in was not known at first."""
    pending = write_har(tmp_path / "p.har", entry(response__status=0, timings=..., time=0))
    files = [pending, write_har(tmp_path / "c.har", entry())]
    import_files(files if pending_first else files[::-1], store, config(store))
    (status,) = read_store(store.path).table("exchanges")["status"].to_pylist()
    assert status == 200


def test_what_is_in_stays_when_an_import_is_interrupted(store: SqliteStore, tmp_path: Path) -> None:
    """Ctrl-C ends it after the batch; the capture says so, and the next import goes on."""
    entries = [entry(f"https://h{n}.example/") for n in range(BATCH + 1)]
    path = write_har(tmp_path / "x.har", *entries)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    (done,) = import_files([path, path], store, config(store), interrupt)
    assert (done.exchanges, done.stopped) == (BATCH, True)
    (problem,) = read_store(store.path).table("captures")["problem"].to_pylist()
    assert problem == "the import was stopped before the end of the file"
    (rest,) = import_files([path], store, config(store))
    assert (rest.exchanges, rest.duplicates) == (1, BATCH)


def test_what_was_lost_is_noted_in_the_store(store: SqliteStore, tmp_path: Path) -> None:
    """A truncated file keeps its complete prefix, and the capture says what is missing."""
    document = har(entry(), entry(startedDateTime="?"), entry(), entry())
    path = tmp_path / "x.har"
    path.write_bytes(document[: document.rindex(b'"timings"')])
    (imported,) = import_files([path], store, config(store))
    problem = (
        "1 entry was skipped (1 without a readable start time); "
        "the file ends early: its first 3 entries could be read, what follows is lost"
    )
    assert (imported.exchanges, imported.skipped, imported.problem) == (2, 1, problem)
    (note,) = read_store(store.path).tables["captures"].to_pylist()
    assert (note["source"], note["name"], note["problem"]) == ("har", "x.har", problem)
    assert (note["exchanges"], note["duplicates"], note["skipped"]) == (2, 0, 1)


def test_a_truncated_gzip_file_keeps_its_complete_prefix(
    store: SqliteStore, tmp_path: Path
) -> None:
    """What can be unpacked is read."""
    packed = gzip.compress(har(*(entry(time=n, body=f"{n * 7919}") for n in range(500))))
    path = tmp_path / "x.har.gz"
    path.write_bytes(packed[: len(packed) // 2])
    (imported,) = import_files([path], store, config(store))
    assert 100 < imported.exchanges < 500
    assert "ends early" in (imported.problem or "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\x89PNG\r\n", "is no capture", id="a picture"),
        pytest.param(b"SQLite format 3\x00", "is no capture", id="a store"),
        pytest.param(b'{"name": "package", "version": "1"}', "no HAR file", id="other JSON"),
        pytest.param(b"\x1f\x8bnot really", "is empty", id="broken gzip"),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_one_file_that_is_no_capture_stops_the_import_before_it_begins(
    store: SqliteStore, tmp_path: Path, content: bytes | None, message: str
) -> None:
    """The error names the file, and not even the sound files before it were imported."""
    sound, other = write_har(tmp_path / "x.har", entry()), tmp_path / "other"
    if content is not None:
        other.write_bytes(content)
    with pytest.raises(CaptureError, match=message) as caught:
        import_files([sound, other], store, config(store))
    assert str(other) in str(caught.value)
    assert counts(store)["captures"] == 0


def test_a_folder_is_no_capture(store: SqliteStore, tmp_path: Path) -> None:
    """A folder is refused in one line."""
    with pytest.raises(CaptureError, match="is not a file"):
        import_files([tmp_path], store, config(store))


def test_no_secret_reaches_the_store(store: SqliteStore, tmp_path: Path) -> None:
    """Tokens of URL, header and body are pseudonyms in every byte of the store."""
    secret = "tok-0123456789ab"  # the token of `entry`
    ticket = "TICKET-abcdef-9876543210"
    import_files(
        [
            write_har(
                tmp_path / "x.har",
                entry(issued=[("X-Set-Ticket", f"{ticket};header/forced")]),
                entry(startedDateTime=secret),
                entry(url=f"nonsense {secret}"),
            )
        ],
        store,
        config(store),
    )
    store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("s.sqlite*"))
    assert secret.encode() not in content
    assert ticket.encode() not in content
