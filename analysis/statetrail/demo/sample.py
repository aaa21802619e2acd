"""A small recording for notebooks and first steps, made in a second and without a network.

Enters: a path. Leaves: a store with a day of a shop that speaks the two reference protocols. A
simulated server and clients exchange real messages, which go through the same extraction as
recorded traffic: nothing in the store is written by hand.

- ``shop.example`` (dialect `zest`) forgets a session, and its cart, after half an hour without use.
- ``prices.example`` (dialect `52eseller`) sells in one language until noon, then in another.
- Each client is one shopper with a release of one of three programs. ``Till/2.1.0`` presents no
  token where it redeems coupons, and ``Kiosk/1.3`` keeps the language that it was first given. The
  newest releases keep a session alive while their shopper pauses. One whose cart is gone gives up
  more often than not.
"""

import random
import string
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from statetrail.dialects import select
from statetrail.errors import UsageError
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.store.sqlite import CaptureCounts, SqliteStore

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
IDLE: Final = 30 * MINUTE
"""How long the shop keeps an unused session, in microseconds."""
START: Final = 1_772_442_000_000_000
"""2026-03-02 09:00 UTC, in microseconds."""
NOON: Final = START + 3 * 60 * MINUTE
DROPS: Final = "Till/2.1.0"
KEEPS: Final = "Kiosk/1.3"
ALIVE: Final = ("Till/2.1.1", "Kiosk/1.4")
PROGRAMS: Final = ("Till/2.0.4", DROPS, KEEPS, "Catalogue/7.2", *ALIVE)
"""The releases; clients are dealt to them in turn."""
_GIVES_UP: Final = 0.7
_ALIVE_EVERY: Final = 10 * MINUTE
_SHORT_S: Final = (2.0, 300.0)
_LONG_S: Final = (300.0, 2700.0)
"""Between a shopper's requests: in one half of the cases short, in the other long."""


@dataclass
class _Shop:
    """The server of ``shop.example``: its sessions, by when each was last used."""

    chance: random.Random
    used: dict[str, int] = field(default_factory=dict)

    def session(self, presented: str | None, at: int) -> str | None:
        """The session that a request is answered with; a request without a token has none."""
        if presented is None:
            return None
        if presented not in self.used or at - self.used[presented] > IDLE:
            presented = "".join(self.chance.choices(string.ascii_letters, k=15))
        self.used[presented] = at
        return presented


@dataclass
class _Client:
    """A client: its program, its address, and what it holds."""

    program: str
    peer: str
    at: int
    token: str = "1"  # asks for a session
    language: str | None = None


def write_sample(path: Path | str, *, clients: int = 60, seed: int = 1) -> Path:
    """Write the store; returns its path.

    Parameters
    ----------
    path
        Where to write it; nothing may be there.
    clients
        How many clients there are. Each makes some 25 requests.
    seed
        Equal seeds make equal traffic. The store's key is new each time, so pseudonyms differ.

    Raises
    ------
    UsageError
        Something is there.
    """
    path = Path(path)
    if path.exists():
        raise UsageError(f"{path} exists: name a new file for the sample")
    with SqliteStore.create_or_open(path) as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        capture = store.begin_capture("live")
        exchanges = sorted(_day(clients, seed), key=lambda one: one.request.start_us)
        store.append_many(extract(exchange, config) for exchange in exchanges)
        store.end_capture(capture, CaptureCounts(exchanges=len(exchanges)))
    return path


def _day(clients: int, seed: int) -> Iterator[Exchange]:
    chance = random.Random(seed)
    shop = _Shop(chance)
    for number in range(clients):
        peer = f"192.0.{2 + number // 250}.{1 + number % 250}"
        start = START + chance.randrange(5 * 60 * MINUTE)
        client = _Client(PROGRAMS[number % len(PROGRAMS)], peer, start)
        yield from _visit(client, shop, chance)


def _visit(client: _Client, shop: _Shop, chance: random.Random) -> Iterator[Exchange]:
    """A shopper browses, fills a cart, redeems coupons, and orders if the cart is still there."""
    browsing = [("GET", "BrowseCategory/00411"), ("GET", "Product/4012")]
    filling = [("POST", "Cart"), ("GET", "Product/4013"), ("GET", "Cart")]
    ordering = [
        ("POST", "Cart/Coupon"),
        ("GET", "Report"),
        ("POST", "Cart/Coupon"),
        ("POST", "Order"),
    ]
    filled = False
    steps = [*browsing, *filling, *filling[: chance.randrange(3)], *ordering]
    while steps:
        method, page = steps.pop(0)
        lost = yield from _request(client, shop, method, page)
        if lost and filled:
            if chance.random() < _GIVES_UP:
                return
            steps = [*filling, *ordering]
        filled = (filled and not lost) or page == "Cart"
        pause = int(SECOND * chance.uniform(*chance.choice((_SHORT_S, _LONG_S))))
        while client.program in ALIVE and pause > _ALIVE_EVERY:
            client.at += _ALIVE_EVERY
            pause -= _ALIVE_EVERY
            yield from _request(client, shop, "GET", "Cart")
        client.at += pause


def _request(
    client: _Client, shop: _Shop, method: str, page: str
) -> Generator[Exchange, None, bool]:
    """A request to each server; whether the shop had lost the session."""
    drops = client.program == DROPS and page == "Cart/Coupon"
    presented = None if drops else client.token
    issued = shop.session(presented, client.at)
    yield _zest(client, client.at, method, page, presented, issued)
    yield _price(client, client.at + SECOND // 2)
    lost = issued is not None and presented not in ("1", issued)
    client.token = issued or client.token
    return lost


def _zest(
    client: _Client, at: int, method: str, page: str, presented: str | None, issued: str | None
) -> Exchange:
    query = "" if presented is None else f"?_session_token={presented}"
    session = "" if issued is None else f' session="{issued}"'
    body = f'<ResultSet{session} xmlns="http://www.zeald.com/"/>'.encode()
    return _exchange(client, at, "shop.example", method, f"/API/V3/{page}{query}", body=body)


def _price(client: _Client, at: int) -> Exchange:
    language = "1" if at < NOON else "2"
    sent = () if client.language is None else ((b"X-LangId", client.language.encode()),)
    issued = ((b"X-Set-LangId", f"{language};header/forced".encode()),)
    if client.language is None or client.program != KEEPS:
        client.language = language
    target = "/services/v3/products"
    return _exchange(client, at, "prices.example", "GET", target, sent, issued, b"{}")


def _exchange(
    client: _Client,
    at: int,
    host: str,
    method: str,
    target: str,
    sent: tuple[tuple[bytes, bytes], ...] = (),
    answer: tuple[tuple[bytes, bytes], ...] = (),
    body: bytes = b"",
) -> Exchange:
    """An exchange of 40 milliseconds."""
    headers = ((b"User-Agent", client.program.encode()), *sent)
    request = Request(
        method, "https", host, 443, target.encode(), headers, "HTTP/1.1", at, at, peer=client.peer
    )
    response = Response(
        200, answer, start_us=at + 30_000, end_us=at + 40_000, body=body, body_bytes=len(body)
    )
    return Exchange(f"{client.peer}-{host}-{at}", request, response)
