"""HAR entries as exchanges: every field, hostile ones too."""

import base64
import gzip
import io
import json
import time
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.dialects import select
from statetrail.errors import CaptureError
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Response
from statetrail.ingest.har.reader import read_har
from statetrail.ingest.har.workers import KEPT
from statetrail.ingest.skipped import ReadReport
from support.hars import STARTED_US, entry, har, headers

FINGERPRINTER = Fingerprinter(bytes(range(32)))
CONFIG = ExtractorConfig(select(), FINGERPRINTER)


def read(*entries: Any) -> tuple[list[Exchange], ReadReport]:
    """The exchanges of a HAR file of those entries, and what was lost."""
    report = ReadReport()
    return list(read_har(io.BytesIO(har(*entries)), FINGERPRINTER, report)), report


def one(**changed: Any) -> Exchange:
    """The exchange of the usual entry, changed."""
    (exchange,), report = read(entry(**changed))
    assert report.sentence() is None
    return exchange


def answer(**changed: Any) -> Response:
    """Its response."""
    response = one(**changed).response
    assert response is not None
    return response


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        pytest.param(
            "https://Shop.example/a?b=1#c", ("https", "Shop.example", 443, b"/a?b=1"), id="usual"
        ),
        pytest.param("http://shop.example", ("http", "shop.example", 80, b"/"), id="no path"),
        pytest.param(
            "HTTP://shop.example:8080?q", ("http", "shop.example", 8080, b"/?q"), id="query at once"
        ),
        pytest.param(
            "https://me:pw@[::1]:8443/x", ("https", "::1", 8443, b"/x"), id="user and IPv6"
        ),
        pytest.param(
            "wss://shop.example/live", ("https", "shop.example", 443, b"/live"), id="WebSocket"
        ),
        pytest.param(
            "http://h/?a=####&b=1###2",
            ("http", "h", 80, b"/?a=%23%23%23%23&b=1"),
            id="a sanitiser's mask",
        ),
        pytest.param(
            "http://h/\u00fc?\udcff=%ff",
            ("http", "h", 80, b"/\xc3\xbc?\xff=%ff"),
            id="any character",
        ),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, str, int, bytes]) -> None:
    """Scheme, host, port and target are those that were asked; user and fragment stay behind."""
    request = one(url=url).request
    assert (request.scheme, request.host, request.port, request.target) == parts


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"url": "data:text/plain,x"}, "other", id="data URL"),
        pytest.param({"url": "chrome-extension://abc/x.js"}, "other", id="extension"),
        pytest.param({"url": "http://:80/"}, "url", id="no host"),
        pytest.param({"url": "http://h:99999/"}, "url", id="no such port"),
        pytest.param({"_fromCache": "disk"}, "cached", id="from the browser's cache"),
        pytest.param({"startedDateTime": "now"}, "start", id="no start"),
        pytest.param({"request": None}, "incomplete", id="no request"),
        pytest.param({"_fromDiskCache": True}, "cached", id="from its cache on disk"),
        pytest.param({"_fetchType": "Disk Cache"}, "cached", id="from Safari's cache"),
        pytest.param(
            {"response___serviceWorkerResponseSource": "cache-storage"},
            "cached",
            id="from a worker's cache",
        ),
        pytest.param(
            {"response___transferSize": 0, "response__bodySize": 0}, "cached", id="nothing received"
        ),
        pytest.param(
            {"response__fromDiskCache": True}, "cached", id="from the disk, of chrome-har"
        ),
        pytest.param({"response__fromPrefetchCache": True}, "cached", id="fetched before"),
        pytest.param(
            {"cache": {"beforeRequest": {"lastAccess": "", "eTag": "", "hitCount": 0}}},
            "cached",
            id="from memory, of chrome-har",
        ),
        pytest.param({"request__url": "/API/V3/Cart"}, "url", id="a URL without a host"),
        pytest.param({"_error": "net::ERR_BLOCKED_BY_CLIENT"}, "blocked", id="never sent"),
        pytest.param(
            {
                "response__status": 307,
                "response__headers": headers(("Non-Authoritative-Reason", "HSTS")),
            },
            "internal",
            id="redirected by the browser",
        ),
        pytest.param({"startedDateTime": "2024-05-01"}, "start", id="a day"),
        pytest.param({"startedDateTime": "2024-05-01T10:00Z"}, "start", id="a minute"),
        pytest.param({"request__url": {"a": 1}}, "incomplete", id="an object for a URL"),
    ],
)
def test_what_is_no_exchange_is_counted_with_its_reason(
    changed: dict[str, Any], reason: str
) -> None:
    """An entry that tells of no HTTP exchange is skipped and said so; the next one is read."""
    exchanges, report = read(entry(**changed), entry())
    assert (len(exchanges), dict(report.skipped)) == (1, {reason: 1})
    assert (report.sentence() or "").startswith("1 entry was skipped (1 ")


@pytest.mark.parametrize(
    ("changed", "read_of_it"),
    [
        pytest.param({}, 1, id="received"),
        pytest.param(
            {"serverIPAddress": None, "time": 0, "timings": {}}, 0, id="neither from nor when"
        ),
        pytest.param({"time": 0, "timings": {}}, 1, id="from somewhere"),
        pytest.param({"cache": {"afterRequest": {}}}, 0, id="by the member"),
        pytest.param(
            {"cache": {"afterRequest": {}}, "response__status": 304}, 1, id="the server was asked"
        ),
    ],
)
def test_what_firefox_s_cache_answered_is_no_exchange(
    changed: dict[str, Any], read_of_it: int
) -> None:
    """It names no server and takes no time; after a 304 its content is shown, too."""
    made = entry(**{"serverIPAddress": "192.0.2.1"} | changed)
    document, report = har(made, creator={"name": "Firefox", "version": "140"}), ReadReport()
    exchanges = list(read_har(io.BytesIO(document), FINGERPRINTER, report))
    assert (len(exchanges), report.skipped["cached"]) == (read_of_it, 1 - read_of_it)


@pytest.mark.parametrize(
    ("changed", "perhaps"),
    [
        pytest.param({"_fetchType": "Service Worker"}, True, id="by a worker, of Safari"),
        pytest.param({"response__fromServiceWorker": "1"}, True, id="by a worker, of chrome-har"),
        pytest.param({"response___fetchedViaServiceWorker": True}, True, id="by a worker"),
        pytest.param(
            {
                "response___fetchedViaServiceWorker": True,
                "response___serviceWorkerResponseSource": "network",
                "response___transferSize": 0,
                "response__bodySize": 0,
            },
            False,
            id="by a worker, who asked the server",
        ),
        pytest.param(
            {"response___transferSize": 0, "response__bodySize": -350}, True, id="nothing received"
        ),
        pytest.param(
            {"response__fromEarlyHints": True, "response__fromDiskCache": True},
            False,
            id="hinted at",
        ),
        pytest.param(
            {"cache": {"beforeRequest": {"lastAccess": "", "eTag": "a", "hitCount": 0}}},
            False,
            id="an entry that was asked for again",
        ),
    ],
)
def test_when_the_answer_of_a_cache_came_is_not_known(
    changed: dict[str, Any], perhaps: bool
) -> None:
    """Nobody has to know what it was, as the server may have issued it long ago."""
    exchange = one(**changed)
    assert exchange.response is not None
    assert (exchange.response.end_us is None) == perhaps
    assert exchange.notes == (("perhaps-cached",) if perhaps else ())


def test_what_the_developer_answered_binds_nobody() -> None:
    """Safari replaces responses by files, as the operator of a proxy may."""
    assert one(_fetchType="Inspector Override").notes == ("answered-by-operator",)


def test_fields_joined_by_either_line_end_are_several() -> None:
    """No value ends with a carriage return."""
    fields = headers(("Set-Cookie", "a=1; Path=/\r\nb=2; Path=/\nc=3"))
    values = [value for _, value in answer(response__headers=fields).headers]
    assert values == [b"a=1; Path=/", b"b=2; Path=/", b"c=3"]


COOKIES = [{"name": "sid", "value": "a=b", "path": "/", "httpOnly": True, "secure": False}, None]


@pytest.mark.parametrize(
    ("cookies", "fields", "sent", "received"),
    [
        pytest.param(COOKIES, (), b"sid=a=b", b"sid=a=b; Path=/; HttpOnly", id="alone"),
        pytest.param(
            COOKIES, (("COOKIE", "x=1"), ("set-cookie", "x=1")), b"x=1", b"x=1", id="beside"
        ),
        pytest.param(
            [{"name": "s", "value": "1;2\nX: y", "expires": "2026-03-02T10:00:00+01:00"}],
            (),
            b"s=1",
            b"s=1; Expires=Mon, 02 Mar 2026 09:00:00 GMT",
            id="hostile",
        ),
        pytest.param([{"name": "a"}, {"name": "b", "value": 2}], (), b"a=; b=2", b"a=", id="two"),
        pytest.param({"a": "b"}, (), None, None, id="no list"),
    ],
)
def test_cookies_of_the_lists_are_in_the_header_fields(
    cookies: Any, fields: tuple[tuple[str, str], ...], sent: bytes | None, received: bytes | None
) -> None:
    """Some writers have them nowhere else; where a field has them, it counts."""
    exchange = one(
        request__cookies=cookies,
        response__cookies=cookies,
        request__headers=headers(*fields),
        response__headers=headers(*fields),
    )
    assert exchange.response is not None
    request = {name.lower(): value for name, value in reversed(exchange.request.headers)}
    response = {name.lower(): value for name, value in reversed(exchange.response.headers)}
    assert (request.get(b"cookie"), response.get(b"set-cookie")) == (sent, received)


@pytest.mark.parametrize(
    ("changed", "body", "notes"),
    [
        pytest.param({"body": "<a/>"}, b"<a/>", (), id="text"),
        pytest.param({"body": "<a>[removed]</a>"}, b"<a>[removed]</a>", (), id="a part taken out"),
        pytest.param({"body": "[text/xml redacted]"}, b"", ("body-unseen",), id="taken out"),
        pytest.param({"body": "é\udcff\ud800"}, "é??".encode(), (), id="surrogates"),
        pytest.param({"body": "\udcff"}, b"\xff", (), id="an escaped byte"),
        pytest.param(
            {"body": '<?xml version="1.0" encoding="UTF-16"?><a/>'},
            b'<?xml version="1.0" ?><a/>',
            (),
            id="XML declaration",
        ),
        pytest.param(
            {"body": "PGEv\n Pg==", "response__content__encoding": "base64"},
            b"<a/>",
            (),
            id="base64",
        ),
        pytest.param(
            {"body": "<a>é</a>", "response__content__encoding": "base64"},
            "<a>é</a>".encode(),
            (),
            id="flagged as base64, and is text",
        ),
        pytest.param(
            {"body": "true", "response__content__encoding": "base64"},
            b"true",
            (),
            id="flagged as base64, and is a word",
        ),
        pytest.param(
            {"body": "PGEgYj0iMSI+PC9hPg=="}, b'<a b="1"></a>', (), id="base64 without the flag"
        ),
        pytest.param({"body": "0123456789abcdef"}, b"0123456789abcdef", (), id="a token alone"),
        pytest.param(
            {"body": "PGEgYj0iw7vDvz8_PyI-PC9hPiA", "response__content__encoding": "base64"},
            '<a b="ûÿ???"></a> '.encode(),
            (),
            id="base64 as in URLs, without its padding",
        ),
        pytest.param(
            {"body": "PGEgYj0=PGEgYj0iw7v=", "response__content__encoding": "base64"},
            b"PGEgYj0=PGEgYj0iw7v=",
            (),
            id="base64 with its end amid it",
        ),
        pytest.param(
            {"body": "PGEgYj0iw7vDvz8v=", "response__content__encoding": "base64"},
            b'<a b="\xc3\xbb\xc3\xbf?/',
            (),
            id="base64 with too much at its end",
        ),
        pytest.param(
            {"body": "PGEgYj0i5OTk5OTkIj48L2E+", "response__content__encoding": "base64"},
            b'<a b="\xe4\xe4\xe4\xe4\xe4\xe4"></a>',
            (),
            id="base64 of Latin-1, with the size of the base64",
        ),
        pytest.param(
            {"body": "\x1f\ufffd\x08", "response__content__encoding": None},
            b"\x1f\xef\xbf\xbd\x08",
            (),
            id="compressed, and ruined",
        ),
        pytest.param(
            {"body": None, "response__content__size": 0, "response__bodySize": 500},
            b"",
            ("body-unseen",),
            id="received, and left out",
        ),
        pytest.param(
            {"body": None, "response__content__size": 9}, b"", ("body-unseen",), id="left out"
        ),
        pytest.param(
            {"body": None, "response__content": ...}, b"", ("body-unseen",), id="no content"
        ),
        pytest.param({"body": None}, b"", (), id="really empty"),
        pytest.param(
            {"body": "", "response__content__size": 9}, b"", ("body-unseen",), id="emptied"
        ),
        pytest.param(
            {"body": None, "response__content": {}, "response__status": 304},
            b"",
            (),
            id="not modified",
        ),
        pytest.param(
            {"body": None, "response__content": {}, "request__method": "HEAD"}, b"", (), id="HEAD"
        ),
        pytest.param({"body": "x" * 600_000}, b"x" * 524_288, (), id="bounded"),
    ],
)
def test_the_content_is_the_decoded_body(
    changed: dict[str, Any], body: bytes, notes: tuple[str, ...]
) -> None:
    """Text and base64 give the body's beginning; a body that the file lacks is noted."""
    exchange = one(**changed)
    assert exchange.response is not None
    assert (exchange.response.body, exchange.response.codings) == (body, ())
    assert exchange.notes == notes


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("net::ERR_INTERNET_DISCONNECTED", "connect-failed"),
        ("net::ERR_NAME_NOT_RESOLVED", "connect-failed"),
        ("NS_ERROR_UNKNOWN_HOST", "connect-failed"),
        ("net::ERR_CONNECTION_TIMED_OUT", "timeout"),
        ("net::ERR_CERT_DATE_INVALID", "tls"),
        ("SSL_ERROR_RX_RECORD_TOO_LONG", "tls"),
        ("NS_BINDING_ABORTED", "client-disconnected"),
        ("net::ERR_CONNECTION_ABORTED", "server-disconnected"),
        ("net::ERR_EMPTY_RESPONSE", "server-disconnected"),
        ("net::ERR_HTTP2_PROTOCOL_ERROR", "protocol-error"),
        ("net::ERR_FAILED", "protocol-error"),
    ],
)
def test_a_browsers_error_has_its_cause(fault: str, error: str) -> None:
    """What a browser calls an error becomes the word of what happened."""
    assert one(_error=fault, response__status=0).error == error


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("br", brotli.compress), (None, gzip.compress)],
    ids=["gzip", "br", "gzip without its field"],
)
def test_a_body_that_is_still_coded_is_decoded(
    coding: str | None, pack: Callable[[bytes], bytes]
) -> None:
    """Some writers have the body in base64 as it was received."""
    text = b'<ResultSet session="tok-0123456789ab"/>'
    exchange = one(
        body=base64.b64encode(pack(text)).decode(),
        response__content__encoding="base64",
        response__headers=headers(
            ("Content-Type", "text/xml"), *([("content-encoding", coding)] if coding else [])
        ),
    )
    (issued,) = extract(exchange, CONFIG).issued
    assert issued.fingerprint == FINGERPRINTER.fingerprint("tok-0123456789ab")


def test_a_request_that_a_page_s_worker_sent_is_read_once() -> None:
    """Chrome has a page's request, and that of the worker that took it: what was really sent."""
    page = entry(response___fetchedViaServiceWorker=True)
    fields = headers(("Set-Cookie", "sid=1"))
    own = entry(startedDateTime="2024-05-01T10:00:00.400Z", response__headers=fields)
    exchanges, report = read(page, own, own)
    assert (len(exchanges), dict(report.skipped)) == (2, {"worker": 1})
    first, second = exchanges
    assert first.response is not None
    assert first.response.headers == ((b"Set-Cookie", b"sid=1"),)
    # It was composed when the page's request was, and sent when the worker's was.
    assert (first.request.composed_us, second.request.composed_us) == (
        STARTED_US,
        STARTED_US + 400_000,
    )
    assert first.request.start_us == second.request.start_us
    assert first.flow_id == read(page)[0][0].flow_id


def test_what_no_worker_sent_again_is_read_all_the_same() -> None:
    """However many such requests there are, and wherever the file ends."""
    pages = [entry(f"https://h{n}.example/", _fromServiceWorker=True) for n in range(KEPT + 9)]
    exchanges, report = read(*pages, entry(_fromServiceWorker=True, startedDateTime="now"))
    assert len({each.request.host for each in exchanges}) == KEPT + 9
    assert dict(report.skipped) == {"start": 1}


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\x1a", b"\x00" * 9])
def test_what_follows_the_document_is_told(end: bytes) -> None:
    """A second document is not read, and that is said; blanks are none."""
    for follows, told in ((b"", None), (har(), "more"), (b" " * 300_000 + b"x", "more")):
        report = ReadReport()
        document = har(entry()).rstrip(b"}") + b', "comment": ["}]"]}}' + end + follows
        assert len(list(read_har(io.BytesIO(document), FINGERPRINTER, report))) == 1
        assert report.truncation == told


@pytest.mark.parametrize(
    ("behind", "lost"),
    [
        (b'], "entries": []}}', "again"),
        (b'], "pages": []}, "log": {"entries": []}}', "again"),
        (b'], "x": {"entries": []}}, "y": {"entries": []}, "z": "log"}', None),
    ],
    ids=["in the log", "in another log", "elsewhere"],
)
def test_a_second_list_of_entries_is_told(behind: bytes, lost: str | None) -> None:
    """Which of two members of one name counts, JSON leaves open."""
    report = ReadReport()
    document = har(entry()).removesuffix(b"]}}") + behind
    assert len(list(read_har(io.BytesIO(document), FINGERPRINTER, report))) == 1
    assert report.truncation == lost


def test_content_is_not_decoded_twice() -> None:
    """A HAR file keeps Content-Encoding although its text is decoded: the token is found."""
    exchange = one(response__headers=headers(("Content-Encoding", "gzip")))
    (issued,) = extract(exchange, CONFIG).issued
    assert issued.fingerprint == FINGERPRINTER.fingerprint("tok-0123456789ab")


@pytest.mark.parametrize(
    ("changed", "error", "has_response", "ended"),
    [
        pytest.param({}, None, True, True, id="complete"),
        pytest.param(
            {"response__status": 0, "response___error": "net::ERR_ABORTED"},
            "client-disconnected",
            False,
            False,
            id="aborted",
        ),
        pytest.param(
            {"response__status": 0, "response___error": None},
            "no-response",
            False,
            False,
            id="status 0",
        ),
        pytest.param({"response__status": -5}, "no-response", False, False, id="negative status"),
        pytest.param({"response": None}, "no-response", False, False, id="no response"),
        pytest.param(
            {"response__status": 0, "_error": "net::ERR_CONNECTION_REFUSED"},
            "connect-failed",
            False,
            False,
            id="refused",
        ),
        pytest.param(
            {"response__status": 0, "_error": "net::ERR_TIMED_OUT"},
            "timeout",
            False,
            False,
            id="timed out",
        ),
        pytest.param(
            {"response__status": 0, "_error": {"secret": 1}},
            "protocol-error",
            False,
            False,
            id="an object",
        ),
        pytest.param(
            {"_error": "net::ERR_CONNECTION_RESET"},
            "server-disconnected",
            True,
            False,
            id="cut short",
        ),
    ],
)
def test_what_did_not_complete_has_an_error(
    changed: dict[str, Any], error: str | None, has_response: bool, ended: bool
) -> None:
    """Status 0 and `_error` give a word of the closed list; a response that began is kept."""
    exchange = one(**changed)
    assert exchange.error == error
    assert (exchange.response is not None) == has_response
    if exchange.response is not None:
        assert (exchange.response.end_us is not None) == ended


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:51000", "192.0.2.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("[2001:db8::7]:51000", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("=cmd()", None),
        ("x" * 5000, None),
        (17, None),
        (None, None),
    ],
)
@pytest.mark.parametrize(
    "name", ["_clientAddress", "_clientIPAddress", "clientIPAddress", "_client_address"]
)
def test_the_client_address_is_an_address_without_its_port(
    name: str, address: Any, peer: str | None
) -> None:
    """Each known extension field is read, and nothing but an address is kept of it."""
    assert one(**{name: address}).request.peer == peer


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        pytest.param([{"name": "A", "value": "caf\u00e9"}], ((b"A", b"caf\xe9"),), id="Latin-1"),
        pytest.param([{"name": "A", "value": "\u20ac"}], ((b"A", b"\xe2\x82\xac"),), id="beyond"),
        pytest.param([{"name": "A", "value": "\udce9"}], ((b"A", b"\xe9"),), id="escaped byte"),
        pytest.param([{"name": ":path", "value": "/"}], (), id="HTTP/2 pseudo field"),
        pytest.param([{"name": "A", "value": 12345678901}], ((b"A", b"12345678901"),), id="number"),
        pytest.param([{"name": "A", "value": None}], ((b"A", b""),), id="null"),
        pytest.param([["A", "b"], [1], None, 7], ((b"A", b"b"),), id="pairs"),
        pytest.param({"A": "b"}, ((b"A", b"b"),), id="one object"),
        pytest.param("A: b", (), id="text"),
    ],
)
def test_header_fields_come_as_bytes(written: Any, read_as: tuple[Any, ...]) -> None:
    """Header fields are read in every form that writers have."""
    assert one(request__headers=written).request.headers == read_as


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("http/2.0", "HTTP/2.0"),
        ("h2", "HTTP/2.0"),
        ("h3", "HTTP/3"),
        ("http/1.1", "HTTP/1.1"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_versions_are_named_as_in_live_recordings(written: Any, version: str) -> None:
    """Every writer's name for an HTTP version becomes mitmproxy's."""
    assert one(request__httpVersion=written).request.http_version == version


@pytest.mark.parametrize(
    ("name", "raw", "seen"),
    [
        pytest.param("response__status", b"1e999", None, id="infinite status"),
        pytest.param("response__status", b"99999", 999, id="huge status"),
        pytest.param("response__status", b"204.0", 204, id="status as a real number"),
        pytest.param("response__status", b'"201"', 201, id="status as text"),
        pytest.param("response__status", b'"201 Created"', 201, id="status with its reason"),
        pytest.param("request__method", b"null /* was: GET */ // so\n", 200, id="comments"),
        pytest.param("response__bodySize", b"9" * 5000, 200, id="5,000 digits"),
        pytest.param("response__bodySize", b"9" * 25, 200, id="more than 64 bits"),
        pytest.param("response__bodySize", b"NaN", 200, id="no number"),
        pytest.param("response__content__text", rb'"\ud800\udc80x"', 200, id="lone surrogates"),
        pytest.param("response__content__text", b'"\xff\xfe"', 200, id="broken UTF-8"),
        pytest.param("response__content__text", b'"a\x01\nb"', 200, id="raw control characters"),
        pytest.param("cache", b"[" * 3000 + b"]" * 3000, 200, id="deep nesting"),
    ],
)
def test_a_hostile_value_costs_itself_and_no_more(name: str, raw: bytes, seen: int | None) -> None:
    """What no machine can hold is left out; the exchange and the next one are read."""
    document = har(entry(**{name: "@"}), entry()).replace(b'"@"', raw)
    report = ReadReport()
    exchanges = list(read_har(io.BytesIO(document), FINGERPRINTER, report))
    assert len(exchanges) == 2
    row = extract(exchanges[0], CONFIG).exchange
    assert row.status == seen
    assert row.response_bytes is None or row.response_bytes < 2**63


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        pytest.param("response__content__text", b'"' + b" " * 200_000 + b'-"', id="blanks"),
        pytest.param("cache", b"[" + b"/* " * 100_000 + b"]", id="comments"),
    ],
)
def test_a_text_is_read_in_the_time_of_its_length(name: str, raw: bytes) -> None:
    """Expressions that look at a character again and again would take minutes."""
    document = har(entry(**{name: "@"})).replace(b'"@"', raw)
    begun = time.process_time()
    list(read_har(io.BytesIO(document), FINGERPRINTER, ReadReport()))
    assert time.process_time() - begun < 1


def test_an_entry_that_is_no_json_is_skipped_alone() -> None:
    """Broken JSON within an entry's braces leaves its neighbours alone."""
    document = har(entry(), entry(time="@"), entry()).replace(b'"@"', b"tru")
    report = ReadReport()
    assert len(list(read_har(io.BytesIO(document), FINGERPRINTER, report))) == 2
    assert dict(report.skipped) == {"broken": 1}


def test_a_header_of_a_megabyte_is_read_and_one_beyond_is_noted() -> None:
    """A long value arrives whole; a cut one says so."""
    long, cut = "v" * 1_000_000, "v" * 1_500_000
    fields = one(request__headers=headers(("X-Ticket", long))).request.headers
    assert fields == ((b"X-Ticket", long.encode()),)
    assert one(request__headers=headers(("X-Ticket", cut))).notes == ("har-cut",)


def test_identical_entries_stay_several_and_have_the_same_ids_every_time() -> None:
    """Ids name a moment, method and URL, number those that share them, and depend on the key."""
    entries = (entry(), entry(), entry(time=1001), entry(), entry(request__method="PUT"))
    ids = [exchange.flow_id for exchange in read(*entries)[0]]
    assert len(set(ids)) == 5
    assert ids[1] == f"{ids[0]}-2"
    assert ids[2:4] == [f"{ids[0]}-3", f"{ids[0]}-4"]
    assert ids == [exchange.flow_id for exchange in read(*entries)[0]]
    other = read_har(io.BytesIO(har(*entries)), Fingerprinter(bytes(32)), ReadReport())
    assert not {exchange.flow_id for exchange in other} & set(ids)


def test_json_that_is_no_har_file_is_refused() -> None:
    """A JSON document without log.entries is an error, not an empty capture."""
    with pytest.raises(CaptureError, match=r"log\.entries"):
        list(read_har(io.BytesIO(b'{"name": "package"}'), FINGERPRINTER, ReadReport()))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["https://h/API/V3/x?_session_token=é", "2024-05-01T10:00:00Z", "base64"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "text", "size", "x"]), inner)
    ),
    max_leaves=6,
)
PLACES = st.sampled_from(
    [
        "startedDateTime",
        "time",
        "request",
        "response",
        "timings",
        "_error",
        "_fromCache",
        "_clientAddress",
        "request__method",
        "request__url",
        "request__headers",
        "request__httpVersion",
        "request__bodySize",
        "response__status",
        "response__headers",
        "response__content",
        "response__content__text",
        "response__content__encoding",
        "response__bodySize",
        "timings__wait",
        "timings__blocked",
    ]
)


@settings(max_examples=300)
@given(st.dictionaries(PLACES, VALUES | st.just(...), max_size=4))
def test_no_entry_raises_or_is_lost_silently(changes: dict[str, Any]) -> None:
    """Any JSON in any place gives an exchange that can be sighted, or a counted reason."""
    made = entry()
    for name, value in sorted(changes.items(), key=lambda change: -len(change[0])):
        *way, last = name.split("__")
        inner: Any = made
        for step in way:
            inner = inner[step]
        if value is ...:
            inner.pop(last, None)
        else:
            inner[last] = value
    exchanges, report = read(made)
    assert len(exchanges) + report.skipped.total() == 1
    for exchange in exchanges:
        row = extract(exchange, CONFIG).exchange
        json.dumps([row.path, row.host, row.method, row.peer]).encode()
        for number in (row.request_start_us, row.response_end_us, row.response_bytes, row.status):
            assert number is None or -(2**63) <= number < 2**63
