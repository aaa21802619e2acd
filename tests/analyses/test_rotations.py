"""Rotations against a plain loop, on every engine, and by hand where the race rule has an edge."""

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.analyses.rotations import CAUSES, rotations
from support.histories import Ex, Issue, Present, fingerprint, recording, token, use
from support.plain import Seen, issued, presented
from support.strategies import histories

KEY = ("exchange_id", "dialect", "param", "to_fingerprint")


def oracle(history: list[Ex], grace: int) -> list[dict[str, Any]]:
    """The table by loops over lists, straight from the module's prose."""
    issues, uses = issued(history), presented(history)
    rows = []
    for at, issue in enumerate(issues):
        series = [(n, i) for n, i in enumerate(issues) if i.series == issue.series]
        ended = [i for _, i in series if i.end < issue.begun]
        standing = [
            i
            for n, i in series
            if n < at and i.value == issue.value and not any(k.begun > i.end for k in ended)
        ]
        shown = [
            p
            for p in issue.ex.presented
            if (p.dialect, p.param) == issue.series[2:] and p.kind != "empty"
        ]
        values = [p.value for p in shown if p.kind == "value"]
        free = issue.priority == "informational"
        kept = issue.value in values
        if standing or (kept and not free):
            continue
        before = ended[-1].value if ended else None
        if kept:
            cause = "override"
        elif values and (
            not free or any(i.value == values[0] and i.begun <= issue.begun for _, i in series)
        ):
            cause, before = "reset", values[0]
        elif before is None:
            cause = "establish"
        elif any(p.kind == "establish" for p in shown):
            visible = any(i.end + grace < issue.asked for _, i in series)
            cause, before = ("restart", before) if visible else ("establish", None)
        else:
            cause = "reissue"
        own = [s for s in [*issues, *uses] if s.series == issue.series and s.value == before]
        rows.append(
            {
                "exchange_id": issue.id,
                **dict(zip(("client", "origin", "dialect", "param"), issue.series, strict=True)),
                "at_us": issue.begun,
                "from_fingerprint": None if before is None else fingerprint(before),
                "to_fingerprint": issue.fingerprint,
                "cause": cause,
                "idle_s": idle(issue, own),
                "age_s": age(issue, own),
            }
        )
    return sorted(rows, key=lambda row: [row[name] for name in KEY])


def idle(issue: Seen, own: list[Seen]) -> float | None:
    """How long the value before lay unused, where that is known."""
    earlier = [s for s in own if (s.asked, s.id) < (issue.asked, issue.id)]
    last = max((s.end for s in earlier if s.end != inf), default=None)
    lost = max((s.asked for s in earlier if s.end == inf), default=None)
    if last is None or last > issue.asked or (lost is not None and lost >= last):
        return None
    return (issue.asked - last) / 1_000_000


def age(issue: Seen, own: list[Seen]) -> float | None:
    """How old the value before was, where its birth was seen."""
    births = [s for s in own if s.priority is not None]
    uses = [s for s in own if s.priority is None]
    ends = [s.end for s in births]
    if not births or min(ends) > issue.asked:
        return None
    if uses and min(s.begun for s in births) >= min(s.asked for s in uses):
        return None
    return (issue.asked - min(ends)) / 1_000_000


@settings(max_examples=15, deadline=None)
@given(histories(min_size=12), st.sampled_from((0, 1, 1000)))
def test_rotations_are_what_a_plain_loop_finds(history: list[Ex], grace_ms: int) -> None:
    """The vectorised table equals the oracle's on random histories."""
    rec = recording(history, engine="polars", grace_ms=grace_ms)
    assert rotations(rec).rows() == oracle(history, grace_ms * 1000)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=12))
def test_rotations_are_the_same_on_every_engine(history: list[Ex]) -> None:
    """DuckDB and pandas give the rows that Polars gives."""
    expected = rotations(recording(history, engine="polars")).rows()
    assert rotations(recording(history, engine="duckdb")).rows() == expected
    assert rotations(recording(history, engine="pandas")).rows() == expected


FIRST = Ex(0, 10, 20, [token("T1")], [use("1")])
KEPT = Ex(1000, 1010, 1020, [token("T1")], [use("T1")])
LANG = Ex(0, 10, 20, [Issue("LangId", "1")])

# Each case: the history, and its rotations as (exchange, from, to, cause).
CASES: dict[str, tuple[list[Ex], list[tuple[int, str | None, str, str]]]] = {
    "the first value of a client that asked": ([FIRST], [(1, None, "T1", "establish")]),
    "a value that is kept": ([FIRST, KEPT], [(1, None, "T1", "establish")]),
    "a value born before the capture and kept": ([KEPT], []),
    "a value born before the capture and reset": (
        [Ex(0, 10, 20, [token("T1")], [use("T0")])],
        [(1, "T0", "T1", "reset")],
    ),
    "a presented value answered with another": (
        [FIRST, Ex(1000, 1010, 1020, [token("T2")], [use("T1")])],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reset")],
    ),
    "a new value asked for although one was known": (
        [FIRST, Ex(1000, 1010, 1020, [token("T2")], [use("1")])],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "restart")],
    ),
    "two first requests that could not know of each other": (
        [FIRST, Ex(15, 30, 40, [token("T2")], [use("1")])],
        [(1, None, "T1", "establish"), (2, None, "T2", "establish")],
    ),
    "a new value asked for within the grace period": (
        [FIRST, Ex(270, 280, 290, [token("T2")], [use("1")])],
        [(1, None, "T1", "establish"), (2, None, "T2", "establish")],
    ),
    "a new value without the old one presented": (
        [FIRST, Ex(1000, 1010, 1020, [token("T2")])],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reissue")],
    ),
    "parallel requests that each get a new value: the trail forks": (
        [
            FIRST,
            Ex(1000, 1010, 1030, [token("T2")], [use("T1")]),
            Ex(1001, 1040, 1050, [token("T3")], [use("T1")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reset"), (3, "T1", "T3", "reset")],
    ),
    "parallel requests that both get the same new value": (
        [
            FIRST,
            Ex(1000, 1010, 1030, [token("T2")], [use("T1")]),
            Ex(1001, 1011, 1020, [token("T2")], [use("T1")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reset")],
    ),
    "a response under way that repeats the old value is no rotation back": (
        [
            Ex(0, 10, 20, [Issue("Ticket", "T1", "header", "forced")]),
            Ex(1000, 1010, 1030, [Issue("Ticket", "T2", "header", "forced")]),
            Ex(1001, 1015, 1040, [Issue("Ticket", "T1", "header", "forced")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reissue")],
    ),
    "a response begun after the new value had arrived is": (
        [
            Ex(0, 10, 20, [Issue("Ticket", "T1", "header", "forced")]),
            Ex(1000, 1010, 1030, [Issue("Ticket", "T2", "header", "forced")]),
            Ex(1001, 1031, 1040, [Issue("Ticket", "T1", "header", "forced")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reissue"), (3, "T2", "T1", "reissue")],
    ),
    "an old token kept alive by its presentation is no rotation back": (
        [
            FIRST,
            Ex(1000, 1010, 1020, [token("T2")], [use("1")]),
            Ex(2000, 2010, 2020, [token("T1")], [use("T1")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "restart")],
    ),
    "a client's choice that the server takes over": (
        [LANG, Ex(1000, 1010, 1020, [Issue("LangId", "2")], [Present("LangId", "2")])],
        [(1, None, "1", "establish"), (2, "1", "2", "override")],
    ),
    "a client's choice that the server ignores": (
        [LANG, Ex(1000, 1010, 1020, [Issue("LangId", "1")], [Present("LangId", "2")])],
        [(1, None, "1", "establish")],
    ),
    "a client's choice that the server answers with a third value": (
        [LANG, Ex(1000, 1010, 1020, [Issue("LangId", "3")], [Present("LangId", "2")])],
        [(1, None, "1", "establish"), (2, "1", "3", "reissue")],
    ),
    "a choice that another response was just issuing counts as the server's": (
        [
            LANG,
            Ex(1000, 1010, 1020, [Issue("LangId", "3")], [Present("LangId", "2")]),
            Ex(1000, 1010, 1030, [Issue("LangId", "2")]),
        ],
        [(1, None, "1", "establish"), (2, "2", "3", "reset"), (3, "1", "2", "reissue")],
    ),
    "a malformed issue": ([FIRST, Ex(1000, 1010, 1020, [Issue("LangId", "2", problem="no-tail")])],
        [(1, None, "T1", "establish")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("history", "expected"), CASES.values(), ids=CASES.keys())
def test_what_counts_as_a_rotation(
    history: list[Ex], expected: list[tuple[int, str | None, str, str]]
) -> None:
    """Each case gives exactly these rotations, in order."""
    found = [
        (r["exchange_id"], r["from_fingerprint"], r["to_fingerprint"], r["cause"])
        for r in rotations(recording(history, engine="polars")).rows()
    ]
    assert found == [
        (at, None if before is None else fingerprint(before), fingerprint(after), cause)
        for at, before, after, cause in expected
    ]


@pytest.mark.parametrize(
    ("history", "idle_s", "age_s"),
    [
        pytest.param(
            [FIRST, KEPT, Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], 0.98, 1.98,
            id="idle since the last use, aged since the birth",
        ),
        pytest.param(
            [KEPT, Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], 0.98, None,
            id="no age without a birth",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 3000, [token("T1")], [use("T1")]),
             Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], None, 1.98,
            id="not idle while another exchange carries it",
        ),
        pytest.param(
            [FIRST, Ex(1000, None, None, presented=[use("T1")]),
             Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], None, 1.98,
            id="no idle time where nobody knows when the last use ended",
        ),
        pytest.param(
            [FIRST, Ex(20, None, None, presented=[use("T1")]),
             Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], None, 1.98,
            id="nor where that use began the moment another ended",
        ),
    ],
)  # fmt: skip
def test_how_long_the_old_value_had_lain_and_lived(
    history: list[Ex], idle_s: float | None, age_s: float | None
) -> None:
    """The shortest idle time and age that fit, or none where they are not known."""
    row = rotations(recording(history, engine="polars")).rows()[-1]
    assert (row["idle_s"], row["age_s"]) == (idle_s, age_s)


def test_every_cause_is_told_by_a_case() -> None:
    """The table of cases shows each cause at least once."""
    assert {cause for _, rows in CASES.values() for *_, cause in rows} == set(CAUSES)
