"""Frames: names that are made in two ways are the same, and recordings of some clients."""

import os
import subprocess
import sys
from pathlib import Path

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import statetrail
from statetrail.errors import UsageError
from statetrail.recording.conversations import origin
from statetrail.recording.engines import Engine
from statetrail.recording.frames import Frame
from statetrail.recording.origins import origin_expression
from statetrail.schema import pseudonym
from statetrail.store.clients import client_expression
from support.histories import Ex, Issue, Present, recording


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


@pytest.mark.parametrize(
    ("client_by", "name"),
    [
        pytest.param(("peer",), "-", id="empty"),
        pytest.param(("user-agent",), "a/b", id="bar"),
        pytest.param(("peer", "user-agent", "proxy-user"), "- | a/b | -", id="missing"),
    ],
)
def test_a_client_is_named_by_its_attributes(client_by: tuple[str, ...], name: str) -> None:
    """A missing or empty one is a dash, and no attribute holds the bar that joins them."""
    row: dict[str, list[str | None]] = {"peer": [""], "user_agent": ["a|b"], "proxy_user": [None]}
    table = pa.table({column: pa.array(values, pa.string()) for column, values in row.items()})
    frame = nw.from_native(table, eager_only=True)
    assert frame.select(client=client_expression(client_by))["client"].to_list() == [name]


def test_a_notebook_shows_pseudonyms_and_inert_text() -> None:
    """As the reports write them; no formula is drawn and no direction changed."""
    name = r"$\href{http://evil}{x}$\N{RIGHT-TO-LEFT OVERRIDE}<b>"
    issue = Issue("LangId", "1", "uriquery", "forced")
    rec = recording([Ex(0, 10, 20, client=name, issued=[issue])])
    (row,) = rec.issued.rows()
    html = rec.issued._repr_html_()
    assert pseudonym(row["fingerprint"]) in html
    assert str(row["fingerprint"]) not in html
    shown = rec.exchanges._repr_html_()
    assert shown.startswith('<div class="tex2jax_ignore mathjax_ignore">')
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
def test_a_notebook_gets_twenty_rows_and_their_number(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones by the key, on each engine; the others are not brought to Python."""
    issue = Issue("LangId", "1", "uriquery", "forced")
    history = [Ex(at, at + 1, at + 2, [issue], client=f"c{-at % 7}") for at in range(0, 900, 30)]
    frame = recording(history, engine=engine).issued
    rows = frame.rows()
    assert len(frame) == len(rows) == 30
    assert frame.head(3).rows() == rows[:3]
    assert len(frame.head(40)) == 30
    brought = []
    whole = Frame.to_arrow
    monkeypatch.setattr(Frame, "to_arrow", lambda one: brought.append(len(one)) or whole(one))
    html = frame._repr_html_()
    assert brought == [20]
    assert html.count("<tr>") == 21
    assert "the first 20 of 30 rows" in html
    with pytest.raises(UsageError, match="-1 is no number of rows"):
        frame.head(-1)


def test_polars_gets_what_pandas_gets() -> None:
    """The same columns and values; pseudonyms are texts where they are asked for."""
    issues = [Issue("LangId", value, "uriquery", "forced") for value in ("1", "2")]
    rec = recording([Ex(at * 9, at * 9 + 1, None, [issues[at % 2]]) for at in range(4)])
    for frame in (rec.exchanges, rec.issued, statetrail.rotations(rec)):
        pandas = frame.to_pandas(pseudonyms=True)
        polars = frame.to_polars(pseudonyms=True)
        assert polars.columns == list(pandas.columns)
        for name in polars.columns:
            expected = [None if pd.isna(value) else value for value in pandas[name]]
            assert polars[name].to_list() == expected, name
    known = [pseudonym(row["to_fingerprint"]) for row in statetrail.rotations(rec).rows()]
    assert list(pandas["to_fingerprint"]) == known
    assert frame.to_pandas()["to_fingerprint"].dtype == "Int64"


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
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
