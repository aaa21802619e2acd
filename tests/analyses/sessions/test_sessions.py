"""Sessions against a plain walk, on every engine, and by hand what each loss cost."""

from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings

from statetrail.analyses.sessions.chains import BREAKS
from statetrail.analyses.sessions.session_requests import session_requests
from statetrail.analyses.sessions.sessions import session_costs, sessions
from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.analyses.tokens.rotations import CAUSES, rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.frames import Recording
from support.histories import Ex, fingerprint, recording, token, use
from support.lives import busy, did, tells
from support.plain import issued, presented
from support.strategies import histories

SERIES = ("client", "origin", "dialect", "param")
GOES_ON = {"login", "per-request", "periodic", "reissue", "override", "basket"}


def oracle(rec: Recording, history: list[Ex]) -> list[dict[str, Any]]:
    """The table by loops over lists, from the tables of tokens and rotations."""
    moves = sorted(
        (r for r in rotations(rec).rows() if r["param"] == "_session_token"),
        key=lambda r: (r["issued_at_us"], r["exchange_id"], r["to_fingerprint"]),
    )
    lives = [t for t in tokens(rec).rows() if t["param"] == "_session_token"]
    rows = []
    for series in sorted({tuple(t[n] for n in SERIES) for t in lives}):
        own = [m for m in moves if tuple(m[n] for n in SERIES) == series]
        mine = [t for t in lives if tuple(t[n] for n in SERIES) == series]
        names = {t["fingerprint"]: name(t["fingerprint"], own) for t in mine}
        made = requests(history, series, names)
        for session in sorted(set(names.values())):
            done = [(at, ex) for at, ex, held in made if held == session]
            if not done:
                continue
            chain = [t for t in mine if names[t["fingerprint"]] == session]
            chain.sort(key=lambda t: (-newest(t), t["fingerprint"]))
            next_ones = {
                names[m["to_fingerprint"]]
                for m in own
                if m["from_fingerprint"] is not None
                and names[m["from_fingerprint"]] == session != names[m["to_fingerprint"]]
            }
            after = [ex for _, ex, held in made if held in next_ones]
            lost = chain[0]["end"] in ("reset", "rejected", "restarted")
            starts = [round(ex.start * 1000) for _, ex in done]
            rows.append(
                dict(zip(SERIES, series, strict=True))
                | {
                    "session_fingerprint": session,
                    "first_us": min(starts),
                    "last_us": max(starts),
                    "duration_s": (max(starts) - min(starts)) / 1_000_000,
                    "longest_idle_s": max((b - a for a, b in pairwise(sorted(starts))), default=0)
                    / 1_000_000,
                    "clients": 1,
                    "contexts": 0,
                    "tokens": len(chain),
                    "requests": len(done),
                    "cart_writes": sum(did(ex, "cart") for _, ex in done),
                    "logins": sum(did(ex, "login") for _, ex in done),
                    "end": chain[0]["end"],
                    "ended_at_us": chain[0]["ended_at_us"],
                    "cart_writes_lost": gone(session, made) if lost else None,
                    "login_lost": (
                        any(did(ex, "login") for _, ex in done)
                        and not any(did(ex, "login") for ex in after)
                        if lost
                        else None
                    ),
                }
            )
    return rows


def name(value: int, moves: list[dict[str, Any]]) -> int:
    """The session of a token: its own, unless the first sighting of it in the trail renewed one."""
    for at, move in enumerate(moves):
        if move["from_fingerprint"] == value:
            return value
        if move["to_fingerprint"] == value:
            if move["cause"] in GOES_ON and move["from_fingerprint"] is not None:
                return name(move["from_fingerprint"], moves[: at + 1])
            return value
    return value


def newest(life: dict[str, Any]) -> int:
    """When a token was last issued; one never issued: first presented."""
    at: int | None = life["last_issued_us"]
    return life["first_presented_us"] if at is None else at  # type: ignore[no-any-return]


def requests(
    history: list[Ex], series: tuple[str, ...], names: dict[int, int]
) -> list[tuple[int, Ex, int]]:
    """The client's requests that carried a token, with the session that they were made in."""
    made = []
    for at, ex in enumerate(history, 1):
        answers = [
            names[i.fingerprint]
            for i in issued(history)
            if (i.id, i.series) == (at, series) and tells(ex)
        ]
        shown = [p.value for p in ex.presented if p.kind == "value" and p.param == "_session_token"]
        mine = [p for p in presented(history) if (p.id, p.series) == (at, series)]
        if answers:
            made.append((at, ex, min(answers)))
        elif mine:
            made.append((at, ex, names[fingerprint(shown[0])]))
    return made


def gone(session: int, made: list[tuple[int, Ex, int]]) -> int:
    """Cart writes neither ordered nor emptied, with no cart written in a later session."""
    done = sorted(((ex.start, at, ex) for at, ex, held in made if held == session), key=by_start)
    lost = 0
    for start, _, ex in done:
        if not did(ex, "cart") or ex.method == "DELETE":
            continue
        again = any(
            held != session
            and did(other, "cart")
            and other.method != "DELETE"
            and other.start > start
            for _, other, held in made
        )
        ordered = any(settles(other) and at >= start for at, _, other in done)
        lost += not (again or ordered or emptied(start, ex, done))
    return lost


def settles(ex: Ex) -> bool:
    """Whether the request ordered a cart, or left it to the customer's next login."""
    return did(ex, "order") or (did(ex, "logout") and (ex.status or 0) < 300)


def by_start(row: tuple[float, int, Ex]) -> tuple[float, int]:
    """Requests in order."""
    return row[:2]


def emptied(start: float, ex: Ex, done: list[tuple[float, int, Ex]]) -> bool:
    """Whether a removal at the write's path followed it, or one that left no item."""
    items = 0
    for at, _, other in done:
        if did(other, "cart"):
            items += -1 if other.method == "DELETE" else 1
            if other.method == "DELETE" and at >= start and (items <= 0 or other.path == ex.path):
                return True
            items = max(items, 0) if other.method == "DELETE" else items
    return False


@settings(max_examples=20, deadline=None)
@given(histories(min_size=12).map(busy))
def test_sessions_are_what_a_plain_walk_finds(history: list[Ex]) -> None:
    """The vectorised table equals the oracle's on random histories."""
    rec = recording(history, engine="polars")
    costs = session_costs(rec).rows()
    rows = [{name: row[name] for name in SESSIONS.names} for row in costs]
    expected = oracle(rec, history)
    assert [row for row in rows if row["dialect"] == "zest"] == expected
    # Sessions of several clients are one, and nothing else changes.
    joined = [row for row in sessions(rec).rows() if row["dialect"] == "zest"]
    for name in ("requests", "cart_writes", "logins"):
        assert sum(row[name] for row in joined) == sum(row[name] for row in expected)
    assert [row for row in joined if row["clients"] == 1] == [
        row for row in expected if row in joined
    ]
    parts = components(rec, expected)
    assert len(joined) == len(parts)
    assert sorted(row["clients"] for row in joined) == sorted(
        len({row["client"] for row in part}) for part in parts
    )
    # Each request by itself is what was counted.
    counted = Counter[tuple[Any, ...]]()
    for row in session_requests(rec).rows():
        session = tuple(row[f"session_{name}"] for name in ("client", "fingerprint"))
        session += tuple(row[name] for name in SERIES[1:])
        counted[*session, "requests"] += 1
        counted[*session, "cart_writes"] += row["cart_write"]
        counted[*session, "logins"] += row["login"]
    for row in sessions(rec).rows():
        session = (row["client"], row["session_fingerprint"], *(row[n] for n in SERIES[1:]))
        for name in ("requests", "cart_writes", "logins"):
            assert counted.pop((*session, name)) == row[name]
    assert not counted


def components(rec: Recording, rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The sessions that share tokens, directly or by others, by looking at all pairs."""
    moves = sorted(
        (r for r in rotations(rec).rows() if r["param"] == "_session_token"),
        key=lambda r: (r["issued_at_us"], r["exchange_id"], r["to_fingerprint"]),
    )
    held = []
    for row in rows:
        series = tuple(row[n] for n in SERIES)
        own = [m for m in moves if tuple(m[n] for n in SERIES) == series]
        mine = [t for t in tokens(rec).rows() if tuple(t[n] for n in SERIES) == series]
        chain = {t["fingerprint"] for t in mine}
        chain = {t for t in chain if name(t, own) == row["session_fingerprint"]}
        held.append((series[1:], chain, [row]))
    merged = True
    while merged:
        merged = False
        for a, b in combinations(held, 2):
            if a[0] == b[0] and a[1] & b[1]:
                held = [each for each in held if each is not a and each is not b]
                held.append((a[0], a[1] | b[1], a[2] + b[2]))
                merged = True
                break
    return [part for _, _, part in held]


def test_a_session_that_changes_its_network_is_one() -> None:
    """Its first client names it, its last one says how it ended; requests and pauses are counted
    over all."""
    history = [
        FIRST,
        FILL,
        replace(at(5, "T1", "T1"), client="bot"),
        replace(at(9, "T2", "T1", "GET", "Logout"), client="bot"),
    ]
    (row,) = [r for r in sessions(recording(history)).rows() if r["clients"] > 1]
    assert (row["client"], row["session_fingerprint"]) == ("app", fingerprint("T1"))
    assert (row["requests"], row["cart_writes"], row["longest_idle_s"]) == (4, 1, 4.0)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=12).map(busy))
def test_sessions_are_the_same_on_every_engine(history: list[Ex]) -> None:
    """DuckDB and pandas give the rows that Polars gives."""
    expected = sessions(recording(history, engine="polars")).rows()
    assert sessions(recording(history, engine="duckdb")).rows() == expected
    assert sessions(recording(history, engine="pandas")).rows() == expected


def test_every_cause_either_breaks_a_session_or_goes_on() -> None:
    """No cause of a rotation is left undecided."""
    assert {*BREAKS} | GOES_ON == set(CAUSES)


def at(start: float, issued: str | None, shown: str, method: str = "GET", what: str = "Cart",
       **more: Any) -> Ex:  # fmt: skip
    """A ZEST exchange of 20 ms, `start` in seconds."""
    answer = [] if issued is None else [token(issued)]
    begun = start * 1000
    more = {"path": f"/API/V3/{what}", "method": method} | more
    return Ex(begun, begun + 10, begun + 20, answer, [use(shown)], **more)


FIRST = at(0, "T1", "1")
FILL = at(1, "T1", "T1", "POST")
FILL_MORE = at(1.5, "T1", "T1", "POST")
LOGIN = at(2, "T1", "T1", "POST", "Login")
RESET = at(60, "T2", "T1")


@pytest.mark.parametrize(
    ("history", "ended", "writes_lost", "login_lost"),
    [
        pytest.param([FIRST, FILL], "open", None, None, id="a session that goes on"),
        pytest.param([FIRST, RESET], "reset", 0, False, id="an empty session"),
        pytest.param([FIRST, FILL, RESET], "reset", 1, False, id="a full cart"),
        pytest.param(
            [FIRST, FILL, at(1.5, "T1", "T1", "PUT"), RESET], "reset", 2, False,
            id="a cart written twice",
        ),
        pytest.param(
            [FIRST, FILL, RESET, at(61, "T2", "T2", "POST")], "reset", 0, False,
            id="a cart filled again",
        ),
        pytest.param(
            [FIRST, FILL, RESET, at(61, "T2", "T2", "POST", status=500)], "reset", 1, False,
            id="a cart that could not be filled again",
        ),
        pytest.param(
            [FIRST, FILL, RESET, at(61, "T2", "T2", "POST", "Cart/4012")], "reset", 0, False,
            id="the next cart is filled by another path",
        ),
        pytest.param(
            [FIRST, FILL, RESET, at(99, "T3", "T2"), at(100, "T3", "T3", "POST")],
            "reset", 0, False,
            id="a cart filled again only in the session after the next",
        ),
        pytest.param(
            [FIRST, FILL, at(5, "T1", "T1", "DELETE"), RESET], "reset", 0, False,
            id="a cart that the client had emptied itself",
        ),
        pytest.param(
            [FIRST, at(60, "T2", "T1", "POST")], "reset", 0, False,
            id="a write that came with the reset is in the new cart",
        ),
        pytest.param([FIRST, LOGIN, RESET], "reset", 0, True, id="a login"),
        pytest.param(
            [FIRST, LOGIN, RESET, at(61, "T2", "T2", "POST", "Login")], "reset", 0, False,
            id="a login that was repeated",
        ),
        pytest.param(
            [FIRST, at(2, "T1", "T1", "POST", "Login", status=403), RESET], "reset", 0, False,
            id="a login that had failed",
        ),
        pytest.param(
            [FIRST, FILL, at(9, "T2", "1")], "open", None, None,
            id="a new session asked for after the first was used: a new process, no loss",
        ),
        pytest.param(
            [FIRST, at(9, "T2", "1")], "restarted", 0, False,
            id="a session that was left without being used",
        ),
        pytest.param(
            [FIRST, FILL, at(3, "T1", "T1", "POST", "Order"), RESET], "reset", 0, False,
            id="a cart that was ordered",
        ),
        pytest.param(
            [FIRST, FILL, at(5, "T1", "T1", "DELETE", "Cart/77"), RESET], "reset", 0, False,
            id="a cart whose last item was removed",
        ),
        pytest.param(
            [FIRST, FILL, FILL_MORE, at(5, "T1", "T1", "DELETE", "Cart/77"), RESET],
            "reset", 2, False,
            id="a cart in which an item is left",
        ),
        pytest.param(
            [FIRST, FILL, at(9, "T1", "T1", "GET", "Logout")], "logged-out", None, None,
            id="a session that its client ended is not lost",
        ),
        pytest.param(
            [FIRST, FILL, RESET, Ex(60_001, 60_012, 60_030, [token("T3")], [use("T1")],
                                    path="/API/V3/Cart"), at(61, "T3", "T3", "POST")],
            "reset", 0, False,
            id="parallel requests began two sessions, and the cart was filled in one of them",
        ),
    ],
)  # fmt: skip
def test_what_the_end_of_a_session_cost(
    history: list[Ex], ended: str, writes_lost: int | None, login_lost: bool | None
) -> None:
    """The first session's end, and the cart writes and login that went with it."""
    rows = sessions(recording(history, engine="polars")).rows()
    (row,) = [r for r in rows if r["session_fingerprint"] == fingerprint("T1")]
    assert (row["end"], row["cart_writes_lost"], row["login_lost"]) == (
        ended, writes_lost, login_lost,
    )  # fmt: skip


def test_a_token_renewed_at_a_login_is_the_same_session() -> None:
    """The chain goes on, under the name of its first token, and its cart is not lost."""
    history = [FIRST, FILL, at(2, "T2", "T1", "POST", "Login"), at(9, "T2", "T2")]
    (row,) = sessions(recording(history, engine="polars")).rows()
    assert (row["session_fingerprint"], row["tokens"], row["requests"]) == (fingerprint("T1"), 2, 4)
    assert (row["cart_writes"], row["logins"], row["end"]) == (1, 1, "open")
    assert row["duration_s"] == 9.0
