"""Frames: names that are made in two ways are the same, and recordings of some clients."""

import os
import subprocess
import sys
from pathlib import Path

import narwhals as nw
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import statetrail
from statetrail.errors import UsageError
from statetrail.recording.engines import Engine
from statetrail.recording.frames import client_expression, origin, origin_expression
from statetrail.schema import CLIENT_BY
from statetrail.store.parquet import client_names
from support.histories import Ex, Issue, Present, recording

WORDS = st.one_of(st.none(), st.text("ab|-/ ", max_size=4))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("http", "https")),
            st.sampled_from(("shop.example", "::1", "127.0.0.1")),
            st.sampled_from((80, 443, 8080)),
        ),
        min_size=1,
    )
)
def test_an_origin_is_written_in_one_way(rows: list[tuple[str, str, int]]) -> None:
    """Row by row and as an expression."""
    columns = dict(zip(("scheme", "host", "port"), zip(*rows, strict=True), strict=True))
    frame = nw.from_native(pa.table(columns), eager_only=True)
    assert frame.select(o=origin_expression())["o"].to_list() == [origin(*row) for row in rows]


@settings(deadline=None)
@given(
    st.lists(st.tuples(WORDS, WORDS), min_size=1),
    st.sampled_from((("peer",), ("user-agent",), ("peer", "user-agent"))),
)
def test_a_client_is_named_in_one_way(
    rows: list[tuple[str | None, str | None]], client_by: tuple[str, ...]
) -> None:
    """By the dataset's writer, which decides on its bucket, and as an expression."""
    names = [CLIENT_BY["peer"], CLIENT_BY["user-agent"]]
    peers, agents = zip(*rows, strict=True)
    table = pa.table(
        [pa.array(peers, pa.string()), pa.array(agents, pa.string())],
        names=names,
    )
    frame = nw.from_native(table, eager_only=True)
    expected = frame.select(client=client_expression(client_by))["client"].to_list()
    assert client_names(table, client_by).to_pylist() == expected


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_a_group_of_clients_is_judged_by_itself(engine: Engine) -> None:
    """Only their exchanges are there, with what these issued and presented."""
    language = Issue("LangId", "1", "uriquery", "forced")
    history = [
        Ex(at, at + 1, at + 2, [language], [Present("LangId", "1", "uriquery")], client=client)
        for at, client in ((0, "a"), (1000, "b"), (2000, "a"), (3000, "c"))
    ]
    whole = recording(history, engine=engine)
    some = whole.only(["c", "a"])
    assert [row["exchange_id"] for row in some.exchanges.rows()] == [1, 3, 4]
    assert {row["client"] for row in statetrail.tokens(some).rows()} == {"a", "c"}
    expected = [row for row in statetrail.verdicts(whole).rows() if row["client"] != "b"]
    assert statetrail.verdicts(some).rows() == expected
    with pytest.raises(UsageError, match="no client 'd'"):
        whole.only(["d"])


def test_no_progress_bar_is_written_where_nobody_looks() -> None:
    """DuckDB draws one under `python -c`, into pipes, too."""
    code = (
        "from support.histories import Ex, recording\n"
        "frame = recording([Ex(0, 1, 2)], engine='duckdb').exchanges.lazy.to_native()\n"
        "print(frame.query('t', \"SELECT current_setting('enable_progress_bar')\").fetchall())"
    )
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    told = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True)
    assert told.stdout == "[(False,)]\n", told.stderr
