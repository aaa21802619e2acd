"""Clients against a plain count of their verdicts, on every engine, and by hand."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings

from statetrail.analyses.clients import clients
from statetrail.analyses.verdicts import FAULTS, verdicts
from statetrail.frames import Recording
from support.histories import Ex, Issue, Present, recording, token, use
from support.strategies import histories

PATH = "/API/V3/Cart"


def oracle(rec: Recording) -> list[dict[str, Any]]:
    """The table by counting the verdicts one by one."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in verdicts(rec).rows():
        groups[row["client"], row["origin"], row["dialect"]].append(row)
    rows = []
    for key, own in sorted(groups.items()):
        honoured = sum(row["verdict"] == "honoured" for row in own)
        faults = sum(row["verdict"] in FAULTS for row in own)
        judged = honoured + faults
        rows.append(
            dict(zip(("client", "origin", "dialect"), key, strict=True))
            | {
                "requests": len({row["exchange_id"] for row in own}),
                "judged": judged,
                "honoured": honoured,
                "faults": faults,
                "compliance": honoured / judged if judged else None,
                "first_us": min(row["at_us"] for row in own),
                "last_us": max(row["at_us"] for row in own),
            }
        )
    return rows


@settings(max_examples=15, deadline=None)
@given(histories(min_size=10))
def test_clients_are_counted_from_their_verdicts(history: list[Ex]) -> None:
    """The vectorised table equals the oracle's on random histories."""
    rec = recording(history, engine="polars")
    assert clients(rec).rows() == oracle(rec)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=10))
def test_clients_are_the_same_on_every_engine(history: list[Ex]) -> None:
    """DuckDB and pandas give the rows that Polars gives."""
    expected = clients(recording(history, engine="polars")).rows()
    assert clients(recording(history, engine="duckdb")).rows() == expected
    assert clients(recording(history, engine="pandas")).rows() == expected


FIRST = Ex(0, 10, 20, [token("T1")], [use("1")], path=PATH)
LANG = Ex(0, 10, 20, [Issue("LangId", "1")])


@pytest.mark.parametrize(
    ("history", "judged", "faults", "compliance"),
    [
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, [token("T1")], [use("T1")], path=PATH)], 1, 0, 1.0,
            id="obedient",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, [token("T1")], [use("T1")], path=PATH),
             Ex(2000, 2010, 2020, path=PATH)], 2, 1, 0.5,
            id="one token dropped of two",
        ),
        pytest.param(
            [LANG, Ex(1000, 1010, 1020, presented=[Present("LangId", "2")])], 0, 0, None,
            id="a legal override is in neither number",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, presented=[use("T0")], path=PATH)], 0, 0, None,
            id="nor is a token from before the capture",
        ),
    ],
)  # fmt: skip
def test_what_counts_for_compliance(
    history: list[Ex], judged: int, faults: int, compliance: float | None
) -> None:
    """Each history gives its only client this numerator and denominator."""
    (row,) = clients(recording(history, engine="polars")).rows()
    assert (row["judged"], row["faults"], row["compliance"]) == (judged, faults, compliance)
