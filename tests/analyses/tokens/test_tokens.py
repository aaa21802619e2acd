"""Tokens against a plain loop, on every engine, and by hand where a rule has an edge."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.analyses.tokens.tokens import ENDS, tokens
from statetrail.dialects import builtin
from studies.oracle.verdict_oracle import sessions
from support.histories import Ex, Issue, Present, fingerprint, recording, token, use
from support.lives import (
    busy,
    did,
    is_honoured,
    is_in_flight,
    is_late,
    is_refused,
    is_replaced,
    trail_of,
)
from support.plain import Seen, issued, presented
from support.strategies import histories

SERIES = ("client", "origin", "dialect", "param")


def oracle(history: list[Ex], grace: int) -> list[dict[str, Any]]:
    """The table by loops over lists, straight from the descriptions of its columns."""
    issues, uses = issued(history), presented(history)
    edges, owner = trail_of(history, grace), sessions(history)
    rows = []
    for key in sorted({s.key for s in [*issues, *uses]}):
        own = [i for i in issues if i.key == key]
        used = [u for u in uses if u.key == key]
        births, shown = [i.begun for i in own], [u.asked for u in used]
        value = (own or used)[0].value
        after = superseding(key, own, used, issues, owner)
        mine = [e for e in edges if (*(e[n] for n in SERIES), e["from_fingerprint"]) == key]
        late = [u for u in used if is_late(u, issues, grace)]
        ended, ended_us = end(own, used, issues, mine, min(after, default=None))
        rows.append(
            dict(zip((*SERIES, "fingerprint"), key, strict=True))
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
                "uses_in_flight": sum(is_in_flight(u, issues, grace) for u in used),
                "uses_late": len(late),
                "late_honoured": sum(is_honoured(u, issues) for u in late),
                "successors": len({e["to_fingerprint"] for e in mine}),
                "end": ended,
                "ended_at_us": ended_us,
                "left_truncated": not (own and (not used or min(births) < min(shown))),
                "observed_s": (max(births + shown) - min(births + shown)) / 1_000_000,
            }
        )
    return rows


def superseding(
    key: tuple[Any, ...],
    own: list[Seen],
    used: list[Seen],
    issues: list[Seen],
    owner: dict[tuple[int, str], tuple[str | None, str | None]],
) -> list[int]:
    """When responses issued another value to the same session after the last issue had ended."""
    if not own:
        return []
    _, _, last = max((i.end, at, i) for at, i in enumerate(own))
    if key[3] in builtin()[key[2]].session_keys:
        return [u.begun for u in used if is_replaced(u, issues) and u.begun > last.end]
    session = owner[last.id, key[2]][1]
    return [
        i.begun
        for i in issues
        if i.series == key[:4] and owner[i.id, key[2]][1] == session and i.begun > last.end
    ]


def end(
    own: list[Seen],
    used: list[Seen],
    issues: list[Seen],
    edges: list[dict[str, Any]],
    superseded: int | None,
) -> tuple[str, int | None]:
    """How the value ended and when: the first end after which nothing honoured it."""
    alive = max([i.begun for i in own] + [u.begun for u in used if is_honoured(u, issues)] + [-1])
    ends = [
        *((u.begun, 0, "reset") for u in used if u.begun > alive and is_replaced(u, issues)),
        *((u.begun, 1, "rejected") for u in used if u.begun > alive and is_refused(u, issues)),
        *((e["issued_at_us"], 2, "restarted") for e in edges
          if e["cause"] == "restart" and e["issued_at_us"] > alive),
        *((u.begun, 3, "logged-out") for u in used if u.begun >= alive and did(u.ex, "logout")),
        *([] if superseded is None else [(superseded, 4, "rotated")]),
    ]  # fmt: skip
    return (min(ends)[2], min(ends)[0]) if ends else ("open", None)


@settings(max_examples=25, deadline=None)
@given(histories(min_size=12).map(busy), st.sampled_from((0, 1000)))
def test_tokens_are_what_a_plain_loop_finds(history: list[Ex], grace_ms: int) -> None:
    """The vectorised table equals the oracle's on random histories."""
    rec = recording(history, engine="polars", grace_ms=grace_ms)
    assert tokens(rec).rows() == oracle(history, grace_ms * 1000)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=12).map(busy))
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
            "T1", "left_truncated", True,
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


T1 = Ex(0, 10, 20, [token("T1")], [use("1")])


def again(start: float, issued: str | None, shown: str, **more: Any) -> Ex:
    """A ZEST exchange of 20 ms, at /API/V3/Order unless told otherwise."""
    answer = [] if issued is None else [token(issued)]
    more = {"path": "/API/V3/Order"} | more
    return Ex(start, start + 10, start + 20, answer, [use(shown)], **more)


def ticket(start: float, issued: str | None, shown: str | None, **more: Any) -> Ex:
    """A 52eSELLER exchange of 20 ms with a ticket."""
    answer = [] if issued is None else [Issue("Ticket", issued, "header", "forced")]
    asked = [] if shown is None else [Present("Ticket", shown)]
    return Ex(start, start + 10, start + 20, answer, asked, **more)


# Each case: the history, the end of T1, and its uses (in flight, late, late and honoured).
ENDINGS: dict[str, tuple[list[Ex], str, tuple[int, int, int]]] = {
    "never used again": ([T1], "open", (0, 0, 0)),
    "kept": ([T1, again(1000, "T1", "T1")], "open", (0, 0, 0)),
    "answered with another": ([T1, again(1000, "T2", "T1")], "reset", (0, 0, 0)),
    "answered with another, and sent on and on": (
        [T1, again(1000, "T2", "T1"), again(2000, "T2", "T1"), again(3000, "T2", "T1")],
        "reset", (0, 2, 0),
    ),
    "answered with another while a request with it was under way": (
        [T1, again(1000, "T2", "T1"), again(1015, "T2", "T1")], "reset", (1, 0, 0),
    ),
    "used again within the grace period": (
        [T1, again(1000, "T2", "T1"), again(1200, "T2", "T1")], "reset", (1, 0, 0),
    ),
    "a foreign token answered with the one that stands": (
        [Ex(0, 10, 20, [token("T2")], [use("1")]), again(1000, "T2", "T1")],
        "reset", (0, 0, 0),
    ),
    "refused": ([T1, again(1000, None, "T1", status=401)], "rejected", (0, 0, 0)),
    "refused in the words of another server": (
        [T1, again(1000, None, "T1", status=440)], "rejected", (0, 0, 0),
    ),
    "refused a page, but not the session": (
        [T1, again(1000, "T1", "T1", status=403)], "open", (0, 0, 0),
    ),
    "refused once and taken again": (
        [T1, again(1000, None, "T1", status=403), again(2000, "T1", "T1")], "open", (0, 0, 0),
    ),
    "a server error says nothing": ([T1, again(1000, None, "T1", status=500)], "open", (0, 0, 0)),
    "left for a new one": ([T1, again(1000, "T2", "1")], "restarted", (0, 0, 0)),
    "left for a new one and taken up again": (
        [T1, again(1000, "T2", "1"), again(2000, "T1", "T1")], "open", (0, 0, 0),
    ),
    "logged out": (
        [T1, again(1000, "T1", "T1", path="/API/V3/Logout")], "logged-out", (0, 0, 0),
    ),
    "logged out without an answer": (
        [T1, Ex(1000, None, None, presented=[use("T1")], path="/API/V3/Logout")],
        "open", (0, 0, 0),
    ),
    "logged out, and the session goes on": (
        [T1, again(1000, "T1", "T1", path="/API/V3/Logout"), again(2000, "T1", "T1")],
        "open", (0, 0, 0),
    ),
    "another one, to a request without it: a session of its own": (
        [ticket(0, "T1", None), ticket(1000, "T2", None)], "open", (0, 0, 0),
    ),
    "replaced, and still taken": (
        [ticket(0, "T1", None), ticket(1000, "T2", "T1"), ticket(2000, None, "T1")],
        "rotated", (0, 1, 1),
    ),
    "replaced, and an error since": (
        [ticket(0, "T1", None), ticket(1000, "T2", "T1"), ticket(2000, None, "T1", status=400)],
        "reset", (0, 1, 0),
    ),
    "one of two tokens that were refused together": (
        [ticket(0, "T1", None),
         Ex(1000, 1010, 1020, presented=[Present("Ticket", "T1"), Present("VisitorId", "V1")],
            status=401)],
        "open", (0, 0, 0),
    ),
    "refused where it does not belong": (
        [Ex(0, 10, 20, [Issue("Authentication", "T1", "header", "forced")]),
         Ex(1000, 1010, 1020, presented=[Present("Authentication", "T1")], status=403)],
        "open", (0, 0, 0),
    ),
    "refused where it belongs": (
        [Ex(0, 10, 20, [Issue("Authentication", "T1", "header", "forced")]),
         Ex(1000, 1010, 1020, presented=[Present("Authentication", "T1")], status=403,
            path="/services/v3/orders")],
        "rejected", (0, 0, 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("history", "ended", "uses"), ENDINGS.values(), ids=ENDINGS.keys())
def test_how_a_value_ended(history: list[Ex], ended: str, uses: tuple[int, int, int]) -> None:
    """The end of T1, and what became of it after a newer one."""
    rows = tokens(recording(history, engine="polars")).rows()
    (row,) = [r for r in rows if r["fingerprint"] == fingerprint("T1")]
    assert row["end"] == ended
    assert (row["ended_at_us"] is None) is (ended == "open")
    assert (row["uses_in_flight"], row["uses_late"], row["late_honoured"]) == uses


def test_every_end_is_told_by_a_case() -> None:
    """The table of cases shows each end at least once."""
    assert {ended for _, ended, _ in ENDINGS.values()} == set(ENDS)


def test_parallel_requests_give_a_value_several_successors() -> None:
    """A trail that forks stays a graph."""
    history = [T1, again(1000, "T2", "T1"), again(1001, "T3", "T1"), again(1002, "T3", "T1")]
    rows = tokens(recording(history, engine="polars")).rows()
    found = {row["fingerprint"]: row["successors"] for row in rows}
    assert found == {fingerprint("T1"): 2, fingerprint("T2"): 0, fingerprint("T3"): 0}


def test_neither_a_malformed_issue_nor_a_request_for_a_value_is_a_token() -> None:
    """What binds nobody and what asks for a value leave no row."""
    history = [Ex(0, 1, 2, presented=[use("1"), use("")])]
    assert tokens(recording(history, engine="polars")).rows() == []
