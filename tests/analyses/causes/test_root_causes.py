"""Root causes: by hand, by a slow explainer, and the same on every in-process engine."""

from dataclasses import replace
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statetrail.analyses.causes.client_patterns import MIN_CHANCES
from statetrail.analyses.causes.root_causes import ROOT_CAUSES, causes, root_causes
from statetrail.recording.engines import Engine
from studies.oracle.cause_oracle import explain
from studies.simulation.histories import sessions
from support.histories import Ex, Issue, Present, recording, token, use

LONG = "kQ7/aZ+4mP0s=wXy"
OTHER = "Zz9/bY+1nL3t=vUw"
PARAM = "CustomerId"
CROSS = {"request_origin": "https://app.example"}


def issue(start: float, value: str, **extra: Any) -> Ex:
    """A response that issues a customer id."""
    options = {name: extra.pop(name) for name in ("status", "host", "path") if name in extra}
    issued = [Issue(PARAM, value, "header", "forced")]
    return Ex(start, start + 10, start + 20, issued, extra=extra, **options)


def ask(start: float, value: str | None = None, **options: Any) -> Ex:
    """A request that presents a customer id, or none."""
    shown = [] if value is None else [Present(PARAM, value)]
    return Ex(start, start + 10, start + 20, [], shown, **options)


def spoilt(start: float, value: str) -> Ex:
    """A response that issues a customer id in a header that does not parse."""
    return replace(issue(start, ""), issued=[Issue(PARAM, value, problem="no-tail")])


def ticket(value: str) -> Issue:
    """A ticket, which is a session key."""
    return Issue("Ticket", value, "header", "forced")


def cart(start: float, issued: str | None = None, shown: str | None = None, **extra: Any) -> Ex:
    """A ZEST exchange."""
    host = extra.pop("host", "shop.example")
    gave = [] if issued is None else [token(issued)]
    uses = [] if shown is None else [use(shown)]
    at = start + 10, start + 20
    return Ex(start, *at, gave, uses, path="/API/V3/Cart", host=host, extra=extra)


BROKEN = spoilt(500, "x")
FIRST = issue(0, LONG)
KEEPS = [issue(0, LONG), issue(1000, OTHER)]
MENUS = "/services/v3/menus"

CASES: dict[str, tuple[list[Ex], str | None]] = {
    # name: history, cause of the last exchange (None: it has none)
    "percent-encoded": ([FIRST, ask(1000, "kQ7%2FaZ%2B4mP0s%3DwXy")], "encoding-variant"),
    "in quotes": ([FIRST, ask(1000, f'"{LONG}"')], "encoding-variant"),
    "in lower case": ([FIRST, ask(1000, LONG.lower())], "encoding-variant"),
    "another value altogether": ([FIRST, ask(1000, "5")], "unknown"),
    "a variant of what comes later": (
        [FIRST, issue(2000, OTHER), ask(1000, OTHER.lower())],
        "unknown",
    ),
    "cut at the equals sign": ([FIRST, ask(1000, "kQ7/aZ+4mP0s")], "truncated"),
    "cut further behind": ([FIRST, ask(1000, "kQ7/aZ+4mP0s=w")], "truncated"),
    "cut too short to tell": ([FIRST, ask(1000, "kQ7/aZ+4mP")], "unknown"),
    "a malformed value in lower case": (
        [FIRST, spoilt(500, OTHER), ask(1000, OTHER.lower())],
        None,
    ),
    "a malformed value cut": ([FIRST, spoilt(500, OTHER), ask(1000, OTHER[:13])], None),
    "cut, with a malformed one that begins alike": (
        [FIRST, spoilt(500, LONG + ";head"), ask(1000, LONG[:13])],
        None,
    ),
    "another shop's malformed value": (
        [FIRST, replace(spoilt(100, OTHER), host="two.example"), ask(1000, OTHER)],
        "other-origin",
    ),
    "all values begin alike": (
        [FIRST, issue(100, LONG[:12] + "-else"), ask(1000, LONG[:12] + "-mine")],
        "unknown",
    ),
    "another shop's value": (
        [FIRST, issue(100, OTHER, host="two.example"), ask(1000, OTHER)],
        "other-origin",
    ),
    "another client's is not its own": (
        [FIRST, replace(issue(100, OTHER, host="two.example"), client="bot"), ask(1000, OTHER)],
        "unknown",
    ),
    "issued under another path": (
        [issue(0, LONG, path="/a/v3/products"), ask(1000, path="/b/v3/products")],
        "other-origin",
    ),
    "issued under both paths": (
        [issue(0, LONG, path="/a/v3/x"), issue(5, LONG, path="/b/v3/x"), ask(1000, path="/b/v3/y")],
        "unknown",
    ),
    "malformed since": ([FIRST, BROKEN, ask(1000)], None),
    "malformed since, behind an obstacle": (
        [FIRST, issue(100, OTHER, **CROSS), BROKEN, ask(1000, LONG)],
        None,
    ),
    "kept from start-up, malformed since": (
        [*KEEPS, ask(2000, LONG), spoilt(2500, "x"),
         ask(3000, LONG)],
        None,
    ),
    "an old value, for the first time behind a malformed one": (
        [*KEEPS, spoilt(1500, "x"), ask(2000, LONG)],
        None,
    ),
    "nowhere here, malformed since": (
        [FIRST, *(ask(1000 + n, LONG) for n in range(3)),
         *(ask(2000 + n, path=MENUS) for n in range(3)),
         spoilt(2500, "x"), ask(3000, path=MENUS)],
        None,
    ),
    "malformed in a response that was under way": (
        [FIRST, replace(spoilt(300, "x"), ended=520), issue(500, OTHER), ask(1000)],
        None,
    ),
    "malformed in a response that had been cut short": (
        [FIRST, replace(spoilt(300, "x"), ended=None), issue(500, OTHER), ask(1000)],
        "unknown",
    ),
    "malformed before": ([BROKEN, issue(700, LONG), ask(2000)], "unknown"),
    "not exposed to a page": (
        [issue(0, LONG, exposed_headers="x-set-langid", **CROSS), ask(1000)],
        None,
    ),
    "exposed by name": (
        [issue(0, LONG, exposed_headers="x-a,x-set-customerid", **CROSS), ask(1000)],
        "unknown",
    ),
    "exposed by a star, but to no request with cookies": (
        [issue(0, LONG, exposed_headers="*", has_cookies=1, **CROSS), ask(1000)],
        None,
    ),
    "with an image, of which a page reads no header": (
        [issue(0, LONG, fetch_dest="image"), ask(1000)],
        None,
    ),
    "exposed by a star": ([issue(0, LONG, exposed_headers="*", **CROSS), ask(1000)], "unknown"),
    "exposed once before": (
        [FIRST, issue(100, LONG, **CROSS), ask(1000)],
        "unknown",
    ),
    "exposed too late": (
        [issue(0, LONG, **CROSS), Ex(800, 810, 900, [Issue(PARAM, LONG)]), ask(1000)],
        None,
    ),
    "of no age": ([issue(0, LONG, age_s=0), ask(1000)], "unknown"),
    "shared by a cache": ([issue(0, LONG, cache_control="public"), ask(1000)], "unknown"),
    "kept by a private cache": (
        [issue(0, LONG, cache_control="private,s-maxage=60"), ask(1000)],
        "unknown",
    ),
    "of some age, which binds nobody": ([FIRST, issue(200, OTHER, age_s=7), ask(1000)], "unknown"),
    "hidden before an error that binds nobody": (
        [FIRST, issue(200, OTHER, **CROSS), issue(400, LONG, status=500), ask(1000)],
        "unknown",
    ),
    "clear in an earlier run": (
        [FIRST, issue(200, OTHER), issue(400, LONG, **CROSS), ask(1000, OTHER)],
        None,
    ),
    "hidden, yet presented since": (
        [issue(0, LONG, **CROSS), issue(200, LONG, **CROSS), ask(500, LONG), ask(1000)],
        None,
    ),
    "hidden, presented in an earlier run": (
        [FIRST, ask(300, LONG), issue(400, OTHER), issue(600, LONG, **CROSS), ask(1000, OTHER)],
        None,
    ),
    "old value kept, new one hidden": (
        [FIRST, issue(500, OTHER, **CROSS), ask(1000, LONG)],
        None,
    ),
    "kept from start-up": ([*KEEPS, ask(2000, LONG)], "until-first-rotation"),
    "it has moved on once": (
        [*KEEPS, ask(2000, OTHER), ask(3000, LONG)],
        "unknown",
    ),
    "obeyed elsewhere": (
        [FIRST, *(ask(1000 + n, LONG) for n in range(3)),
         *(ask(2000 + n, path=MENUS) for n in range(3))],
        "some-endpoints",
    ),
    "forgotten now and then": (
        [FIRST, *(ask(1000 + n, LONG) for n in range(3)), ask(2000, LONG, path=MENUS),
         *(ask(2001 + n, path=MENUS) for n in range(3))],
        "unknown",
    ),
    "never": ([FIRST, *(ask(1000 + n) for n in range(MIN_CHANCES))], "not-implemented"),
    "not often enough to say never": (
        [FIRST, *(ask(1000 + n) for n in range(MIN_CHANCES - 1))],
        "unknown",
    ),
    "never, of what may be cached": (
        [issue(0, LONG, cache_control="public"), *(ask(1000 + n) for n in range(MIN_CHANCES))],
        "not-implemented",
    ),
    "never of its own accord, now behind a malformed one": (
        [FIRST, *(ask(1000 + n) for n in range(MIN_CHANCES)), spoilt(1500, "x"),
         ask(2000)],
        None,
    ),
    "never, mostly behind malformed ones": (
        [FIRST, *(ask(300 + n) for n in range(MIN_CHANCES - 2)), BROKEN,
         *(ask(1000 + n) for n in range(MIN_CHANCES))],
        None,
    ),
    "never, mostly behind an obstacle": (
        [issue(0, LONG, **CROSS), *(ask(500 + n) for n in range(MIN_CHANCES)), issue(1000, OTHER),
         ask(2000)],
        "unknown",
    ),
    "always the wrong channel": (
        [FIRST, *(replace(ask(1000 + n), presented=[Present(PARAM, LONG, "uriquery")])
                  for n in range(MIN_CHANCES))],
        "unknown",
    ),
    "always a step behind": (
        [FIRST, *(step for n in range(1, 7)
                  for step in (issue(1000 * n, f"v{n}"), ask(1000 * n + 500, f"v{n - 1}")))],
        "unknown",
    ),
    "always a value of its own": (
        [FIRST, *(ask(1000 + n, "5") for n in range(MIN_CHANCES))],
        "not-implemented",
    ),
    "the wrong channel of a hidden value": (
        [issue(0, LONG, **CROSS),
         replace(ask(1000), presented=[Present(PARAM, LONG, "uriquery")])],
        None,
    ),
    "an obedient client": ([FIRST, ask(1000, LONG)], None),
    "an override": (
        [replace(FIRST, issued=[Issue(PARAM, LONG)]), ask(1000, OTHER)],
        None,
    ),
    "an override by a variant": (
        [replace(FIRST, issued=[Issue(PARAM, LONG)]), ask(1000, LONG.lower())],
        "encoding-variant",
    ),
    "a foreign token": ([cart(0, shown=LONG)], None),
    "a mangled token": ([cart(0, LONG), cart(1000, shown=LONG.lower())], "encoding-variant"),
    "a token of another shop": (
        [cart(0, LONG, host="two.example"), cart(1000, shown=LONG)],
        "other-origin",
    ),
    "a token kept after its answer": (
        [cart(0, LONG), cart(1000, OTHER, LONG), cart(2000, shown=LONG)],
        "until-first-rotation",
    ),
    "a token kept by one of two sessions": (
        [cart(0, LONG), cart(10, "U1"), cart(1000, OTHER, LONG), cart(1010, "U2", "U1"),
         cart(2000, "U2", "U2"), cart(2010, shown=LONG)],
        "until-first-rotation",
    ),
    "a token whose successor a shared cache may have kept": (
        [cart(0, LONG), cart(1000, OTHER, LONG), cart(2000, OTHER, OTHER),
         cart(3000, LONG, "1"), cart(4000, "V", LONG, cache_control="public"),
         cart(5000, shown=LONG)],
        "unknown",
    ),
    "hidden from another session": (
        [replace(FIRST, issued=[ticket("A"), *FIRST.issued]),
         replace(issue(500, OTHER, **CROSS), presented=[Present("Ticket", "B")]),
         replace(ask(1000), presented=[Present("Ticket", "A")])],
        "unknown",
    ),
    "hidden from this session": (
        [replace(issue(0, LONG, **CROSS), issued=[ticket("A"), *FIRST.issued]),
         replace(issue(500, OTHER), presented=[Present("Ticket", "B")]),
         replace(ask(1000), presented=[Present("Ticket", "A")])],
        None,
    ),
    "a variant of another session's value": (
        [replace(FIRST, issued=[ticket("A"), *FIRST.issued]),
         replace(issue(500, OTHER), issued=[ticket("B"), Issue(PARAM, OTHER, "header", "forced")]),
         replace(ask(1000, OTHER.lower()),
                 presented=[Present("Ticket", "A"), Present(PARAM, OTHER.lower())])],
        "unknown",
    ),
}  # fmt: skip


@cache
def explained(engine: Engine) -> dict[int, str]:
    """The causes of all cases at once, each with clients and origins of its own."""
    history = [
        replace(ex, client=f"{name}: {ex.client}", host=f"{number}.{ex.host}")
        for number, (name, (exchanges, _)) in enumerate(CASES.items())
        for ex in exchanges
    ]
    return {row["exchange_id"]: row["cause"] for row in rows(history, engine)}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_the_cause_of_the_last_request(name: str, engine: Engine) -> None:
    """Each cause where it holds, and none where it nearly does, on every engine."""
    ends = dict(zip(CASES, accumulate(len(h) for h, _ in CASES.values()), strict=True))
    assert explained(engine).get(ends[name]) == CASES[name][1]


def rows(history: list[Ex], engine: Engine = "duckdb") -> list[dict[str, Any]]:
    """The causes of single faults."""
    return causes(recording(history, engine=engine)).rows()


VALUES = ("a", "A", LONG, LONG.lower(), LONG[:12], OTHER)


@st.composite
def exchanges(draw: st.DrawFn) -> Ex:
    """An exchange of a client that nearly obeys with a server that nearly makes it possible."""
    start = draw(st.integers(0, 40)) * 500
    zest = draw(st.booleans())
    shown = draw(st.none() | st.sampled_from(VALUES))
    value = draw(st.none() | st.sampled_from(VALUES))
    problem = draw(st.sampled_from((None, None, None, "no-tail")))
    usage = draw(st.sampled_from(("header", "header", "uriquery", "implicit")))
    priority = draw(st.sampled_from(("forced", "informational")))
    param = draw(st.sampled_from(("Ticket", PARAM, PARAM)))
    issued = token(value or "") if zest else Issue(param, value or "", usage, priority)
    presented = use(shown or "") if zest else Present(param, shown or "")
    # The key beside it: some customer ids belong to a session.
    key = draw(st.sampled_from((None, None, "A", "B"))) if param == PARAM and not zest else None
    keys = draw(st.sampled_from(("issued", "presented"))) if key else ""
    return Ex(
        start,
        start + draw(st.sampled_from((0, 10, 400))),
        draw(st.sampled_from((start + 400, start + 450, None))),
        [
            *([ticket(key)] if key and keys == "issued" else []),
            *([] if value is None else [replace(issued, problem=problem)]),
        ],
        [
            *([Present("Ticket", key)] if key and keys == "presented" else []),
            *([] if shown is None else [presented]),
        ],
        client=draw(st.sampled_from(("app", "app", "app", "bot"))),
        path=draw(st.sampled_from(("/a/API/V3/x", "/API/V3/x") if zest else ("/a/v3/x", "/v3/x"))),
        host=draw(st.sampled_from(("one.example", "one.example", "two.example"))),
        status=draw(st.sampled_from((200, 200, 200, 200, 302, 304, 500))),
        extra=draw(
            st.sampled_from(
                ({}, {}, {}, CROSS, {"age_s": 3}, {"cache_control": "public"},
                 CROSS | {"exposed_headers": "x-set-customerid"}, CROSS | {"exposed_headers": "*"},
                 CROSS | {"exposed_headers": "*", "has_cookies": 1}, {"fetch_dest": "image"})
            )
        ),
    )  # fmt: skip


def hindered(chance: Random) -> list[Ex]:
    """Senders with a session or several, at a server that hides some of what it issues."""
    extras = ({}, {}, CROSS, {"cache_control": "public"})
    # The slow explainer does not know which of several values was judged.
    return [
        replace(
            ex,
            presented=[*{p.param: p for p in ex.presented}.values()],
            extra=ex.extra | chance.choice(extras),
        )
        for ex in sessions(chance, most=40)
    ]


HISTORIES = st.lists(exchanges(), max_size=30) | st.randoms(use_true_random=False).map(hindered)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, st.sampled_from(("polars", "polars", "duckdb", "pandas")))
def test_the_causes_are_those_of_a_slow_explainer(history: list[Ex], engine: Engine) -> None:
    """Whatever happened, on every engine."""
    found = {
        (row["exchange_id"], row["dialect"], row["param"]): (row["verdict"], row["cause"])
        for row in rows(history, engine)
    }
    assert found == explain(history, 250)


def test_the_table_counts_each_fault_once() -> None:
    """One row per verdict and cause, with its times, where it was, and little evidence."""
    history = [FIRST, *(ask(1000 * n, path=f"{MENUS}/{n % 12}") for n in range(1, 31))]
    (row,) = root_causes(recording(history)).rows()
    assert (row["verdict"], row["cause"], row["count"]) == ("omitted", "not-implemented", 30)
    assert (row["first_us"], row["last_us"]) == (1_000_000, 30_000_000)
    assert row["confidence"] == ROOT_CAUSES["not-implemented"]
    assert row["evidence"] == ",".join(str(n) for n in range(2, 22))
    assert row["endpoints"].endswith(",…")
    assert row["endpoints"].count(",") == 10


def test_an_empty_recording_has_no_causes() -> None:
    """No row, and no error where a column has no type of its own."""
    for engine in ("duckdb", "pandas", "polars"):
        assert root_causes(recording([], engine=engine)).rows() == []
