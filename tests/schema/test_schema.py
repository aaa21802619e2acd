"""The catalogue: what SQLite makes of it, what Arrow makes of it and the checks are one."""

import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest
from msgspec.structs import fields

from statetrail.analyses.catalogue import TABLES as CATALOGUE
from statetrail.extract.exchange_row import ExchangeRow
from statetrail.extract.state import Issued, Presented
from statetrail.extract.token_candidates import TokenCandidate
from statetrail.rules.gather import FINDINGS
from statetrail.schema import (
    EXCHANGES,
    FACTS,
    ISSUED,
    PRESENTED,
    TOKEN_CANDIDATES,
    Table,
    pseudonym,
)

TABLES = {**CATALOGUE, "findings": FINDINGS}
ALL = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
ARROW_OF = {"INTEGER": {pa.int64(), pa.bool_()}, "TEXT": {pa.string()}, "REAL": {pa.float64()}}
WRONG = {"INTEGER": "text", "TEXT": b"blob", "REAL": "text"}


@ALL
def test_sqlite_and_arrow_agree(table: Table) -> None:
    """The same columns in the same order, of the same types, nullable in the same places."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(table.ddl())
        database.execute(table.ddl())
        info = database.execute(f'PRAGMA table_info("{table.name}")').fetchall()
        (strict,) = database.execute(
            "SELECT strict FROM pragma_table_list WHERE name = ?", (table.name,)
        ).fetchone()
    assert strict == 1
    assert [name for _, name, *_ in info] == table.arrow.names == list(table.names)
    for (_, name, kind, not_null, _, key), field in zip(info, table.arrow, strict=True):
        assert field.type in ARROW_OF[kind], name
        assert bool(not_null) is not field.nullable, name
        assert bool(key) is (name in table.key and "PRIMARY KEY" in table.ddl()), name


@ALL
def test_sqlite_holds_what_arrow_holds(table: Table) -> None:
    """A row with nothing but its required values goes in; each wrong type and null is refused."""
    samples = {"int": 1, "text": "x", "bool": 1, "float": 0.5, "timestamp": 1, "fingerprint": -1}
    row = [None if column.null else samples[column.type] for column in table.columns]
    marks = ", ".join("?" * len(row))
    insert = f"INSERT INTO {table.name} VALUES ({marks})"
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(table.ddl())
        database.execute(insert, row)
        database.execute(f"DELETE FROM {table.name}")
        for at, column in enumerate(table.columns):
            wrong = WRONG[column.sqlite.split()[1]]
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(insert, [*row[:at], wrong, *row[at + 1 :]])
            # A single integer key is the rowid: null asks for the next one.
            if not column.null and (column.name,) != table.key:
                with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
                    database.execute(insert, [*row[:at], None, *row[at + 1 :]])
        assert database.execute(f"SELECT count(*) FROM {table.name}").fetchone() == (0,)


@ALL
def test_the_catalogue_is_complete(table: Table) -> None:
    """Keys are columns, names are not doubled, times and fingerprints are named as such."""
    assert set(table.key) <= set(table.names)
    assert len(set(table.names)) == len(table.names)
    for column in table.columns:
        assert column.description
        assert column.null != ""
        assert (column.type == "timestamp") is column.name.endswith("_us")
        named = column.name.endswith("fingerprint") or column.name == "session"
        assert (column.type == "fingerprint") is named
        assert column.name not in ("from", "to") or not table.fact


@ALL
def test_the_check_names_what_is_wrong(table: Table) -> None:
    """Exactly the columns, in order; what is missing and what is too much are said."""
    table.check(iter(table.names))
    for names, message in (
        (table.names[1:], rf"missing \['{table.names[0]}'\], unexpected \[\]"),
        ((*table.names, "odd"), r"missing \[\], unexpected \['odd'\]"),
        (table.names[::-1], r"missing \[\], unexpected \[\]"),
    ):
        with pytest.raises(ValueError, match=f"{table.name}: {message}"):
            table.check(names)


def test_fact_tables_have_the_columns_of_the_records() -> None:
    """The records that the store takes have the columns of their tables, in order."""

    def names(record: type) -> list[str]:
        return [field.name for field in fields(record)]

    assert names(ExchangeRow) == list(EXCHANGES.names[2:])
    assert names(Issued) == list(ISSUED.names[2:])
    assert names(Presented) == list(PRESENTED.names[2:])
    assert names(TokenCandidate) == list(TOKEN_CANDIDATES.names[2:])
    assert [table.name for table in FACTS] == [t.name for t in TABLES.values() if t.fact]


@pytest.mark.parametrize(
    ("fingerprint", "shown"),
    [(0, "~00000000"), (-1, "~ffffffff"), (2**63 - 1, "~7fffffff"), (-(2**63), "~80000000")],
)
def test_pseudonyms_are_the_upper_half(fingerprint: int, shown: str) -> None:
    """Eight hexadecimal digits, whatever the sign."""
    assert pseudonym(fingerprint) == shown
