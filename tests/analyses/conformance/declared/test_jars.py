"""Browsers behind one sender: each obeys its own jar, and nobody is blamed for another's."""

import heapq
from random import Random

import pytest

import statetrail
from statetrail.dialects import select
from statetrail.dialects.cookies.request import Request as Context
from statetrail.extract.extractor import ExtractorConfig, extract_all
from statetrail.extract.records import Exchange, Request, Response
from statetrail.store.sqlite import SqliteStore
from support.jars import Jar
from support.traffic import AT

NAMES = ("sid", "csrf", "cart", "lang", "remember", "pref", "token")
FETCH = ((b"Sec-Fetch-Site", b"same-origin"), (b"Sec-Fetch-Mode", b"cors"))


def set_cookie(chance: Random, name: str) -> str:
    """A field that sets, renews or deletes: tokens, and short values that many have."""
    if chance.random() < 0.15:
        return f"{name}=; Path={chance.choice(('/', '/', '/app'))}; Max-Age=0"
    values = ["1", "0", "en-US-default", "de-DE-default"]
    if name in ("sid", "csrf", "token") or (name == "remember" and chance.random() < 0.5):
        values = [f"{name}-{chance.randrange(10**12):012d}"]
    attributes = [chance.choice(("; Path=/", "; Path=/", "; Path=/", "; Path=/app", ""))]
    attributes += [f"; Max-Age={chance.choice((2, 5, 30, 600))}"] * (chance.random() < 0.2)
    attributes += ["; Domain=shop.example"] * (chance.random() < 0.1)
    return f"{name}={chance.choice(values)}{''.join(attributes)}"


def visits(seed: int, *, browsers: int, requests: int = 60) -> list[Exchange]:
    """Requests of browsers that keep what they are given, at once or late, in any order."""
    chance, at = Random(seed), AT
    jars = [Jar() for _ in range(browsers)]
    under_way: list[tuple[int, int, int, Context, list[str]]] = []
    found = []
    for number in range(requests):
        at += chance.choice((10_000, 100_000, 400_000, 1_000_000, 3_000_000))
        own, path = chance.randrange(browsers), chance.choice(("/", "/app/x", "/app", "/login"))
        host = chance.choice(("www.shop.example",) * 4 + ("shop.example",))
        while under_way and under_way[0][0] <= at:
            ended, _, browser, context, given = heapq.heappop(under_way)
            jars[browser].receive(context, given, now_us=ended, date_us=ended)
        context = Context(
            host=host, path=path, secure=True, method="GET", fetch_site="same-origin",
            fetch_mode="cors", fetch_dest="empty", storage_access=None,
        )  # fmt: skip
        sent = jars[own].header(context, now_us=at)
        names = chance.choices(NAMES, k=chance.choice((0, 0, 1, 1, 2, 3)))
        given = [set_cookie(chance, name) for name in names]
        begun = at + chance.choice((1_000, 50_000, 500_000))
        ended = begun + chance.choice((0, 1_000, 800_000))
        heapq.heappush(under_way, (ended, number, own, context, given))
        cookies = ((b"Cookie", sent.encode()),) * bool(sent)
        request = Request(
            method="GET", scheme="https", host=host, port=443, target=path.encode(),
            headers=(*FETCH, *cookies), http_version="HTTP/1.1", start_us=at, end_us=at,
            peer="192.0.2.7",
        )  # fmt: skip
        fields = tuple((b"Set-Cookie", field.encode()) for field in given)
        status = chance.choice((200,) * 8 + (302, 404, 500))
        found.append(Exchange(f"f{number}", request, Response(status, fields, begun, ended)))
    return found


@pytest.mark.parametrize("browsers", [1, 2, 5])
def test_browsers_behind_one_sender_are_not_blamed(tmp_path, browsers: int) -> None:
    """Whatever is set, renewed, replaced and deleted meanwhile, for one of them or for all."""
    dialects = select("cookie")
    for seed in range(12):
        path = tmp_path / f"{seed}.sqlite"
        with SqliteStore.create_or_open(path) as store:
            config = ExtractorConfig(dialects, store.fingerprinter)
            store.append_many(extract_all(visits(seed, browsers=browsers), config))
        rows = statetrail.verdicts(statetrail.open(path, dialects=dialects)).rows()
        assert [row for row in rows if row["fault"]] == [], f"seed {seed}"
        assert sum(row["verdict"] == "honoured" for row in rows) > 0.8 * len(rows)
