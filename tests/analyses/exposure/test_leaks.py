"""Leaked credentials, by hand, the same on every in-process engine."""

from typing import Any

import pytest

from statetrail.analyses.exposure.leaks import leaks
from statetrail.recording.engines import Engine
from support.histories import Ex, Present, recording, token, use

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
