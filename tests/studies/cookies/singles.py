"""One response and what becomes of its cookies: cases, dates, and random fields.

Enters: a browser's tab. Leaves: the differences between it and the tables or the rules.
"""

import datetime as dt
from collections.abc import AsyncIterator, Iterable
from random import Random
from typing import Final

from statetrail.dialects.cookies.request import Request
from studies.cookies.browser import Tab, chromium, new_tab
from studies.cookies.judge import jars_differ
from studies.cookies.servers import Servers, options_for
from studies.cookies.ways import FETCH
from support.cookie_cases import CASES, CHROMIUM, CHROMIUM_DATES, DATES, ISSUE_PATH, ISSUER
from support.jars import Jar

SHOWN: Final = 20
PIECES: Final = (
    *("id", "lang", "=", "=", ";", ";", " ", "\t", ",", ".", ":", "-", '"', "\\", "(", "@", "%41"),
    *("Path", "path", "/", "/x", "/desk", "Domain", "domain", "shop.example", ISSUER, "é"),
    *("Secure", "HttpOnly", "SameSite", "None", "Lax", "Partitioned", "\x01", "\x7f"),
    *("__Host-", "__Secure-", "Max-Age", "0", "5", "Expires"),
    *("Sat, 14 Nov 2020 09:08:07 GMT", "Thu, 14-Nov-2080 09:08:07"),
)
"""What random fields are put together of."""
VALUED: Final = ("; Path=", "; Domain=", "; Max-Age=", "; Expires=", "; SameSite=")


async def singles(both: Servers, numbers: Iterable[int], seed: int) -> int:
    """The number of cases, dates and random fields that differ."""
    async with chromium(*options_for(both.ports), third_parties=True) as browser:
        tab = await new_tab(browser, own_jar=True)
        lines = [line async for line in _cases(both, tab)]
        lines += [line async for line in _dates(both, tab)]
        _say(f"{len(CASES)} cases and {len(DATES)} dates", lines)
        fields = [_field(Random(f"{seed} {number}")) for number in numbers]
        more = [line async for line in _fields(both, tab, fields)]
        _say(f"{len(fields)} random fields", more)
    return len(lines) + len(more)


def numbered(path: str, number: int) -> str:
    """A path with the number of its request."""
    return f"{path}{'&' if '?' in path else '?'}n={number}"


def _say(what: str, lines: list[str]) -> None:
    print(f"{what}: {len(lines)} differ")
    for line in lines[:SHOWN]:
        print(f"    {line}")


async def _cases(both: Servers, tab: Tab) -> AsyncIterator[str]:
    scheme = ""
    for case in sorted(CASES, key=lambda case: case.secure):
        if scheme != (scheme := "https" if case.secure else "http"):
            await tab.open(f"{scheme}://{ISSUER}/")
        await tab.clear()
        await _fetch(both, tab, f"{scheme}://{ISSUER}", ISSUE_PATH, case.received)
        _, sent = await _fetch(both, tab, f"{scheme}://{case.host}", case.path, ())
        expected = CHROMIUM.get(case.name, case.sent)
        if sent != expected:
            yield f"{case.name}: sent {sent[:200]!r}, expected {expected[:200]!r}"


async def _dates(both: Servers, tab: Tab) -> AsyncIterator[str]:
    await tab.open(f"http://{ISSUER}/")
    for date, meaning in DATES.items():
        await tab.clear()
        await _fetch(both, tab, f"http://{ISSUER}", "/", (f"a=b; Expires={date}",))
        now = dt.datetime.now(dt.UTC)
        expected: float | None = -1
        if (read := CHROMIUM_DATES.get(date, meaning)) is not None:
            at = dt.datetime.fromisoformat(read).replace(tzinfo=dt.UTC)
            at = min(at, now + dt.timedelta(days=400))
            expected = None if at <= now else at.timestamp()
        kept = await tab.cookies()
        found = kept[0]["expires"] if kept else None
        if found != expected and abs((found or 0) - (expected or 0)) > 2:
            yield f"{date!r}: {found}, expected {expected}"


def _field(chance: Random) -> str:
    pieces = chance.choices(PIECES, k=chance.randint(1, 14))
    field = ("id=" if chance.random() < 0.7 else "") + "".join(pieces)
    if chance.random() < 0.5:
        field += chance.choice(VALUED) + "".join(chance.choices(PIECES, k=chance.randint(0, 3)))
    return field


async def _fields(both: Servers, tab: Tab, fields: list[str]) -> AsyncIterator[str]:
    await tab.open(f"https://{ISSUER}/")
    request = Request(host=ISSUER, path=ISSUE_PATH, secure=True, fetch_site="same-origin")
    for field in fields:
        await tab.clear()
        at_us, _ = await _fetch(both, tab, f"https://{ISSUER}", ISSUE_PATH, (field,))
        jar = Jar(as_chromium=True)
        partition = "https://shop.example False"
        jar.receive(request, [field], now_us=at_us, date_us=None, partition=partition)
        for line in jars_differ(repr(field), jar, await tab.cookies(), at_us):
            yield line


async def _fetch(
    both: Servers, tab: Tab, origin: str, path: str, fields: tuple[str, ...]
) -> tuple[int, str]:
    """When a request came that is answered with these cookies, and its ``Cookie`` field."""
    number = both.expect([f"Set-Cookie: {field}".encode() for field in fields], 200)
    await tab.run(FETCH.format(url=origin + numbered(path, number), method="GET"))
    came = both.received(number)
    assert came is not None
    return came[0], came[1].get("cookie", "")
