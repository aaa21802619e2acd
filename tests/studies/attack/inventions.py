"""Stores of invented names and hosts: what anybody who can send through the proxy can make.

Enters: how many. Leaves: a store, written the way the recorder writes one.
"""

from collections.abc import Iterator
from pathlib import Path

from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.store.sqlite import CaptureCounts, SqliteStore
from support.shops import START

SHOP = "shop.example"
LANGUAGE = (b"X-Set-LangId", b"1;uriquery/forced")
AT_ONCE = 50
"""Names that one response issues."""


def write_inventions(path: Path, names: int, hosts: int) -> Path:
    """A shop that invents names, one of them in every response, and hosts that answer once each.

    All issue a language.
    """
    with SqliteStore.create_or_open(path) as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        capture = store.begin_capture("live")
        rows = store.append_many(extract(one, config) for one in _exchanges(names, hosts))
        store.end_capture(capture, CaptureCounts(exchanges=len(rows)))
    return path


def word(number: int) -> bytes:
    """A name that does not look like a token."""
    return bytes(97 + number // 26**at % 26 for at in range(4))


def _exchanges(names: int, hosts: int) -> Iterator[Exchange]:
    for first in range(0, names, AT_ONCE):
        numbers = (names, *range(first, min(first + AT_ONCE, names)))
        made = ((b"X-Set-%s" % word(number), b"7;header/forced") for number in numbers)
        yield _answer(first, SHOP, LANGUAGE, *made)
    for number in range(hosts):
        yield _answer(names + number, f"h{number}.example", LANGUAGE)


def _answer(number: int, host: str, *fields: tuple[bytes, bytes]) -> Exchange:
    at = START + number * 1000
    request = Request(
        method="GET", scheme="https", host=host, port=443, target=b"/services/v3/products",
        headers=((b"User-Agent", b"app/1"),), http_version="HTTP/1.1",
        start_us=at, end_us=at, peer="192.0.2.1",
    )  # fmt: skip
    response = Response(200, fields, start_us=at + 10, end_us=at + 20, body=b"{}", body_bytes=2)
    return Exchange(f"{host}-{number}", request, response)
