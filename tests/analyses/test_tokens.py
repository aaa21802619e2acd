"""Tokens against a plain loop, on every engine, and by hand where a rule has an edge."""

from typing import Any

import pytest
from hypothesis import given, settings

from statetrail.analyses.tokens import tokens
from support.histories import Ex, fingerprint, recording, token, use
from support.plain import issued, presented
from support.strategies import histories


def oracle(history: list[Ex]) -> list[dict[str, Any]]:
    """The table by loops over lists, straight from the descriptions of its columns."""
    issues, uses = issued(history), presented(history)
    rows = []
    for key in sorted({s.key for s in [*issues, *uses]}):
        own = [i for i in issues if i.key == key]
        used = [u for u in uses if u.key == key]
        births, shown = [i.begun for i in own], [u.asked for u in used]
        value = (own or used)[0].value
        ends = max((i.end for i in own), default=None)
        after = [
            i.begun for i in issues if ends is not None and i.series == key[:4] and i.begun > ends
        ]
        rows.append(
            dict(zip(("client", "origin", "dialect", "param", "fingerprint"), key, strict=True))
            | {
                "value": value,
                "length": len(value) if own else None,
                "alphabet": "hex" if own else None,
                "issues": len(own),
                "uses": len(used),
                "first_issued_us": min(births, default=None),
                "last_issued_us": max(births, default=None),
                "first_presented_us": min(shown, default=None),
                "last_presented_us": max(shown, default=None),
                "superseded_us": min(after, default=None),
                "birth_seen": bool(own) and (not used or min(births) < min(shown)),
                "observed_s": (max(births + shown) - min(births + shown)) / 1_000_000,
            }
        )
    return rows


@settings(max_examples=15, deadline=None)
@given(histories(min_size=12))
def test_tokens_are_what_a_plain_loop_finds(history: list[Ex]) -> None:
    """The vectorised table equals the oracle's on random histories."""
    assert tokens(recording(history, engine="polars")).rows() == oracle(history)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=12))
def test_tokens_are_the_same_on_every_engine(history: list[Ex]) -> None:
    """DuckDB and pandas give the rows that Polars gives."""
    expected = tokens(recording(history, engine="polars")).rows()
    assert tokens(recording(history, engine="duckdb")).rows() == expected
    assert tokens(recording(history, engine="pandas")).rows() == expected


@pytest.mark.parametrize(
    ("history", "value", "column", "expected"),
    [
        pytest.param(
            [Ex(0, 1, 2, [token("T1")]), Ex(3, 4, 5, [token("T2")], [use("T1")])],
            "T1", "superseded_us", 4000,
            id="superseded by a response that began after its own had ended",
        ),
        pytest.param(
            [Ex(0, 1, 9, [token("T1")]), Ex(3, 4, 5, [token("T2")])],
            "T1", "superseded_us", None,
            id="not superseded by a response under way at the same time",
        ),
        pytest.param(
            [Ex(0, 1, 4, [token("T1")]), Ex(3, 4, 5, [token("T2")])],
            "T1", "superseded_us", None,
            id="not superseded by a response that began the moment its own ended",
        ),
        pytest.param(
            [Ex(0, 1, None, [token("T1")]), Ex(3, 4, 5, [token("T2")])],
            "T1", "superseded_us", None,
            id="a response that never ended supersedes nothing and is not superseded",
        ),
        pytest.param(
            [Ex(0, 1, 2, [token("T1")], [use("T1")])],
            "T1", "birth_seen", False,
            id="a value answered with itself was born before",
        ),
        pytest.param(
            [Ex(0, 1, 2, presented=[use("T1")])],
            "T1", "length", None,
            id="the length of a value never issued is not known",
        ),
        pytest.param(
            [Ex(0, 1, 2, presented=[use("T1"), use("T1")])],
            "T1", "uses", 1,
            id="a value repeated in one request is used once",
        ),
    ],
)  # fmt: skip
def test_the_life_of_one_value(
    history: list[Ex], value: str, column: str, expected: object
) -> None:
    """Each edge of a column's rule, by hand."""
    rows = tokens(recording(history, engine="polars")).rows()
    (row,) = [r for r in rows if r["fingerprint"] == fingerprint(value)]
    assert row[column] == expected


def test_neither_a_malformed_issue_nor_a_request_for_a_value_is_a_token() -> None:
    """What binds nobody and what asks for a value leave no row."""
    history = [Ex(0, 1, 2, presented=[use("1"), use("")])]
    assert tokens(recording(history, engine="polars")).rows() == []
