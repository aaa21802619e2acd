"""ZEST in single exchanges: the token in the query, and on the root of whatever XML comes back."""

import pytest

from statetrail.extract.extractor import extract
from support.histories import fingerprint
from support.traffic import CONFIG, exchange, facts_of, issued, presented

TOKEN = "yjipILZBeUWxrFq"
# The protocol text's own sample, as it stands there: with a stray end tag behind the root.
SAMPLE = b"""<?xml version="1.0" encoding="utf-8" ?>
<ResultSet page="1" session="yjipILZBeUWxrFq" totalResults="42" totalResultsReturned="3" xmlns="http://www.zeald.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.zeald.com https://www.mysite.net/API/V3/BrowseCategory.xsd">
    <Category href="https://www.mysite.net/API/V3/BrowseCategory/00411" id="Ecommerce::Category00411">
        <!-- ETC -->
    </Category>
</ResultSet>
</xml>
"""  # noqa: E501


def test_the_protocol_text_s_own_exchange() -> None:
    """The sample asks for a session and is given the token on its root, well formed or not."""
    seen = facts_of("/API/V3/BrowseCategory/00411?_session_token=1", body=SAMPLE)
    assert presented(seen) == [("_session_token", "uriquery", "establish")]
    (token,) = seen.issued
    assert token.fingerprint == fingerprint(TOKEN)
    assert token.value is None
    assert (token.param, token.channel, token.problem) == ("_session_token", "body", None)
    assert (token.usage, token.priority) == ("uriquery", "forced")
    assert (token.length, token.alphabet) == (15, "lower+upper")
    assert seen.exchange.dialects == "zest"
    assert seen.exchange.notes == ""


def test_the_value_presented_is_the_value_issued() -> None:
    """What the next request carries has the fingerprint of what the root said."""
    first = facts_of("/API/V3/x?_session_token=1", body=SAMPLE)
    (then,) = facts_of(f"/API/V3/Cart?_session_token={TOKEN}", method="POST").presented
    assert (then.value, then.fingerprint) == (None, first.issued[0].fingerprint)
    assert then.kind == "value"


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (b"<rsp session='t1'/>", [None]),
        (b"<anything session='t1' xmlns='urn:x'>", [None]),
        (b"<z:rsp xmlns:z='urn:z' session='t1'>", [None]),
        (b"<rsp session='t1'><rsp session='t2'/></rsp>", [None]),
        (b"<rsp><rsp session='t1'/></rsp>", []),
        (b"<rsp xmlns:z='urn:z' z:session='t1'/>", []),
        (b"<rsp Session='t1'/>", []),
        (b"<rsp session=''/>", ["empty-value"]),
        (b"<rsp session='1'/>", ["reserved"]),
        (b"<rsp session=' t1'/>", ["control-character"]),
        (b"<rsp session='a&#10;b'/>", ["control-character"]),
        (b"<rsp session='" + b"t" * 9000 + b"'/>", ["too-long"]),
    ],
    ids=lambda case: str(case)[:50],
)
def test_the_root_issues(body: bytes, problems: list[str | None]) -> None:
    """Any root's `session` without a namespace issues the token; a poor one says why."""
    assert issued(facts_of("/API/V3/x", body=body)) == [("_session_token", p) for p in problems]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", []),
        ("_session_token=abc", ["value"]),
        ("a=1&_session_token=abc&b=2", ["value"]),
        ("_session_token=1", ["establish"]),
        ("_session_token=%31", ["establish"]),
        ("_session_token=01", ["value"]),
        ("_session_token=", ["empty"]),
        ("_session_token", ["empty"]),
        ("_session_token=1&_session_token=abc", ["establish", "value"]),
        ("%5Fsession%5ftoken=abc", ["value"]),
        ("_SESSION_TOKEN=abc", []),
        ("x_session_token=abc", []),
        ("a=b;_session_token=abc", []),
        ("&&=&_session_token=abc&", ["value"]),
        ("_session_token=abc#_session_token=2", ["value"]),
        ("a=?_session_token=abc", []),
    ],
)
def test_the_query_presents(query: str, expected: list[str]) -> None:
    """The token is the query field of exactly that name, decoded; repeated and empty count too."""
    seen = facts_of(f"/API/V3/x?{query}")
    assert presented(seen) == [("_session_token", "uriquery", kind) for kind in expected]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"a%2Fb%2bc%3D", "a/b+c="),
        (b"a/b=c=", "a/b=c="),
        (b"a+b", "a b"),
        (b"a;b", "a;b"),
        (b"aB", "aB"),
        (b"%", "%"),
        (b"%zz%4", "%zz%4"),
        (b"%C3%A9", "é"),
        ("é".encode(), "é"),
        (b"\xff%fe", "\udcff\udcfe"),
        (b"%00", "\x00"),
    ],
)
def test_the_token_is_form_decoded(written: bytes, value: str) -> None:
    """Percent-encoding, `+`, invalid UTF-8: each value has the fingerprint of what it means."""
    (token,) = facts_of(b"/API/V3/x?_session_token=" + written).presented
    assert token.fingerprint == fingerprint(value)


@pytest.mark.parametrize(
    ("target", "dialects"),
    [
        ("/shop/API/V3/Cart", "zest"),
        ("https://shop.example/API/V3/Cart", "zest"),
        ("/%41PI/V%33/Cart", "zest"),
        ("/API%2FV3/Cart", ""),
        ("/x?/API/V3/", ""),
        ("/API/V3;jsessionid=1/Cart", "jsessionid"),
    ],
)
def test_only_a_request_in_scope_has_a_root(target: str, dialects: str) -> None:
    """Outside of the path pair nothing is read from the body; a token presented is seen anyway."""
    seen = facts_of(target, body=SAMPLE)
    assert seen.exchange.dialects == dialects
    assert len(seen.issued) == (dialects == "zest")
    assert presented(facts_of("/elsewhere?_session_token=abc"))


@pytest.mark.parametrize(
    ("answered", "body", "note"),
    [
        ({}, b"", ""),
        ({}, b'{"session": "t1"}', "body-not-xml"),
        ({}, b"\x00\x01\x02", "body-not-xml"),
        ({}, b"<!DOCTYPE html><html session='t1'>", "body-dtd"),
        ({}, b"<rsp session='t1'", "body-no-root"),
        ({}, b"<rsp session='t1", "body-no-root"),
        ({}, b"<rsp session='t1' session='t2'/>", "body-no-root"),
        ({"Content-Encoding": "gzip"}, b"<rsp session='t1'/>", "body-broken-coding"),
        ({"Content-Encoding": "compress"}, b"<rsp session='t1'/>", "body-unknown-coding"),
        ({"Content-Encoding": "br," * 5}, b"<rsp session='t1'/>", "body-unknown-coding"),
    ],
)
def test_a_root_that_cannot_be_read_is_a_note(
    answered: dict[str, str], body: bytes, note: str
) -> None:
    """An error page, a cut or a hostile body costs a note and neither a sighting nor the row."""
    seen = facts_of("/API/V3/x", answered=answered, body=body)
    assert seen.issued == ()
    assert seen.exchange.notes == note


def test_the_same_exchange_is_sighted_the_same() -> None:
    """Sighting is a function: same input, same output."""
    one = exchange(f"/API/V3/x?_session_token={TOKEN}", body=SAMPLE)
    assert extract(one, CONFIG) == extract(one, CONFIG)
