"""Random histories of a browser: the pages it asks for, and the cookies it is answered with.

Enters: a random generator. Leaves: a `History`, whose steps name address, way of asking and fields.
"""

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, NamedTuple

from statetrail.dialects.cookies.scope import schemeful_site

type Way = Literal["type", "link", "form", "fetch", "frame", "framed"]

SITES: Final = (
    *(("www.shop.example", "shop.example", "a.www.shop.example", "pay.shop.example"),) * 6,
    *(("www.other.co.uk", "other.co.uk", "pay.other.co.uk"),) * 3,
    *(("ann.github.io", "bob.github.io", "github.io"),) * 2,
    *(("localhost",), ("127.0.0.1",), ("10.0.0.7",), ("intranet",)),
)
HOSTS: Final = sorted({host for site in SITES for host in site})
PATHS: Final = (
    *("/", "/desk", "/desk/", "/desk/show", "/desk/show/x", "/desks", "/till/box", "/DESK"),
    *("/desk?x=/till", "/d%65sk/show"),
)
NAMES: Final = (
    *("id", "id", "cart", "cart", "lang", "__Secure-id", "__Host-id", "__hOsT-cart", "__Http-id"),
    *("__Host-Http-id", "größe", "$v", "a b", "", ""),
)
COOKIE_PATHS: Final = (
    *("/", "/", "/desk", "/desk/", "/desk/show", "/till", "/till/box", "/d%65sk", "/desk?x"),
    *("", "desk", '"/desk"', "/DESK", "/" + "x" * 1024),
)
SHAPES: Final = (
    *("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"),
    "%d-%B-%Y %H:%M:%S",
)
HTTP_DATE: Final = SHAPES[0]
LIFETIMES_S: Final = (-86_400, -60, 60, 3600, 86_400 * 30, 86_400 * 500)
SKEWS_S: Final = (None, None, 0, 0, 0, -40, 5, 7200, -86_400)


class Page(NamedTuple):
    """A page, or what is asked for, without its path."""

    scheme: str
    host: str

    @property
    def site(self) -> str:
        """Its schemeful site."""
        return schemeful_site(self.scheme, self.host)

    @property
    def trustworthy(self) -> bool:
        """Whether a browser sends Fetch Metadata there."""
        return self.scheme == "https" or self.host in ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what answers it.

    `fields` are those of ``Set-Cookie``; dates in them count from the moment in which they are
    made, with the clock of the server (`skew_s`; `None`: it sends no ``Date``). A redirection leads
    to another page of the same host, which sets nothing.
    """

    way: Way
    target: Page
    path: str
    method: str
    fields: tuple[str, ...]
    status: int
    skew_s: int | None
    pause_s: float


@dataclass(frozen=True, slots=True)
class History:
    """What happens in one window, from a page on."""

    number: int
    start: Page
    steps: tuple[Step, ...]


def history(number: int, seed: int, now: dt.datetime) -> History:
    """The history of that number."""
    chance = Random(f"{seed} {number}")
    own, others = (chance.sample(site := chance.choice(SITES), min(2, len(site))) for _ in "ab")
    paths = chance.sample(PATHS, 4)
    start = page = Page(chance.choice(("https", "https", "http")), chance.choice(own))
    waits = chance.random() < 0.02
    steps = []
    for _ in range(chance.randint(3, 8)):
        way = _way(chance)
        target = _target(chance, page, way, own if chance.random() < 0.8 else others)
        method = "POST" if way == "form" else chance.choice(("GET", "GET", "POST"))
        skew_s = chance.choice(SKEWS_S)
        fields = [
            _field(chance, target.host, now + dt.timedelta(seconds=skew_s or 0), waits=waits)
            for _ in range(chance.choice((0, 1, 2, 3, 4)))
        ]
        steps.append(
            Step(
                way=way,
                target=target,
                path=chance.choice(paths),
                method=method if way in ("form", "fetch") else "GET",
                fields=tuple(fields),
                status=chance.choice((200, 200, 200, 302, 404, 500)),
                skew_s=skew_s,
                pause_s=chance.choice((0.0, 1.5, 3.0)) if waits else 0.0,
            )
        )
        if way in ("type", "link", "form"):
            page = target
    return History(number, start, tuple(steps))


def _way(chance: Random) -> Way:
    ways: tuple[Way, ...] = ("fetch", "frame", "framed", "link", "form", "type")
    return chance.choices(ways, (80, 4, 4, 5, 4, 3))[0]


def _target(chance: Random, page: Page, way: Way, hosts: list[str]) -> Page:
    """Where a page may ask: not from https for http, but by a link."""
    scheme = chance.choice(("https", "https", "http"))
    if page.scheme == "https" and way not in ("type", "link"):
        scheme = "https"
    return Page(scheme, chance.choice(hosts))


def _field(chance: Random, host: str, server_now: dt.datetime, *, waits: bool) -> str:
    name = chance.choice(NAMES)
    value = chance.choice(
        (
            *(f"v{chance.randrange(10**6)}",) * 12,
            *(
                "same",
                "same",
                "",
                '"q u"',
                "a=b",
                "x, y",
                "süß",
                "%41",
                "t\tt",
                "c\x01",
                "__Host-x",
            ),
            "v" * chance.choice((4090, 4096)),
        )
    )
    pair = f"{name}={value}" if name or chance.random() < 0.5 else value
    attributes = [
        _attribute(chance, host, server_now, waits=waits)
        for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4)))
    ]
    # Where Secure is wanted, it stands there most of the time.
    if (name.startswith("__") or "SameSite=None" in attributes) and chance.random() < 0.8:
        attributes.append("Secure")
    if name.lower().startswith("__host-") and chance.random() < 0.7:
        attributes = [a for a in attributes if a[:3] not in ("Dom", "Pat")] + ["Path=/"]
    if "Http-" in name and chance.random() < 0.7:
        attributes.append("HttpOnly")
    return pair + "".join(_written(chance, attribute) for attribute in attributes)


def _attribute(chance: Random, host: str, server_now: dt.datetime, *, waits: bool) -> str:
    match chance.randrange(12):
        case 0 | 1:
            return f"Domain={_domain(chance, host)}"
        case 2 | 3:
            return f"Path={chance.choice(COOKIE_PATHS)}"
        case 4:
            return "Secure"
        case 5:
            return "HttpOnly"
        case 6 | 7:
            return (
                f"SameSite={chance.choice(('None', 'None', 'None', 'Lax', 'Strict', 'some', ''))}"
            )
        case 8:
            return "Partitioned"
        case 9:
            ages = ("1", "2") if waits else ("60", "3600", "0", "-1", "99999999999")
            return f"Max-Age={chance.choice(ages)}"
        case 10:
            moment = server_now + dt.timedelta(seconds=chance.choice(LIFETIMES_S))
            return f"Expires={moment.strftime(chance.choice(SHAPES))}"
        case _:
            return chance.choice(("x", "=", "", "version=1", '"Secure"', "Secure yes", "pa th=/"))


def _domain(chance: Random, host: str) -> str:
    above = host.partition(".")[2]
    return chance.choice(
        (
            *(host, f".{host}", host.upper(), above, above, f".{above}", f"x.{host}"),
            *(above.partition(".")[2], f"{host}.", f"..{host}", "", ".", f'"{host}"'),
            *(f"{host}:443", chance.choice(HOSTS), "com", "github.io", "co.uk"),
        )
    )


def _written(chance: Random, attribute: str) -> str:
    """With blanks and letters as servers write them."""
    name, equals, value = attribute.partition("=")
    name = chance.choice((name, name, name.lower(), name.upper()))
    blank = chance.choice(("", "", "", " ", "\t"))
    return f";{chance.choice(('', ' ', ' '))}{name}{blank}{equals}{blank}{value}{blank}"
