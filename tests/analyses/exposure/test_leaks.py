"""Leaked credentials, by hand, the same on every in-process engine."""

from typing import Any

import pytest

from statetrail.analyses.exposure.leaks import leaks
from statetrail.recording.engines import Engine
from support.histories import Ex, Issue, Present, recording, token, use

ENGINES = pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
ADS = "http://ads.example"


def cart(start: float, issued: str | None, shown: str, client: str = "app", **options: Any) -> Ex:
    """A ZEST exchange on the cart."""
    gave = [] if issued is None else [token(issued)]
    return Ex(
        start, start + 10, start + 20, gave, [use(shown)], client, path="/API/V3/Cart", **options
    )


@ENGINES
def test_where_a_token_leaked_to(engine: Engine) -> None:
    """By any place of a later request to another origin, also as state; not where it is known."""
    other = {"host": "ads.example", "path": "/c"}
    history = [
        cart(0, "L", "1"),
        Ex(100, 110, 120, **other, traces=[("referer", "L"), ("query", "L"), ("path", "x")]),
        Ex(200, 210, 220, [], [Present("Ticket", "L")], "bot", **other),
        Ex(5, 6, 7, **other, traces=[("query", "L")]),
        Ex(300, 310, 320, path="/c", traces=[("query", "L")]),
        cart(0, "M", "1"),
        Ex(350, 360, 370, [], [use("M")], host="api.shop.example", path="/API/V3/Cart"),
        cart(0, "L", "1", host="two.example"),
        cart(400, None, "L", host="two.example"),
    ]
    rows = leaks(recording(history, engine=engine)).rows()
    homes = {"http://shop.example", "http://two.example"}
    assert {row["issued_origin"] for row in rows} == homes
    found = {
        (row["exchange_id"], row["client"], row["origin"], row["place"], row["param"])
        for row in rows
    }
    assert found == {
        (2, "app", ADS, "referer", "_session_token"),
        (2, "app", ADS, "query", "_session_token"),
        (3, "bot", ADS, "header", "_session_token"),
    }
    assert len(rows) == len(found) * len(homes)


@ENGINES
def test_nothing_recorded_is_nothing_leaked(engine: Engine) -> None:
    """No row, and no error where a column has no type of its own."""
    assert leaks(recording([], engine=engine)).rows() == []


@ENGINES
@pytest.mark.parametrize(
    ("dialect", "name", "channel"),
    [("cookie", "sid", "cookie"), ("bearer", "access_token", "header")],
)
def test_what_is_good_for_more_than_an_origin_leaks_to_other_sites(
    engine: Engine, dialect: str, name: str, channel: str
) -> None:
    """Not to those where it was issued, or presented in its place."""
    value = "Kp3xW9vTq2LmZ8rYb4GbT2iMws"
    issued = Issue(name, value, "implicit", dialect=dialect, extra={"tells": 1})
    shown = Present(name, value, channel, dialect=dialect)
    there = {"host": "api.other.example", "path": "/v1"}
    history = [
        Ex(0, 10, 20, [issued], host="id.shop.example", path="/token", method="POST"),
        Ex(100, 110, 120, [], [shown], host="www.shop.example", path="/"),
        *([Ex(200, 210, 220, [], [shown], **there)] if dialect == "bearer" else []),
        Ex(300, 310, 320, host="static.shop.example", traces=[("query", value)]),
        Ex(400, 410, 420, **there, traces=[("query", value)]),
        Ex(500, 510, 520, host="ads.test", path="/c", traces=[("referer", value)]),
    ]
    rows = leaks(recording(history, engine=engine)).rows()
    found = {(row["origin"], row["place"], row["issued_origin"]) for row in rows}
    own = {("http://ads.test", "referer", "http://id.shop.example")}
    if dialect == "cookie":
        own.add(("http://api.other.example", "query", "http://id.shop.example"))
    assert found == own
