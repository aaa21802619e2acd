"""Capture files for the benchmark of imports: seeded, written entry by entry, of any size.

Enters: a number of entries. Leaves: HAR files as a proxy and as a browser write them, one cut in
its middle, and flow files. Values come back as they do in traffic: a token serves some forty
requests, a browser repeats most of its header fields, and asks for a few hundred addresses.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
TOKEN_USES = 40

_PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><ResultSet page="1" session="%s" '
    'xmlns="http://www.zeald.com">%s</ResultSet>'
)
_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
_TYPES = (
    ("script", "application/javascript", "js"),
    ("image", "image/webp", "webp"),
    ("fetch", "application/json", "json"),
    ("stylesheet", "text/css", "css"),
)


def zest_entries(count: int, seed: int = 3) -> Iterator[dict[str, Any]]:
    """Entries of 2 KB: a ZEST client whose token is issued in XML and presented in the query."""
    rng = random.Random(seed)
    token = _word(rng)
    for number in range(count):
        presented = token
        if number % TOKEN_USES == 0:
            token = _word(rng)
        body = _PAGE % (token, f"<Category id='{number % 977:05}'>text</Category>" * 25)
        path = f"/API/V3/BrowseCategory/{number % 311:05}"
        yield {
            "startedDateTime": _when(number),
            "time": 31.4,
            "request": {
                "method": "GET",
                "url": f"http://shop.example{path}?_session_token={presented}&page={number % 7}",
                "httpVersion": "HTTP/1.1",
                "headers": _fields({"Host": "shop.example", "User-Agent": "till/3.1"}),
                "queryString": _fields({"_session_token": presented, "page": str(number % 7)}),
                "cookies": [],
                "headersSize": 120,
                "bodySize": 0,
            },
            "response": {
                "status": 200,
                "statusText": "OK",
                "httpVersion": "HTTP/1.1",
                "headers": _fields(
                    {"Content-Type": "text/xml", "Content-Length": str(len(body)), "Date": "x"}
                ),
                "cookies": [],
                "content": {"size": len(body), "mimeType": "text/xml", "text": body},
                "redirectURL": "",
                "headersSize": 90,
                "bodySize": len(body),
            },
            "cache": {},
            "timings": {"send": 0.4, "wait": 20.5, "receive": 10.5},
        }


def browser_entries(count: int, seed: int = 5) -> Iterator[dict[str, Any]]:
    """Entries as Chromium exports them: 20 header fields in a request, five cookies among them."""
    rng = random.Random(seed)
    session, analytics = _word(rng, 32), f"GA1.1.{rng.randrange(10**9)}.1740787200"
    for number in range(count):
        set_cookie = None
        if number % 97 == 0:
            session = _word(rng, 32)
            set_cookie = f"sid={session}; Path=/; Secure; HttpOnly; SameSite=Lax"
        kind, media, ending = rng.choice(_TYPES)
        name = f"{kind}-{rng.randrange(150)}"
        path = f"/assets/{name}.{ending}" if kind != "fetch" else f"/api/items/{rng.randrange(300)}"
        query = {"v": str(rng.randrange(4)), "page": str(rng.randrange(50))}
        if kind != "fetch":
            query = {}
        cookies = {"sid": session, "csrf": session[::-1], "_ga": analytics, "lang": "en", "t": "1"}
        text = f"{name} " * rng.randrange(10, 90)
        yield _browser_entry(number, kind, media, path, query, cookies, set_cookie, text, rng)


def _browser_entry(
    number: int,
    kind: str,
    media: str,
    path: str,
    query: dict[str, str],
    cookies: dict[str, str],
    set_cookie: str | None,
    text: str,
    rng: random.Random,
) -> dict[str, Any]:
    url = f"https://www.shop.example{path}"
    if query:
        url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    sent = {
        ":authority": "www.shop.example",
        ":method": "GET",
        ":path": url[24:],
        ":scheme": "https",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate, br, zstd",
        "accept-language": "en-US,en;q=0.9,de;q=0.8",
        "cache-control": "no-cache",
        "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "dnt": "1",
        "pragma": "no-cache",
        "priority": "u=1, i",
        "referer": f"https://www.shop.example/shop/page-{number // 40 % 60}",
        "sec-ch-ua": '"Chromium";v="141", "Not?A_Brand";v="8"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": '"Linux"',
        "sec-fetch-dest": "empty",
        "sec-fetch-mode": "cors",
        "sec-fetch-site": "same-origin",
        "user-agent": _AGENT,
    }
    received = {
        "cache-control": "max-age=3600, public",
        "content-encoding": "br",
        "content-length": str(len(text)),
        "content-type": media,
        "date": f"Sun, 01 Mar 2026 {number // 3600 % 24:02}:{number // 60 % 60:02}:00 GMT",
        "etag": f'"{rng.randrange(16**12):012x}"',
        "server": "nginx",
        "strict-transport-security": "max-age=31536000",
        "vary": "Accept-Encoding",
        "x-request-id": f"{rng.randrange(16**16):016x}",
    }
    wait, receive = rng.uniform(5, 90), rng.uniform(0.2, 9)
    return {
        "_initiator": {
            "type": "script",
            "stack": {"callFrames": [{"functionName": "load", "url": url, "lineNumber": number}]},
        },
        "_priority": "High",
        "_resourceType": kind,
        "cache": {},
        "connection": "4321",
        "pageref": "page_1",
        "request": {
            "method": "GET",
            "url": url,
            "httpVersion": "http/2.0",
            "headers": _fields(sent),
            "queryString": _fields(query),
            "cookies": [{"name": n, "value": v, "path": "/"} for n, v in cookies.items()],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 200,
            "statusText": "",
            "httpVersion": "http/2.0",
            "headers": _fields(received | ({"set-cookie": set_cookie} if set_cookie else {})),
            "cookies": [],
            "content": {"size": len(text), "mimeType": media, "text": text},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_transferSize": len(text) + 100,
        },
        "serverIPAddress": "192.0.2.10",
        "startedDateTime": _when(number),
        "time": 3.2 + wait + receive,
        "timings": {
            "blocked": 2.9,
            "dns": -1,
            "ssl": -1,
            "connect": -1,
            "send": 0.3,
            "wait": wait,
            "receive": receive,
            "_blocked_queueing": 1.9,
        },
    }


def write_har(path: Path, entries: Iterator[dict[str, Any]], *, cut: bool = False) -> None:
    """Write a HAR file; `cut`: without the end of its last entry, as of a writer that stopped."""
    written = b""
    with path.open("wb") as file:
        file.write(b'{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"entries":[')
        for number, entry in enumerate(entries):
            written = (b"," if number else b"") + json.dumps(entry).encode()
            file.write(written)
        if cut:
            file.truncate(file.tell() - len(written) // 2)
        else:
            file.write(b"]}}")


def damage(source: Path, target: Path, faults: int = 20) -> None:
    """Copy a HAR file with some lone surrogates in it, which strict readers refuse, and cut it."""
    raw = source.read_bytes()
    end, step = len(raw) * 99 // 100, len(raw) // (faults + 1)
    at = 0
    with target.open("wb") as file:
        for number in range(1, faults + 1):
            place = raw.index(b'"value": "', number * step) + 10
            file.write(raw[at:place] + rb"\ud800")
            at = place
        file.write(raw[at:end])


def write_flows(path: Path, count: int, seed: int = 7) -> None:
    """Write a flow file: exchanges as those of `zest_entries`, with 2 KB bodies."""
    rng = random.Random(seed)
    token = _word(rng)
    with path.open("wb") as file:
        writer = FlowWriter(file)  # type: ignore[no-untyped-call]
        for number in range(count):
            presented = token
            if number % TOKEN_USES == 0:
                token = _word(rng)
            body = _PAGE % (token, f"<Category id='{number % 977:05}'>text</Category>" * 50)
            start = EPOCH.timestamp() + number * 0.25
            flow = tflow.tflow(
                req=http.Request(
                    "shop.example",
                    80,
                    b"GET",
                    b"http",
                    b"",
                    b"/API/V3/BrowseCategory/%05d?_session_token=%s"
                    % (number % 311, presented.encode()),
                    b"HTTP/1.1",
                    http.Headers([(b"Host", b"shop.example"), (b"User-Agent", b"till/3.1")]),
                    b"",
                    None,
                    start,
                    start + 0.001,
                ),
                resp=http.Response(
                    b"HTTP/1.1",
                    200,
                    b"OK",
                    http.Headers([(b"Content-Type", b"text/xml"), (b"X-Set-LangId", b"1")]),
                    body.encode(),
                    None,
                    start + 0.02,
                    start + 0.03,
                ),
            )
            writer.add(flow)


def _when(number: int) -> str:
    moment = EPOCH + timedelta(milliseconds=250 * number + number * 7 % 100)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(rng: random.Random, length: int = 24) -> str:
    return "".join(rng.choices(LETTERS, k=length))


def _fields(pairs: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs.items()]
