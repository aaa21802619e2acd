"""Clients against a plain count of their verdicts, on every engine, and by hand."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.dialects import builtin
from statetrail.recording.frames import Recording
from studies.oracle.verdict_oracle import spans
from support.histories import Ex, Issue, Present, recording, token, use
from support.strategies import histories

PATH = "/API/V3/Cart"


def oracle(history: list[Ex], rec: Recording) -> list[dict[str, Any]]:
    """The table by looking at each exchange, and counting the verdicts one by one."""
    issuing = {(ex.host, i.dialect) for ex in history for i in ex.issued}
    sound = {
        (ex.host, ex.path, i.dialect)
        for ex in history
        for i in ex.issued
        if i.problem is None and ex.method != "OPTIONS"
    }
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for ex in history:
        for host, dialect in issuing:
            bound = builtin()[dialect].in_scope(ex.path) or (host, ex.path, dialect) in sound
            if ex.host == host and bound and ex.method != "OPTIONS":
                groups[ex.client, f"http://{host}", dialect].append(round(ex.start * 1000))
    rows = []
    for key, starts in sorted(groups.items()):
        own = [
            row
            for row in verdicts(rec).rows()
            if (row["client"], row["origin"], row["dialect"]) == key
        ]
        honoured = sum(row["verdict"] == "honoured" for row in own)
        faults = sum(row["fault"] for row in own)
        assert all(row["verdict"] in FAULTS for row in own if row["fault"])
        sessions = spans(history, key[0], key[1].removeprefix("http://"), key[2])
        judged = honoured + faults
        rows.append(
            dict(zip(("client", "origin", "dialect"), key, strict=True))
            | {
                "requests": len(starts),
                "sessions": len(sessions),
                "sessions_at_once": max(
                    (sum(a <= at <= b for a, b in sessions) for at, _ in sessions), default=0
                ),
                "judged": judged,
                "honoured": honoured,
                "faults": faults,
                "compliance": honoured / judged if judged else None,
                "first_us": min(starts),
                "last_us": max(starts),
            }
        )
    return rows


@settings(max_examples=15, deadline=None)
@given(histories(min_size=10))
def test_clients_are_counted_from_their_requests_and_verdicts(history: list[Ex]) -> None:
    """The vectorised table equals the oracle's on random histories."""
    rec = recording(history, engine="polars")
    assert clients(rec).rows() == oracle(history, rec)


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
