"""The two dialects hold what the protocols say, and a user can write one in TOML."""

import re

import msgspec
import pytest

from statetrail.dialects import DIALECTS, ESELLER52, ZEST, Dialect, Param, select
from statetrail.errors import UsageError

TOML = """
name = "acme"
title = "Acme sessions"
scope = ["v1", "shop"]
references = ["https://acme.example/docs"]

[[params]]
name = "Basket"
minted = true
establish = "new"
only_on = ["basket"]

[[params]]
name = "Region"
clear = "[a-z]{2}"

[[issues]]
type = "header"
prefix = "acme-set-"

[[issues]]
type = "xml-root-attribute"
attribute = "basket"
param = "Basket"
usage = "header"
priority = "forced"

[[presents]]
type = "header"
prefix = "acme-"

[[presents]]
type = "uriquery"
case_sensitive = false
"""


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
        param.clear for dialect in DIALECTS.values() for param in dialect.params if param.clear
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


def test_a_user_s_own_dialect_reads_from_toml() -> None:
    """msgspec decodes a declaration into the very structs that ours are made of."""
    acme = msgspec.toml.decode(TOML, type=Dialect)
    assert acme.scope == ("v1", "shop")
    assert acme.param("Basket") == Param(
        name="Basket", minted=True, establish="new", only_on=("basket",)
    )
    assert [type(part).__name__ for part in (*acme.issues, *acme.presents)] == [
        "HeaderIssue",
        "XmlRootIssue",
        "HeaderPresent",
        "QueryPresent",
    ]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_our_dialects_are_data(dialect: Dialect) -> None:
    """Each of ours goes through plain builtins and back without a change."""
    assert msgspec.convert(msgspec.to_builtins(dialect), Dialect) == dialect


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('clear = "[a-z]{2}"', 'clear = "[a-z"', "no regular expression"),
        ('prefix = "acme-set-"', 'prefix = ""', "no header prefix"),
        ('prefix = "acme-set-"', 'prefix = "Acme Set"', "no header prefix"),
        ('param = "Basket"', 'param = "Cart"', "none of its params"),
        ('name = "Region"', 'name = "BASKET"', "more than once"),
        ('name = "acme"', 'name = "a,b"', "no dialect name"),
        ('usage = "header"', 'usage = "cookie"', "Invalid enum value"),
        ('type = "uriquery"', 'type = "cookie"', "Invalid value"),
    ],
)
def test_a_dialect_that_makes_no_sense_is_refused(good: str, bad: str, message: str) -> None:
    """What cannot be interpreted is named when it is read, not while traffic passes."""
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.toml.decode(TOML.replace(good, bad), type=Dialect)


def test_dialects_are_chosen_by_name() -> None:
    """`all`, a list with commas, or a sequence; in the order given, each once."""
    assert select() == (ZEST, ESELLER52)
    assert select(" 52eseller , zest,52eseller") == (ESELLER52, ZEST)
    assert select(["zest"]) == (ZEST,)


@pytest.mark.parametrize("names", ["", " , ", "ZEST", "zest,acme", "all,zest"])
def test_unknown_names_are_refused(names: str) -> None:
    """An unknown name, or none, is an error that says which there are."""
    with pytest.raises(UsageError, match="choose from zest, 52eseller or 'all'"):
        select(names)
