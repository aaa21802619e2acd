"""Rotations against a plain loop, on every engine, and by hand where the race rule has an edge."""

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.analyses.events.replacements import SHOWN
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.lifetimes.uses import uses
from statetrail.analyses.tokens.rotations import CAUSES, PROMPT_S, rotations
from statetrail.recording.frames import Recording
from support.histories import Ex, Issue, Present, fingerprint, recording, token, use
from support.lives import busy, did, is_late, trail_of
from support.plain import issued, presented
from support.strategies import histories

PARAM = ("origin", "dialect", "param")


def named(rec: Recording, history: list[Ex]) -> list[dict[str, Any]]:
    """The trail's rows with the causes that the whole recording tells, by loops."""
    policies = {tuple(r[n] for n in PARAM): r for r in expiry(rec).rows()}
    trials = uses(rec).rows()
    grace = rec.grace_us
    rows = []
    for row in trail_of(history, grace):
        param = tuple(row[n] for n in PARAM)
        policy = policies.get(param, {"policy": None, "low_s": None})
        ex = history[row["exchange_id"] - 1]
        mine = [t for t in trials if tuple(t[n] for n in PARAM) == param]
        done = [t for t in mine if t["exclusion"] is None]
        prompt = [
            t for t in done if t["outcome"] == "ended" and (t["idle_high_s"] or 6) <= PROMPT_S
        ]
        late = {
            (u.id, u.fingerprint)
            for u in presented(history)
            if u.series[1:] == param and is_late(u, issued(history), grace)
        }
        overlaps = [
            t
            for t in mine
            if t["outcome"] == "survived" and (t["exchange_id"], t["fingerprint"]) in late
        ]
        low = policy["low_s"] or 0.0
        if row["cause"] == "reset" and (
            policy["policy"] == "idle" and (row["idle_high_s"] or 0) > low
        ):
            row["cause"] = "idle"
        elif row["cause"] == "reset" and (
            policy["policy"] == "age" and (row["age_high_s"] or 0) > low
        ):
            row["cause"] = "periodic" if len(overlaps) >= 3 else "age"
        elif row["cause"] in ("reset", "reissue") and did(ex, "login", "logout"):
            row["cause"] = "login"
        elif (
            row["cause"] == "reset"
            and len({t["fingerprint"] for t in prompt}) >= 3
            and len({t["client"] for t in prompt}) >= 2
            and all(t["outcome"] != "survived" for t in done)
        ):
            row["cause"] = "per-request"
        elif row["cause"] in ("reset", "reissue") and param[2] == "LangId" and did(ex, "cart"):
            row["cause"] = "basket"
        rows.append(row)
    return rows


@settings(max_examples=25, deadline=None)
@given(histories(min_size=12).map(busy), st.sampled_from((0, 1, 1000)))
def test_rotations_are_what_a_plain_loop_finds(history: list[Ex], grace_ms: int) -> None:
    """The vectorised table equals the oracle's on random histories."""
    rec = recording(history, engine="polars", grace_ms=grace_ms)
    assert rotations(rec).rows() == named(rec, history)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=12).map(busy))
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
    "a new value without the old one presented begins a session": (
        [FIRST, Ex(1000, 1010, 1020, [token("T2")])],
        [(1, None, "T1", "establish"), (2, None, "T2", "establish")],
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
            Ex(0, 10, 20, [Issue("LocId", "T1", "header", "forced")]),
            Ex(1000, 1010, 1030, [Issue("LocId", "T2", "header", "forced")]),
            Ex(1001, 1015, 1040, [Issue("LocId", "T1", "header", "forced")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reissue")],
    ),
    "a response begun after the new value had arrived is": (
        [
            Ex(0, 10, 20, [Issue("LocId", "T1", "header", "forced")]),
            Ex(1000, 1010, 1030, [Issue("LocId", "T2", "header", "forced")]),
            Ex(1001, 1031, 1040, [Issue("LocId", "T1", "header", "forced")]),
        ],
        [(1, None, "T1", "establish"), (2, "T1", "T2", "reissue"), (3, "T2", "T1", "reissue")],
    ),
    "an old token kept alive by its presentation is no rotation back": (
        [
            FIRST,
            Ex(1000, 1010, 1020, [token("T2")], [use("1")]),
            Ex(2000, 2010, 2020, [token("T1")], [use("T1")]),
        ],
        [(1, None, "T1", "establish"), (2, None, "T2", "establish")],
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


def world(
    *pauses: float, idle_s: float = inf, age_s: float = inf, once: bool = False, late: bool = False
) -> list[Ex]:
    """Two clients that pause so many seconds between requests; the old token may work once more."""
    history = []
    for client in ("app", "bot"):
        held, now, born, used, number = "1", 0.0, 0.0, 0.0, 0
        for pause in (0.0, *pauses):
            now += pause
            kept = not once and now - used < idle_s and now - born < age_s and held != "1"
            old, used = held, now
            if not kept:
                number, born = number + 1, now
                held = f"{client}-T{number}"
            at = now * 1000
            history.append(Ex(at, at + 10, at + 20, [token(held)], [use(old)], client=client))
            if late and not kept and old != "1":
                at += 900
                history.append(Ex(at, at + 10, at + 20, [token(old)], [use(old)], client=client))
    return history


IDLE = world(*[10] * 9, 60, 60, 10, idle_s=30)
AGE = (*[10] * 6, 30, 25, 10, 30, 25)
BASKET = "/services/v3/baskets/1/state"


@pytest.mark.parametrize(
    ("history", "causes"),
    [
        pytest.param(IDLE, ["idle"] * 4, id="no token that rested longer survived"),
        pytest.param(world(*AGE, age_s=50), ["age"] * 6, id="no older token survived"),
        pytest.param(
            world(*AGE, age_s=50, late=True), ["periodic"] * 6,
            id="no older token survived, but for a moment after the newer one",
        ),
        pytest.param(
            world(1, 1, 1, once=True), ["per-request"] * 6,
            id="no use survived, however prompt",
        ),
        pytest.param(
            world(60, 60, 60, once=True), ["reset"] * 6,
            id="no use survived, but an idle timeout would explain that",
        ),
        pytest.param(
            world(1, 1, 1, once=True)[:4], ["reset"] * 3,
            id="one client is too few to name a policy by",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, [token("T2")], [use("T1")], method="POST",
                       path="/API/V3/Login")],
            ["login"],
            id="the answer to a login",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, [token("T2")], [use("T1")], method="POST",
                       path="/API/V3/Login", status=403)],
            ["reset"],
            id="a login that failed explains nothing",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, [token("T2")], [use("T1")], path="/API/V3/Login")],
            ["reset"],
            id="nor does reading the login page",
        ),
        pytest.param(
            [LANG, Ex(1000, 1010, 1020, [Issue("LangId", "2")], method="PUT", path=BASKET)],
            ["basket"],
            id="a basket was written and the context changed",
        ),
        pytest.param(
            [LANG, Ex(1000, 1010, 1020, [Issue("LangId", "2")], path=BASKET)],
            ["reissue"],
            id="a basket was only read",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, [token("T2")], [use("T1")], method="POST",
                       path="/API/V3/Cart")],
            ["reset"],
            id="a token that changes with a cart write is a session that was over",
        ),
    ],
)  # fmt: skip
def test_why_a_value_was_replaced(history: list[Ex], causes: list[str]) -> None:
    """A cause is named where the whole recording bears it out, and only there."""
    rows = rotations(recording(history, engine="polars")).rows()
    assert [row["cause"] for row in rows if row["cause"] != "establish"] == causes


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
    assert (row["idle_low_s"], row["age_low_s"]) == (idle_s, age_s)


@pytest.mark.parametrize(
    ("history", "idle_high_s", "age_high_s"),
    [
        pytest.param(
            [FIRST, KEPT, Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], 1.01, 2.01,
            id="from the start of a request to the start of this response",
        ),
        pytest.param(
            [FIRST, Ex(1000, 1010, 1020, presented=[use("T1")]),
             Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], 2.01, 2.01,
            id="a request that was not answered with the token may not have been accepted",
        ),
        pytest.param(
            [FIRST, Ex(1000, 2000, 2020, [token("T1")], [use("T1")]),
             Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], 2.01, 2.01,
            id="nor surely before this one, where its response had not begun",
        ),
        pytest.param(
            [Ex(0, 10, 20, [token("T2")], [use("T1")])], None, None,
            id="no bound without an earlier answer",
        ),
        pytest.param(
            [KEPT, Ex(2000, 2010, 2020, [token("T2")], [use("T1")])], 1.01, None,
            id="no oldest age without a birth",
        ),
    ],
)  # fmt: skip
def test_how_long_at_most(
    history: list[Ex], idle_high_s: float | None, age_high_s: float | None
) -> None:
    """The longest idle time and age that fit."""
    row = rotations(recording(history, engine="polars")).rows()[-1]
    assert (row["idle_high_s"], row["age_high_s"]) == (idle_high_s, age_high_s)


def test_every_cause_is_told_by_a_case() -> None:
    """The tables of cases show each cause at least once."""
    shown = {cause for _, rows in CASES.values() for *_, cause in rows}
    assert shown == set(SHOWN)
    assert set(CAUSES) == shown | {"idle", "age", "periodic", "per-request", "login", "basket"}
