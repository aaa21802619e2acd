"""Breakdowns: verdicts by endpoint, rotations by hour, carts by version."""

import doctest
from collections.abc import Sequence

import pytest

import statetrail as st
from statetrail.analyses.breakdowns import products
from statetrail.analyses.breakdowns.tables import (
    CARTS_BY_VERSION,
    ROTATIONS_BY_HOUR,
    VERDICTS_BY_ENDPOINT,
)
from statetrail.recording.engines import Engine
from statetrail.recording.frames import Recording
from support.histories import Ex, Present, recording, token, use

HOUR = 3_600_000
CART, COUPON = "/API/V3/Cart", "/API/V3/Cart/Coupon"
HELD = {"t/1": "AAAAAAAAAAAA", "t/2": "BBBBBBBBBBBB"}


def visits(client: str, begin: int) -> list[Ex]:
    """A session with a cart; then a coupon; an hour later the token is lost."""
    held, other = HELD[client], HELD[client].lower()

    def made(
        at: int, path: str, issues: str, presents: Sequence[Present], method: str = "GET"
    ) -> Ex:
        at, issued = begin + at, [token(issues)] if presents else []
        return Ex(at, at + 10, at + 20, issued, presents, client, method, path)

    return [
        made(0, CART, held, [use("1")]),
        made(1000, CART, held, [use(held)], "POST"),
        made(2000, COUPON, held, [use(held)]),
        # The second release loses the token here.
        made(3000, COUPON, held, [use(held)] if client == "t/1" else [], "POST"),
        made(4000, CART, held, [use(held)]),
        made(HOUR, CART, other, [use(held)]),
    ]


def world(engine: Engine) -> Recording:
    """Both releases, one after the other."""
    return recording([*visits("t/1", 0), *visits("t/2", 10_000)], engine=engine)


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_each_breakdown_counts_what_happened(engine: Engine) -> None:
    """The endpoint where the token is dropped, the hour in which it was reset, who lost carts."""
    rec = world(engine)
    series = ("http://shop.example", "zest", "_session_token")
    assert [tuple(row.values()) for row in st.verdicts_by_endpoint(rec).rows()] == [
        (series[0], CART, *series[1:], 6, 6, 0, 1.0, 0, 0, 0, 2),
        (series[0], COUPON, *series[1:], 4, 3, 1, 0.75, 1, 0, 1, 0),
    ]
    assert [tuple(row.values()) for row in st.rotations_by_hour(rec).rows()] == [
        (*series, 0, 8, 2, 0, 0, 2),
        (*series, HOUR * 1000, 2, 2, 2, 2, 0),
    ]
    assert [tuple(row.values()) for row in st.carts_by_version(rec).rows()] == [
        ("t", "1", *series, 1, 2, 1, 1, 2, 0),
        ("t", "2", *series, 1, 2, 1, 1, 1, 0),
    ]
    requests = st.session_requests(rec).rows()
    assert [row["cart_write"] for row in requests].count(True) == 3


def test_an_empty_recording_has_empty_breakdowns() -> None:
    """With the columns of their tables."""
    rec = recording([])
    for table in (VERDICTS_BY_ENDPOINT, ROTATIONS_BY_HOUR, CARTS_BY_VERSION):
        rows = getattr(st, table.name)(rec).to_arrow()
        assert (rows.num_rows, rows.schema) == (0, table.arrow)


def test_programs_are_named_as_their_field_says() -> None:
    """The examples are true; what is no product is none."""
    assert doctest.testmod(products) == (0, 3)
    assert products.product("(only a comment)") == ("", "")
    assert products.product("Mozilla/5.0") == ("Mozilla", "5.0")
