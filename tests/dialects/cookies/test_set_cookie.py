"""Fields of cookies: no text breaks the reading, and what is well formed is read as written."""

import doctest
import importlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.dialects.cookies.set_cookie import SetCookie, pairs, parse

OCTETS = st.text(st.characters(max_codepoint=0x1FF) | st.sampled_from(" \t;=,.\x00\x7f\udcff"))
TOKEN = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12)
ATTRIBUTES = st.lists(
    st.sampled_from(["Max-Age", "expires", "Domain", "path", "SameSite", "Secure", "x"]).flatmap(
        lambda name: OCTETS.map(lambda value: f"; {name}={value}")
    ),
    max_size=6,
).map("".join)


@pytest.mark.parametrize("name", ["dates", "scope", "set_cookie"])
def test_the_examples_of_the_documentation(name: str) -> None:
    """They say what they say."""
    module = importlib.import_module(f"statetrail.dialects.cookies.{name}")
    result = doctest.testmod(module)
    assert (result.failed, result.attempted > 0) == (0, True)


@given(OCTETS, ATTRIBUTES)
def test_any_field_is_read(pair: str, attributes: str) -> None:
    """Into a cookie that holds no octet that was not there, or into nothing."""
    cookie = parse(pair + attributes)
    if cookie is None:
        assert not pair.partition(";")[0].strip(" \t=")
    else:
        assert cookie.name in pair
        assert cookie.value in pair
        assert cookie.path is None or cookie.path.startswith("/")


@given(st.lists(st.tuples(TOKEN, TOKEN), max_size=8))
def test_pairs_come_in_order_with_every_repetition(cookies: list[tuple[str, str]]) -> None:
    """As a user agent writes them."""
    assert pairs("; ".join(f"{name}={value}" for name, value in cookies)) == cookies


@given(OCTETS)
def test_a_cookie_is_presented_as_it_was_set(field: str) -> None:
    """What `parse` reads is what `pairs` reads when it comes back."""
    cookie = parse(field.partition(";")[0])
    if cookie is not None and (cookie.name or "=" not in cookie.value):
        sent = f"{cookie.name}={cookie.value}" if cookie.name else cookie.value
        assert pairs(sent) == [(cookie.name, cookie.value)]


def test_all_attributes() -> None:
    """Each in its field."""
    assert parse(
        "id=7; Domain=.Shop.example; Path=/x; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:02 GMT; "
        "Secure; HttpOnly; SameSite=STRICT; Partitioned"
    ) == SetCookie(
        name="id",
        value="7",
        domain="shop.example",
        path="/x",
        max_age_s=60,
        expires_us=2_000_000,
        secure=True,
        http_only=True,
        same_site="strict",
        partitioned=True,
    )


@pytest.mark.parametrize(
    ("attributes", "unclear"),
    [
        ("Max-Age=60", False),
        ("Max-Age=+60", True),
        ("Max-Age=60; Expires=0", False),
        ("Expires=0", True),
        ("Expires=Thu, 01 Jan 1970 00:00:02 GMT; Expires=0", True),
        ("Max-Age=60; Max-Age=x", True),
        ("Max-Age=x; Max-Age=60", False),
        ("Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:02 GMT", False),
        ("Max-Age=60,5; Expires=Thu, 01 Jan 1970 00:00:02 GMT", True),
        ("Expires=soon", False),
        ("Expires=1st Jan 1970 00:00:02", True),
        ("Max-Age=60; Expires=1st Jan 1970 00:00:02", False),
        ("x=0", False),
    ],
)
def test_a_lifetime_that_user_agents_read_differently(attributes: str, *, unclear: bool) -> None:
    """Only where the attribute that decides is the broken one."""
    cookie = parse(f"id=7; {attributes}")
    assert cookie is not None
    assert cookie.lifetime_unclear is unclear


def test_no_lifetime_is_too_long_to_be_counted() -> None:
    """Microseconds fit into 64 bits."""
    cookie = parse("id=7; Max-Age=" + "9" * 1000)
    assert cookie is not None
    assert cookie.max_age_s is not None
    assert cookie.max_age_s * 1_000_000 < 2**63
