"""The reference origins answer as the two texts say."""

import asyncio
import gzip
import json
import zlib

import brotli
import httpx
import pytest
import zstandard

from statetrail.demo.origins.encoding import negotiate
from statetrail.demo.origins.eseller import PARAMS, EsellerSettings, eseller_app
from statetrail.demo.origins.zest import ZestSettings, zest_app
from statetrail.dialects.grammar import parse_state_header
from statetrail.dialects.xml_root import root_attributes

V3 = "/services/v3"


def ask(app, *requests):
    """Send requests (method, path, options) one after the other; the responses."""

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as http:
            return [await http.request(m, path, **options) for m, path, options in requests]

    return asyncio.run(run())


def zest(*requests, settings=None):
    return ask(zest_app(settings), *((m, f"/API/V3/{p}", o) for m, p, o in requests))


def state(response):
    """The state headers of a response: lower-case parameter → what the grammar reads."""
    return {
        name[6:]: parse_state_header(value)
        for name, value in response.headers.multi_items()
        if name.startswith("x-set-")
    }


def log_in(app):
    [answer] = ask(app, ("POST", f"{V3}/login", {"json": {}}))
    return {param: seen.value for param, seen in state(answer).items()}


@pytest.mark.parametrize(
    ("method", "path", "content", "root"),
    [
        ("GET", "BrowseCategory/00411", None, "ResultSet"),
        ("GET", "Cart", None, "ResultSet"),
        ("POST", "Cart", "<sku>4012</sku>", "ResultSet"),
        ("PUT", "Cart", "<sku>4012</sku>", "rsp"),
        ("DELETE", "Cart", None, "rsp"),
        ("POST", "Login", None, "rsp"),
        ("GET", "Report", None, "ResultSet"),
        ("GET", "Catalogue", None, "ResultSet"),
    ],
)
def test_a_zest_answer_has_the_session_on_its_root(method, path, content, root):
    """ResultSet or rsp, in the text's namespace."""
    request = (method, path + "?_session_token=1", {"content": content})
    [answer] = zest(request, settings=ZestSettings(slow_s=0))
    assert f"<{root} " in answer.text
    assert 'xmlns="http://www.zeald.com"' in answer.text
    assert len(root_attributes(answer.content)["session"]) == 15


def test_a_stateless_zest_request_gets_no_session():
    """And its cart is not kept."""
    _, answer = zest(("POST", "Cart", {"content": "<sku>4012</sku>"}), ("GET", "Cart", {}))
    assert "session" not in root_attributes(answer.content)
    assert "<sku>" not in answer.text


def test_a_category_ends_in_the_stray_tag_of_the_text():
    """So the document is not well formed."""
    [answer] = zest(("GET", "BrowseCategory/00411", {}))
    assert answer.text.endswith("</ResultSet>\n</xml>\n")


@pytest.mark.parametrize("path", ["Broken", "Nowhere", "Product/none"])
def test_zest_error_pages_are_no_xml(path):
    """The web server's own page."""
    [answer] = zest(("GET", path, {}))
    assert answer.status_code >= 400
    assert answer.headers["content-type"].startswith("text/html")


def test_access_and_prices_hang_on_a_zest_session():
    """Orders need a login, which makes prices the group's."""
    app = zest_app()
    [first] = ask(app, ("GET", "/API/V3/Product/4012?_session_token=1", {}))
    token = root_attributes(first.content)["session"]
    paths = [("GET", "Order"), ("POST", "Login"), ("GET", "Order"), ("GET", "Product/4012")]
    answers = ask(app, *((m, f"/API/V3/{p}?_session_token={token}", {}) for m, p in paths))
    assert [answer.status_code for answer in answers] == [403, 200, 200, 200]
    assert ("20.00" in first.text, "18.00" in answers[3].text) == (True, True)


@pytest.mark.parametrize(
    ("coding", "decode"),
    [
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
        ("br", brotli.decompress),
        ("zstd", zstandard.decompress),
        ("identity", bytes),
    ],
)
def test_bodies_come_in_the_coding_that_was_asked_for(coding, decode):
    """Decoded by the coding's own library."""

    async def run():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(zest_app())) as http:
            headers = {"accept-encoding": coding}
            url = "http://shop.example/API/V3/Catalogue"
            async with http.stream("GET", url, headers=headers) as answer:
                return answer.headers, b"".join([part async for part in answer.aiter_raw()])

    headers, body = asyncio.run(run())
    assert headers.get("content-encoding", "identity") == coding
    assert len(decode(body)) > 300_000


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip;q=x, deflate", "deflate"),
        ("gzip, br;q=0.9", "gzip"),
        ("*", "zstd"),
    ],
)
def test_codings_are_negotiated_by_weight(accept, coding):
    """RFC 9110, 12.5.3."""
    assert negotiate(accept) == coding


def test_a_login_issues_every_state_parameter():
    """Well formed, each with a usage and a priority."""
    [answer] = ask(eseller_app(), ("POST", f"{V3}/login", {"json": {}}))
    issued = state(answer)
    assert set(issued) == {param.lower() for param in PARAMS}
    assert not [seen for seen in issued.values() if seen.problem]
    assert {seen.usage for seen in issued.values()} == {"header", "uriquery", "implicit"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("products", 400), ("menus", 400), ("campaigns", 400), ("favorites", 200), ("orders", 200)],
)
def test_authentication_is_an_error_where_it_is_not_allowed(path, status):
    """X-Authentication on baskets, favorites and orders only."""
    app = eseller_app()
    headers = {"x-authentication": log_in(app)["authentication"]}
    [answer] = ask(app, ("GET", f"{V3}/{path}", {"headers": headers}))
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["favorites", "orders", "baskets/4711"])
def test_authentication_is_required_where_it_is_allowed(path):
    """Without it the answer is 401."""
    [answer] = ask(eseller_app(), ("GET", f"{V3}/{path}", {}))
    assert answer.status_code == 401


def test_a_basket_follows_its_own_methods_and_no_context():
    """Currency by state, country by sellto and shipto, nothing by the query."""
    app = eseller_app()
    headers = {"x-authentication": log_in(app)["authentication"]}
    basket = f"{V3}/baskets/4711"

    def send(method, path, **body):
        options = {"headers": headers} | ({"json": body} if body else {})
        return method, path, options

    answers = ask(
        app,
        send("POST", f"{V3}/baskets"),
        send("GET", f"{basket}?CurrId=840&LangId=9&CounId=1"),
        send("PUT", f"{basket}/state", currency="208"),
        send("PUT", f"{basket}/state", country="752"),
        send("PUT", f"{basket}/sellto", country="752"),
        send("PUT", f"{basket}/shipto", country="578"),
        send("GET", basket),
    )
    assert answers[1].json() == answers[0].json()
    assert [answer.status_code for answer in answers] == [201, 200, 200, 400, 200, 200, 200]
    assert answers[-1].json() | {"language": "1", "lines": 0, "id": 4711} == {
        "id": 4711,
        "currency": "208",
        "language": "1",
        "sell_to": "752",
        "ship_to": "578",
        "lines": 0,
    }
    assert state(answers[2])["currid"].value == "208"


def test_informational_state_can_be_overridden_and_forced_state_cannot():
    """The state headers go on telling the customer's own."""
    app = eseller_app()
    headers = {"x-ticket": log_in(app)["ticket"]}
    path = f"{V3}/products?LangId=2&PriceListId=99"
    [answer] = ask(app, ("GET", path, {"headers": headers}))
    assert answer.json()["products"] == [{"name": "Stol", "priceList": "7", "price": 20}]
    assert state(answer)["langid"].value == "1"


def test_a_ticket_that_is_due_is_renewed_by_products():
    """And the one that was replaced long ago is refused."""
    app = eseller_app(EsellerSettings(ticket_s=0, overlap_s=0))
    headers = {"x-ticket": log_in(app)["ticket"]}
    answers = ask(app, *[("GET", f"{V3}/products", {"headers": headers})] * 2)
    assert [answer.status_code for answer in answers] == [200, 401]
    assert state(answers[0])["ticket"].value != headers["x-ticket"]


def test_campaigns_have_malformed_state_headers_of_every_kind():
    """Unknown words, no tail, repeated, not ASCII, unknown; and blanks, which are fine."""
    [answer] = ask(eseller_app(), ("GET", f"{V3}/campaigns", {}))
    fields = [
        parse_state_header(value.decode("utf-8", "surrogateescape"))
        for name, value in answer.headers.raw
        if name.lower().startswith(b"x-set-")
    ]
    assert [seen.problem for seen in fields] == [
        "unknown-usage",
        "unknown-priority",
        "no-tail",
        None,
        None,
        "non-ascii",
        None,
        None,
    ]


def test_one_endpoint_exposes_its_headers_to_other_origins_and_one_does_not():
    """Products do, menus do not; both may be read."""
    headers = {"origin": "http://other.example"}
    paths = ("products", "menus")
    answers = ask(eseller_app(), *(("GET", f"{V3}/{path}", {"headers": headers}) for path in paths))
    assert [a.headers["access-control-allow-origin"] for a in answers] == ["*", "*"]
    assert "X-Set-Ticket" in answers[0].headers["access-control-expose-headers"]
    assert "access-control-expose-headers" not in answers[1].headers


def test_a_preflight_allows_what_was_asked():
    """Every header, on every method of the API."""
    headers = {"origin": "http://other.example", "access-control-request-headers": "x-ticket"}
    [answer] = ask(eseller_app(), ("OPTIONS", f"{V3}/orders", {"headers": headers}))
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == "x-ticket"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"currency": "a;b"}'])
def test_a_body_that_makes_no_sense_is_the_clients_error(body):
    """400, as JSON."""
    app = eseller_app()
    headers = {"x-authentication": log_in(app)["authentication"]}
    _, answer = ask(
        app,
        ("POST", f"{V3}/baskets", {"headers": headers}),
        ("PUT", f"{V3}/baskets/4711/state", {"headers": headers, "content": body}),
    )
    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]
