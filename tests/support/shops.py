"""A small store, written the way the recorder writes one: two protocols, a good and a bad client.

The obedient client follows both protocols; the stubborn one keeps its first language and its first
session token for ever. The shop forgets sessions after half an hour of idleness.
"""

from pathlib import Path

from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.store.sqlite import CaptureCounts, SqliteStore

MINUTE = 60_000_000
START = 1_772_442_000_000_000
TOKENS = ("yjipILZBeUWxrFq", "KmTTqEwpOdSaXcV", "PoWnEdRtYuIkLmB")


def write_shop(path: Path) -> Path:
    """Write the store; returns its path."""
    with SqliteStore.create_or_open(path) as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        capture = store.begin_capture("live")
        exchanges = [*_visits("obedient/1", 0), *_visits("stubborn/1", 7)]
        store.append_many(extract(exchange, config) for exchange in exchanges)
        store.end_capture(capture, CaptureCounts(exchanges=len(exchanges)))
    return path


def _visits(agent: str, offset: int) -> list[Exchange]:
    """An hour of a client: the pauses between its requests grow, the last one ends its session."""
    obedient = agent.startswith("obedient")
    held, language, asks, found = "1", b"1", 0, []
    at = START + offset * MINUTE
    for number, pause in enumerate((0, 1, 2, 10, 25, 40, 3)):
        at += pause * MINUTE
        if pause > 30 or held == "1":
            issued = TOKENS[asks] if obedient else TOKENS[asks][::-1]
            asks += 1
        found.append(_zest(agent, at, held, issued))
        if obedient or held == "1":
            held = issued
        newest = b"2" if number > 2 else b"1"
        found.append(_eseller(agent, at + MINUTE // 2, language if number else None, newest))
        if obedient:
            language = newest
    return found


def _zest(agent: str, at: int, held: str, issued: str) -> Exchange:
    body = f'<ResultSet session="{issued}" xmlns="http://www.zeald.com"/>'.encode()
    return _exchange(
        agent, at, "shop.example", f"/API/V3/Cart?_session_token={held}".encode(), (), (), body
    )


def _eseller(agent: str, at: int, held: bytes | None, issued: bytes) -> Exchange:
    sent = () if held is None else ((b"X-LangId", held),)
    answer = ((b"X-Set-LangId", issued + b";header/forced"),)
    return _exchange(agent, at, "prices.example", b"/services/v3/products", sent, answer, b"{}")


def _exchange(
    agent: str,
    at: int,
    host: str,
    target: bytes,
    sent: tuple[tuple[bytes, bytes], ...],
    answer: tuple[tuple[bytes, bytes], ...],
    body: bytes,
) -> Exchange:
    request = Request(
        method="GET", scheme="https", host=host, port=443, target=target,
        headers=((b"User-Agent", agent.encode()), *sent), http_version="HTTP/1.1",
        start_us=at, end_us=at, peer="192.0.2.1",
    )  # fmt: skip
    response = Response(
        200, answer, start_us=at + 20_000, end_us=at + 30_000, body=body, body_bytes=len(body)
    )
    return Exchange(f"{agent}-{at}", request, response)
