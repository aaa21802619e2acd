"""The built-in dialects hold what the protocols say, and paths are compared as they mean."""

import re

import msgspec
import pytest

from statetrail.dialects import Dialect, builtin

ZEST, ESELLER52 = (builtin()[name] for name in ("zest", "52eseller"))


@pytest.mark.parametrize(
    ("dialect", "path", "inside"),
    [
        (ZEST, "/API/V3/BrowseCategory/00411", True),
        (ZEST, "/any/prefix/API/V3/Cart", True),
        (ZEST, "/API/V3", True),
        (ZEST, "API/V3/Cart", True),
        (ZEST, "/api/v3/Cart", False),
        (ZEST, "/API/V2/Cart", False),
        (ZEST, "/API/x/V3/Cart", False),
        (ZEST, "/XAPI/V3/Cart", False),
        (ZEST, "/API/V3x/Cart", False),
        (ZEST, "/V3/API", False),
        (ZEST, "", False),
        (ESELLER52, "/services/v3/baskets", True),
        (ESELLER52, "/services/V3/baskets", False),
        (ESELLER52, "/services/v30", False),
    ],
)
def test_scope(dialect: Dialect, path: str, inside: bool) -> None:
    """A request is in scope where the path has the segments, whole and in a row."""
    assert dialect.in_scope(path) is inside


def test_authentication_goes_only_where_it_is_allowed() -> None:
    """`X-Authentication` is for baskets, favorites and orders; all else is for every request."""
    assert ESELLER52.allows("Authentication", "/services/v3/Baskets/{id}/state")
    assert ESELLER52.allows("Authentication", "/services/v3/favorites")
    assert not ESELLER52.allows("Authentication", "/services/v3/products")
    assert ESELLER52.allows("Ticket", "/services/v3/products")
    assert ESELLER52.allows("Unheard", "/services/v3/products")


@pytest.mark.parametrize(
    ("param", "path", "own"),
    [
        ("CurrId", "/services/v3/Baskets/{id}", True),
        ("CurrId", "/services/v3/baskets", True),
        ("CurrId", "/services/v3/baskets/{id}/state", False),
        ("CurrId", "/services/v3/baskets/{id}/lines/state", True),
        ("CounId", "/services/v3/baskets/{id}/state", True),
        ("CounId", "/services/v3/baskets/{id}/sellTo", False),
        ("Unheard", "/services/v3/baskets/{id}/shipto", False),
        ("CurrId", "/services/v3/products", False),
    ],
)
def test_a_basket_keeps_its_state(param: str, path: str, own: bool) -> None:
    """Context changes a basket by its methods only, a country by two of them (S4, S5)."""
    assert ESELLER52.has_own_state(param, path) is own


def test_the_parameters_are_those_of_the_text() -> None:
    """Twelve state headers, and one session token that only the server makes."""
    assert " ".join(param.name for param in ESELLER52.params) == (
        "LangId CounId CurrId LocId PriceListId PriceCalculationDate InventoryCheck CustomerId "
        "SalesPersonId VisitorId Ticket Authentication"
    )
    assert [(param.name, param.establish, param.minted) for param in ZEST.params] == [
        ("_session_token", "1", True)
    ]


@pytest.mark.parametrize(
    "secret",
    [
        "yjipILZBeUWxrFq",
        "SKs5zIHxUPOghUxku/iafHQNFLUwqey0DB8kN1W1RVlB9USztPKrI0gwHzvDo/rY",
        "4201965x",
        "12345678901",
        "ALongWord",
    ],
)
def test_no_token_passes_for_a_plain_value(secret: str) -> None:
    """A token that is sent under the name of a clear parameter does not match its pattern."""
    clear = [
        param.clear for dialect in builtin().values() for param in dialect.params if param.clear
    ]
    assert len(clear) == 7
    assert not [pattern for pattern in clear if re.fullmatch(pattern, secret)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LangId", "1"),
        ("LangId", "da-DK"),
        ("CurrId", "EUR"),
        ("CounId", "-1"),
        ("PriceCalculationDate", "2021-03-01"),
        ("PriceCalculationDate", "2021-03-01T12:00:00.5+01:00"),
        ("InventoryCheck", "True"),
    ],
)
def test_identifiers_are_plain(name: str, value: str) -> None:
    """The context parameters' usual values are kept in clear."""
    param = ESELLER52.param(name)
    assert param is not None
    assert param.clear is not None
    assert re.fullmatch(param.clear, value)


@pytest.mark.parametrize(
    ("dialect", "param", "usage", "speaks_always"),
    [
        (ZEST, "_session_token", "uriquery", True),
        (ESELLER52, "Ticket", "implicit", False),
        (ESELLER52, "Unheard", "implicit", False),
    ],
)
def test_places_of_parameters(
    dialect: Dialect, param: str, usage: str, speaks_always: bool
) -> None:
    """One place to present a value in is its usage; silence on an XML root says something."""
    assert dialect.usage(param) == usage
    assert dialect.speaks_always(param) is speaks_always


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/shop/API/V3/Cart", "/shop"),
        ("/API/V3", ""),
        ("/a/API/V3/API/V3/x", "/a"),
        ("/API/V2", None),
    ],
)
def test_what_stands_before_the_scope(path: str, mount: str | None) -> None:
    """The prefix under which an API is mounted."""
    assert ZEST.mount(path) == mount


@pytest.mark.parametrize(
    ("action", "path", "is_one"),
    [
        ("cart", "/API/V3/Cart/{id}", True),
        ("cart", "/API/V3/Cartoon", False),
        ("login", "/x/SignIn", True),
        ("logout", "/x/login", False),
    ],
)
def test_actions(action: str, path: str, is_one: bool) -> None:
    """Segments that mean something are compared whole, in any letter case."""
    assert ZEST.is_action(action, path) is is_one


def test_a_dialect_can_be_varied() -> None:
    """Dialects are frozen records: a copy differs in what is replaced alone."""
    assert msgspec.structs.replace(ZEST, refused=(402,)) != ZEST
    assert msgspec.structs.replace(ZEST) == ZEST
