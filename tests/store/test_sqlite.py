"""The store that is written: what is in it, what is refused, and that nothing else is touched."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.errors import StoreError
from statetrail.extract.extractor import ExchangeFacts
from statetrail.schema import FACTS
from statetrail.store.file_header import check_store
from statetrail.store.keys import forget_key
from statetrail.store.reader import read_store
from statetrail.store.sqlite import CaptureCounts, SqliteStore
from support.traffic import facts_of


def one(flow_id: str = "f-1", **about: object) -> ExchangeFacts:
    """An exchange with two sightings of each kind."""
    return facts_of(
        "/v3/x?LangId=1&CurrId=2",
        answered={"X-Set-LangId": "1;header/forced", "X-Set-CurrId": "2;header/forced"},
        flow_id=flow_id,
        **about,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store is to be made."""
    return tmp_path / "x.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store open for writing."""
    with SqliteStore.create_or_open(path) as opened:
        yield opened


@pytest.fixture
def made(path: Path) -> Path:
    """A store of three exchanges, closed."""
    with SqliteStore.create_or_open(path) as opened:
        opened.append_many(one(f"f-{n}") for n in range(3))
    return path


def counts(path: Path) -> tuple[int, ...]:
    """Rows of exchanges, issued, presented."""
    return tuple(read_store(path).tables[table.name].num_rows for table in FACTS[:3])


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_an_exchange_is_there_once(store: SqliteStore, path: Path) -> None:
    """The same flow at the same time is a duplicate; the same id at another time is not."""
    assert store.append(one()) == 1
    assert store.append(one()) is None
    assert store.append(one(start_us=5)) == 2
    assert store.append_many([one("f-2"), one(), one("f-2")]) == [3, None, None]
    assert counts(path) == (3, 6, 6)


@given(st.lists(st.lists(st.integers(0, 60), max_size=50), max_size=4))
@settings(max_examples=25, deadline=None)
def test_each_exchange_of_any_batches_is_there_once_with_its_own(batches: list[list[int]]) -> None:
    """Whatever comes twice, within a batch or after it, and however many rows that makes."""
    known: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.sqlite")
        with SqliteStore.create_or_open(path) as store:
            for batch in batches:
                ids = store.append_many(
                    facts_of(
                        "/v3/x?LangId=1",
                        answered={f"X-Set-P{k}": "1;header/forced" for k in range(number % 4)},
                        flow_id=f"{number}",
                    )
                    for number in batch
                )
                for number, exchange_id in zip(batch, ids, strict=True):
                    assert (exchange_id is None) == (number in known)
                    if exchange_id is not None:
                        known[number] = exchange_id
        tables = {name: table.to_pylist() for name, table in read_store(path).tables.items()}
    assert {int(row["flow_id"]): row["exchange_id"] for row in tables["exchanges"]} == known
    held = Counter(row["exchange_id"] for row in tables["issued"])
    assert held == Counter({at: n % 4 for n, at in known.items() if n % 4})
    assert Counter(row["exchange_id"] for row in tables["presented"]) == Counter(known.values())


def test_a_batch_is_there_whole_or_not_at_all(store: SqliteStore, path: Path) -> None:
    """A row that cannot be written, or a source that fails, takes its batch along."""
    good = one("good")
    for name, bad in (
        ("surrogate", replace(good.exchange, path="\udcff")),
        ("too great", replace(good.exchange, status=2**63)),
        ("null", replace(good.exchange, method=None)),  # type: ignore[arg-type]
        ("type", replace(good.exchange, port="x")),  # type: ignore[arg-type]
    ):
        odd = replace(good, exchange=replace(bad, flow_id=name))
        with pytest.raises(StoreError, match=r"x\.sqlite could not be written \(\w+\)$") as error:
            store.append_many([one("before"), odd])
        assert error.value.__cause__ is None

    def failing() -> Iterator[ExchangeFacts]:
        yield one("before")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.append_many(failing())
    assert counts(path) == (0, 0, 0)
    assert store.append(good) == 1


def test_a_full_disk_is_an_error_and_no_half_exchange(store: SqliteStore, path: Path) -> None:
    """What was written before stays, and once there is room again writing goes on."""
    database = store._db
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages + 4}")
    written = 0

    def fill() -> None:
        nonlocal written
        for n in range(1000):
            store.append(one(f"f-{n}"))
            written += 1

    with pytest.raises(StoreError, match="SQLITE_FULL"):
        fill()
    assert counts(path) == (written, 2 * written, 2 * written)
    database.execute("PRAGMA max_page_count = 10000")
    assert store.append(one("later"))


def test_another_writer_is_waited_for_and_named(store: SqliteStore, path: Path) -> None:
    """A lock that is not given up in time is an error; the exchange can be written again."""
    with SqliteStore.create_or_open(path, busy_s=0) as other:
        store._db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="SQLITE_BUSY"):
            other.append(one())
        store._db.execute("ROLLBACK")
        assert other.append(one()) == 1
        assert store.append(one()) is None


def test_captures_are_counted_with_their_exchanges(store: SqliteStore, path: Path) -> None:
    """A capture's note counts in the same transaction, and is completed at its end."""
    capture = store.begin_capture("har", "\udcff\x1b[31m.har")
    store.append_many([one("a"), one("b"), one("a")], capture)
    (row,) = read_store(path).tables["captures"].to_pylist()
    assert (row["source"], row["name"]) == ("har", "\ufffd\ufffd[31m.har")
    assert (row["exchanges"], row["duplicates"], row["problem"]) == (2, 1, None)
    store.end_capture(capture, CaptureCounts(2, 1, 3), "the file ends in mid-entry")
    (row,) = read_store(path).tables["captures"].to_pylist()
    assert (row["skipped"], row["problem"]) == (3, "the file ends in mid-entry")


def test_a_closed_store_is_an_error_of_ours(path: Path) -> None:
    """Whatever is asked of it."""
    store = SqliteStore.create_or_open(path)
    store.close()
    for ask in (
        lambda: store.append(one()),
        lambda: store.begin_capture("live"),
        lambda: store.end_capture(1, CaptureCounts()),  # type: ignore[arg-type]
    ):
        with pytest.raises(StoreError, match="written"):
            ask()


def test_a_store_goes_on_where_it_stopped(made: Path) -> None:
    """Opened again it appends, and knows what it has."""
    with SqliteStore.create_or_open(made) as store:
        assert store.append(one("f-0")) is None
        assert store.append(one("f-3")) == 4
    assert counts(made) == (4, 8, 8)


def test_a_closed_store_is_one_file_and_its_key(made: Path) -> None:
    """The write-ahead log is folded in, so that the file can be copied as it is."""
    assert sorted(files(made.parent)) == ["x.sqlite", "x.sqlite.key"]


@pytest.mark.parametrize("making", ["nothing", "empty file", "cut short"])
def test_a_store_is_made_where_there_is_nothing(path: Path, making: str) -> None:
    """No file, a file with nothing in it, or one whose making was killed half-way."""
    if making == "empty file":
        path.touch()
    elif making == "cut short":
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
        assert path.stat().st_size
    with SqliteStore.create_or_open(path) as store:
        assert store.append(one()) == 1
    check_store(path)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE exchanges (a)")


def cut(path: Path, at: int) -> None:
    SqliteStore.create_or_open(path).close()
    os.truncate(path, at)


def change(path: Path, statement: str) -> None:
    SqliteStore.create_or_open(path).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


SPOILED = {
    "text": (lambda p: p.write_text("hello\n" * 999), "no statetrail store .no SQLite database"),
    "short": (lambda p: p.write_bytes(b"SQLite format 3"), "no statetrail store .no SQLite"),
    "header": (lambda p: p.write_bytes(b"SQLite format 3\0"), "damaged or cannot be read"),
    "foreign": (foreign, "no statetrail store .another program's database"),
    "version": (lambda p: change(p, "PRAGMA user_version = 99"), "store version 99, this"),
    "mark": (lambda p: change(p, "PRAGMA application_id = 7"), "another program's database"),
    "cut": (lambda p: cut(p, 5000), "damaged or cannot be read"),
    "cut page": (lambda p: cut(p, 4096), "damaged or cannot be read"),
    "no key id": (lambda p: change(p, "DELETE FROM meta"), "damaged store .no key id"),
    "no meta": (lambda p: change(p, "DROP TABLE meta"), "damaged store .no key id"),
    "socket": (lambda p: os.mkfifo(p), "no regular file"),
    "folder": (lambda p: p.mkdir(), "is a folder"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_no_store_is_refused_and_left_alone(path: Path, name: str) -> None:
    """For writing and for reading: one line that names the file, and no byte changes."""
    spoil, message = SPOILED[name]
    spoil(path)  # type: ignore[no-untyped-call]
    before = files(path.parent)
    for use in (SqliteStore.create_or_open, read_store):
        reads_folder = name == "folder" and use is read_store
        expected = "no statetrail dataset" if reads_folder else message
        with pytest.raises(StoreError, match=expected) as error:
            use(path)
        assert "\n" not in str(error.value)
        assert str(path) in str(error.value)
    assert files(path.parent) == before


@pytest.mark.parametrize("table", [table.name for table in FACTS])
def test_a_store_without_a_table_is_damaged(made: Path, table: str) -> None:
    """Reading says so in one line."""
    change(made, f"DROP TABLE {table}")
    with pytest.raises(StoreError, match=rf"damaged store .*no such table: {table}"):
        read_store(made)


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A missing store, a missing folder, a file as a folder."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"there is no store at .*x\.sqlite"):
        read_store(tmp_path / "x.sqlite")
    with pytest.raises(StoreError, match="an empty file"):
        read_store(tmp_path / "file")
    for folder in ("nowhere", "file", "a" * 300):
        with pytest.raises(StoreError, match="is no folder: make it first"):
            SqliteStore.create_or_open(tmp_path / folder / "x.sqlite")
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteStore.create_or_open(tmp_path / ("a" * 300))
    assert sorted(files(tmp_path)) == ["file"]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to pass all permissions."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder with a store that anyone may read and nobody else may change."""
    folder = Path(tempfile.mkdtemp())
    with SqliteStore.create_or_open(folder / "x.sqlite") as store:
        store.append(one())
    for file in folder.iterdir():
        if not file.name.endswith(".key"):
            file.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)


def test_a_store_that_may_only_be_read_is_read(guarded: Path) -> None:
    """From a folder where no file can be made; writing is refused and changes nothing."""
    before = files(guarded)
    with as_nobody():
        assert counts(guarded / "x.sqlite") == (1, 2, 2)
        with pytest.raises(StoreError, match=r"cannot be (written|read as a key file)"):
            SqliteStore.create_or_open(guarded / "x.sqlite")
        with pytest.raises(StoreError, match="cannot be made: Permission denied"):
            SqliteStore.create_or_open(guarded / "y.sqlite")
        with pytest.raises(StoreError, match="cannot be written"):
            SqliteStore.create_or_open(guarded / "y.sqlite", keep_key=False)
        with pytest.raises(StoreError, match="cannot be removed: Permission denied"):
            forget_key(guarded / "x.sqlite")
    assert files(guarded) == before


def test_a_store_that_may_not_be_read_says_so(guarded: Path) -> None:
    """Permission is a reason of its own."""
    (guarded / "x.sqlite").chmod(0)
    with as_nobody(), pytest.raises(StoreError, match=r"cannot be read \(Permission denied\)"):
        read_store(guarded / "x.sqlite")
