"""Reading a store as Arrow: types hold whatever the rows, and a writer is no hindrance."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import support
from statetrail.schema import EXCHANGES, FACTS, ISSUED, Table
from statetrail.store import snapshot
from statetrail.store.reader import read_store
from statetrail.store.rows import add
from statetrail.store.sqlite import SqliteStore
from support.histories import FINGERPRINTER
from support.traffic import exchange, facts_of

BARE = facts_of("/x", flow_id="bare", peer=None, end_us=None, body_bytes=None)
LIMITS = (-(2**63), 2**63 - 1, 0, -1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with nothing in it."""
    SqliteStore.create_or_open(tmp_path / "x.sqlite").close()
    return tmp_path / "x.sqlite"


def column(path: Path, name: str, table: Table = EXCHANGES) -> list[object]:
    """A column, in the order of the exchanges."""
    rows = read_store(path).tables[table.name].sort_by(table.key[0])
    return rows[name].to_pylist()  # type: ignore[no-any-return]


def test_an_empty_store_has_its_types(path: Path) -> None:
    """No row, and still every column of the catalogue."""
    for table in FACTS:
        empty = read_store(path).tables[table.name]
        assert empty.num_rows == 0
        assert empty.schema == table.arrow


@pytest.mark.parametrize("nulls", [1, 1023, 1024, 5000])
def test_nulls_first_and_values_late(path: Path, nulls: int) -> None:
    """However many rows have nothing in a column, what comes after keeps its type."""
    late = facts_of("/x", flow_id="late", proxy_user="anna", asked={"User-Agent": "é"}, body=b"xy")
    with SqliteStore.create_or_open(path) as store:
        rows = [
            replace(BARE, exchange=replace(BARE.exchange, flow_id=str(n))) for n in range(nulls)
        ]
        store.append_many([*rows, late])
    assert column(path, "proxy_user") == [None] * nulls + [FINGERPRINTER.pseudonym("anna")]
    assert column(path, "user_agent") == [None] * nulls + ["é"]
    assert column(path, "request_bytes") == [None] * nulls + [0]


def test_text_that_looks_like_numbers_stays_text(path: Path) -> None:
    """Digits, an empty text, a number's many forms: what was written comes back."""
    agents = ["1", "", "1e5", "0x10", "NaN", "null", "-0", "1.0", " 7"]
    with SqliteStore.create_or_open(path) as store:
        for n, agent in enumerate(agents):
            kept = facts_of("/x", flow_id=str(n))
            store.append(replace(kept, exchange=replace(kept.exchange, user_agent=agent)))
    assert column(path, "user_agent") == agents


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            st.none() | st.integers(-(2**63), 2**63 - 1) | st.sampled_from(LIMITS),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_and_any_64_bits_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int | None]]
) -> None:
    """NUL, line ends, astral characters, the limits of 64 bits: nothing is cut or bent."""
    path = tmp_path_factory.mktemp("any") / "x.sqlite"
    with SqliteStore.create_or_open(path) as store:
        for n, (text, number) in enumerate(rows):
            kept = facts_of("/x", flow_id=str(n)).exchange
            odd = replace(kept, method=text, status=number, request_end_us=number)
            store.append(replace(BARE, exchange=odd))
    assert column(path, "method") == [text for text, _ in rows]
    assert column(path, "status") == [number for _, number in rows]
    assert column(path, "request_end_us") == [number for _, number in rows]


def test_fingerprints_keep_every_bit(path: Path) -> None:
    """They are 64 bits wide, more than a float would hold."""
    kept = facts_of("/v3", answered={"X-Set-Ticket": "a;header/forced"})
    limits = [replace(kept.issued[0], fingerprint=n) for n in LIMITS]
    with SqliteStore.create_or_open(path) as store:
        store.append(replace(kept, issued=tuple(limits)))
    assert column(path, "fingerprint", ISSUED) == list(LIMITS)


def test_reading_leaves_nothing_behind(path: Path) -> None:
    """Neither a log nor shared memory lies beside a store that was only read."""
    before = {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    read_store(path)
    assert {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before


def test_a_store_is_read_where_it_is_written(path: Path) -> None:
    """In one process as well: what is committed is seen, what is under way is not."""
    with SqliteStore.create_or_open(path) as store:
        store.append(facts_of("/x", flow_id="done"))
        store._db.execute("BEGIN IMMEDIATE")
        add(store._db.cursor(), [facts_of("/x", flow_id="under-way")], None)
        assert column(path, "flow_id") == ["done"]
        store._db.execute("COMMIT")
        assert column(path, "flow_id") == ["done", "under-way"]


_LOOK = """
import sys, sqlite3
db = sqlite3.connect(sys.argv[1])
print(db.execute("SELECT count(*) FROM exchanges").fetchone()[0])
db.close()
"""


def test_reading_where_it_is_written_keeps_the_writer_s_locks(path: Path) -> None:
    """Another program that opens and closes the store must not take itself for the last one."""

    def seen_by_another() -> int:
        done = [sys.executable, "-c", _LOOK, str(path)]
        return int(subprocess.run(done, capture_output=True, text=True, check=True).stdout)

    with SqliteStore.create_or_open(path) as store:
        store.append(facts_of("/x", flow_id="a"))
        assert read_store(path).count("exchanges") == 1
        assert seen_by_another() == 1
        store.append(facts_of("/x", flow_id="b"))
        assert seen_by_another() == 2
    assert column(path, "flow_id") == ["a", "b"]


_WRITER = """
import sys
from statetrail.store.sqlite import SqliteStore
from support.traffic import facts_of

with SqliteStore.create_or_open(sys.argv[1]) as store:
    for name in sys.stdin:
        store.append(facts_of("/v3", answered={"X-Set-Ticket": "a;header/forced"}, flow_id=name))
        print(name, end="", flush=True)
"""


def test_tables_are_of_one_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another program adds between the reading of two tables is in neither."""
    sentinel, seen = snapshot._sentinel, []
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        env={**os.environ, "PYTHONPATH": str(Path(support.__file__).parents[1])},
    ) as writer:  # fmt: skip
        assert writer.stdin is not None
        assert writer.stdout is not None

        def add_one(name: str) -> None:
            print(name, file=writer.stdin)
            assert writer.stdout.readline() == f"{name}\n"

        def meanwhile(table: Table) -> str:
            add_one(table.name)
            seen.append(table.name)
            return sentinel(table)

        add_one("first")
        monkeypatch.setattr(snapshot, "_sentinel", meanwhile)
        tables = read_store(path).tables
        writer.stdin.close()
    assert len(seen) == len(FACTS)
    assert tables["exchanges"].num_rows == tables["issued"].num_rows == 1


def test_a_writer_that_comes_while_a_store_at_rest_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changed under the reader is read again, with its log."""
    with SqliteStore.create_or_open(path) as store:
        store.append(facts_of("/x", flow_id="before"))
    opened, uris = snapshot._opened, []

    @contextmanager
    def meanwhile(uri: str) -> Iterator[snapshot.Snapshot]:
        uris.append(uri.partition("?")[2])
        with opened(uri) as tables:
            yield tables
        if len(uris) == 1:
            with SqliteStore.create_or_open(path) as store:
                store.append(facts_of("/x", flow_id="meanwhile"))

    monkeypatch.setattr(snapshot, "_opened", meanwhile)
    assert column(path, "flow_id") == ["before", "meanwhile"]
    assert uris == ["mode=ro&immutable=1", "mode=ro"]


@pytest.mark.parametrize(
    "name", ["a b?c#d%41.sqlite", "é\N{SNOWMAN}.sqlite", "x.sqlite?mode=rw", "-"]
)
def test_any_file_name_is_a_file_name(tmp_path: Path, name: str) -> None:
    """Characters that mean something in a URI mean nothing in a path."""
    with SqliteStore.create_or_open(tmp_path / name) as store:
        store.append(BARE)
        assert column(tmp_path / name, "flow_id") == ["bare"]
    assert column(tmp_path / name, "flow_id") == ["bare"]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, f"{name}.key"])


def test_a_row_that_breaks_the_schema_is_damage(path: Path) -> None:
    """SQLite itself keeps each column's type, whoever writes."""
    with closing(sqlite3.connect(path)) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO captures VALUES (1, 'live', NULL, 'soon', 0, 0, 0, NULL)")
    assert exchange().request.host not in str(read_store(path).tables)
