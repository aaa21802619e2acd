"""For each rule a history where it fires and near misses where it does not."""

from dataclasses import dataclass, replace
from typing import Any

from support.histories import Ex, Issue, Present, token, use

CART = "/API/V3/Cart"
BASKET = "/services/v3/baskets/1"


def zest(
    start: float, issued: str | None, *shown: str, method: str = "GET", client: str = "app"
) -> Ex:
    """A ZEST exchange on the cart: 20 ms from request to response."""
    return Ex(
        start,
        start + 10,
        start + 20,
        [] if issued is None else [token(issued)],
        [use(value) for value in shown],
        client=client,
        method=method,
        path=CART,
    )


def servlet(
    start: float, path: str, shown: str | None = None, issued: str | None = None, **extra: Any
) -> Ex:
    """An exchange with a Servlet's session in the path: 20 ms from request to response."""
    told = {"channel": "location", "tells": 1}
    issues = [Issue("jsessionid", issued, "implicit", dialect="jsessionid", extra=told)]
    return Ex(
        start,
        start + 10,
        start + 20,
        issues if issued else [],
        [Present("jsessionid", shown, "path", dialect="jsessionid")] if shown else [],
        path=path,
        **extra,
    )


def struts(start: float, shown: str | None = None, issued: str | None = None) -> Ex:
    """A form with a token of Struts, which is good for one request."""
    issues = [Issue("struts.TOKEN", issued, "form", dialect="jsessionid", extra={"tells": 1})]
    return Ex(
        start,
        start + 10,
        start + 20,
        issues if issued else [],
        [Present("struts.TOKEN", shown, "form", dialect="jsessionid")] if shown else [],
        method="POST",
        path="/order",
    )


def bounced(start: float, shown: str | None = None) -> Ex:
    """An account's page that redirects to the login."""
    return servlet(start, "/account", shown, status=302, extra={"redirect_endpoint": "/login"})


LOGGED_OUT = [
    bounced(0), servlet(100, "/login", issued="J1"), servlet(200, "/account", "J1"),
    servlet(1000, "/logout", "J1", method="POST", status=204),
]  # fmt: skip


def login(start: float, issued: str, *shown: str) -> Ex:
    """A ZEST login."""
    return replace(zest(start, issued, *shown, method="POST"), path="/API/V3/Login")


def shop(
    start: float,
    issued: list[Issue] | None = None,
    shown: list[Present] | None = None,
    *,
    path: str = "/services/v3/products",
    method: str = "GET",
    **extra: Any,
) -> Ex:
    """A 52eSELLER exchange: 20 ms from request to response."""
    return Ex(
        start,
        start + 10,
        start + 20,
        issued or [],
        shown or [],
        path=path,
        method=method,
        extra=extra,
    )


def ads(start: float, *traces: tuple[str, str]) -> Ex:
    """A request to another origin, with what looks like a token in it."""
    return Ex(start, start + 10, start + 20, host="ads.example", path="/collect", traces=traces)


@dataclass(frozen=True)
class Fires:
    """Where a rule fires: once, for this subject, this often of so many."""

    history: list[Ex]
    client: str | None
    param: str
    count: int
    evidence: str
    message: str


LANG = Issue("LangId", "1", "uriquery", "informational")
LOC = Issue("LocId", "7", "header", "informational")
LIST = Issue("PriceListId", "7", "header", "forced")
CUSTOMER = Issue("CustomerId", "4201965", "implicit", "forced")
CURRENCY = Issue("CurrId", "54", "uriquery", "informational")
VISITOR = Issue("VisitorId", "Qx7aZ4mP0s", "header", "forced")
DATE = Issue("PriceCalculationDate", "2026-01-01", "header", "forced")
AUTH = Issue("Authentication", "GbT2iMws", "header", "forced")
SHOW_LOC = Present("LocId", "7")
SHOW_LIST = Present("PriceListId", "7")
SHOW_VISITOR = Present("VisitorId", "Qx7aZ4mP0s")
SHOW_AUTH = Present("Authentication", "GbT2iMws")
CROSS = {"request_origin": "https://app.example"}

TICKET = Issue("Ticket", "Kp3xW9vTq2LmZ8rYb4", "header", "forced")
SHOW_TICKET = Present("Ticket", "Kp3xW9vTq2LmZ8rYb4")
LONG = "Zk1Rv4Xs7PqL0nHe2Wd5Yf"
PRODUCTS = "/services/v3/products"
HOUR = 3_600_000
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2ln"
"""A JSON Web Token that ends after an hour."""


def successive(*values: Issue) -> list[Ex]:
    """A server that issues these, one a second, to a client that presents nothing."""
    return [shop(1000 * n, [value]) for n, value in enumerate(values)]


def again(issue: Issue, **other: Any) -> Issue:
    """The same parameter, issued otherwise."""
    return replace(issue, **other)


def invented(number: int) -> Issue:
    """A parameter that no dialect lists."""
    return Issue(f"Made{number}", "1")


FIRES: dict[str, Fires] = {
    "token-kept-after-reset": Fires(
        [zest(0, "T1", "1"), zest(9000, "T2", "T1"), zest(10_000, None, "T1")],
        "app", "_session_token", 1, "3", "1 of 2 requests presented a _session_token that had",
    ),
    "token-in-url": Fires(
        [zest(0, "T1", "1"), zest(1000, None, "T1")],
        None, "_session_token", 1, "2",
        "1 of 1 requests that presented _session_token had it in the query of the URL (GET "
        "/API/V3/Cart)",
    ),
    "plain-http": Fires(
        [shop(0, [LANG]), shop(1000)], None, "LangId", 1, "1", "1 of 1 exchanges carried LangId",
    ),
    "token-guessable": Fires(
        [zest(0, "abcdefgh", "1")], None, "_session_token", 1, "1",
        "less than 64 bits at best (8 characters, at most 38 bits)",
    ),
    "idle-limit-exceeded": Fires(
        [zest(0, "I1", "1"), zest(HOUR + 5000, "I1", "I1"), zest(HOUR + 9000, "I1", "I1")],
        None, "_session_token", 1, "2", "1 of 2 accepted uses of _session_token came after it had "
        "been unused for more than 1 h",
    ),
    "age-limit-exceeded": Fires(
        [zest(0, "G1", "1"), zest(HOUR, "G1", "G1"), zest(25 * HOUR, "G1", "G1")],
        None, "_session_token", 1, "3", "1 of 2 accepted uses of _session_token were of a value "
        "older than 24 h",
    ),
    "declared-lifetime-exceeded": Fires(
        [zest(0, JWT, "1"), zest(HOUR, JWT, JWT), zest(HOUR + 301_000, JWT, JWT)],
        None, "_session_token", 1, "3", "1 of 2 accepted uses of a _session_token that declares "
        "its lifetime came more than 5 min after",
    ),
    "no-limit-seen": Fires(
        [zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(2000, "T1", "T1")],
        None, "_session_token", 2, "2,3", "2 of 2 uses of _session_token were accepted: neither",
    ),
    "superseded-honoured": Fires(
        [zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(200_000, "T1", "T1")],
        None, "_session_token", 1, "3", "1 of 1 late uses of a replaced _session_token were "
        "accepted more than 1 min after",
    ),
    "token-kept-at-login": Fires(
        [zest(0, "T1", "1"), login(1000, "T1", "T1")],
        None, "_session_token", 1, "2", "1 of 1 logins that presented a _session_token were",
    ),
    "state-cacheable": Fires(
        [shop(0, [LANG], cache_control="public,max-age=60"), shop(1000, [LANG])],
        None, "LangId", 1, "1", "1 of 2 responses to GET that issued LangId let shared caches "
        "store them (public,max-age=60 at /services/v3/products)",
    ),
    "state-contradictory": Fires(
        successive(LANG, again(LANG, usage="header"), LANG),
        None, "LangId", 2, "2,3", "2 of 3 issues of LangId had another usage or priority",
    ),
    "state-flapping": Fires(
        successive(LANG, again(LANG, value="2"), LANG, again(LANG, value="2")),
        None, "LangId", 2, "3,4", "2 of 3 changes of LangId went back to the previous value",
    ),
    "forced-value-changed": Fires(
        successive(LIST, again(LIST, value="8")),
        None, "PriceListId", 1, "2", "1 of 1 changes of the forced PriceListId came without",
    ),
    "token-handed-twice": Fires(
        [zest(0, "S1", "1", client="one"), zest(0, "S1", "1", client="two"),
         zest(1000, None, "S1", client="one"), zest(1000, None, "S1", client="two")],
        None, "_session_token", 2, "3,4", "2 of 2 clients that share a _session_token with others "
        "received it from the server",
    ),
    "too-little-evidence": Fires(
        [zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(9000, "T2", "T1")],
        None, "_session_token", 2, "2,3", "2 of 2 uses bear on the lifetime of _session_token",
    ),
    "left-truncated": Fires(
        [zest(0, "T1", "T1"), zest(1000, "T2", "1"), zest(2000, None, "T2")],
        None, "_session_token", 1, "1", "1 of 2 values of _session_token were in use before",
    ),
    "clock-steps": Fires(
        [Ex(1000, 400, 500, path=CART), zest(2000, None)], None, None, 1, "1",
        "1 of 2 exchanges ended before they started, or before an earlier one did (GET "
        "/API/V3/Cart)",
    ),
    "no-response": Fires(
        [Ex(0, None, None, path=CART), zest(1000, None)], None, None, 1, "1",
        "1 of 2 exchanges have no response, or one that was cut short (server-disconnected)",
    ),
    "stale-value": Fires(
        [shop(0, [LIST]), shop(1000, [again(LIST, value="8")], [SHOW_LIST]),
         shop(2000, shown=[Present("PriceListId", "8")]), shop(3000, shown=[SHOW_LIST])],
        "app", "PriceListId", 1, "4",
        "1 of 3 requests presented an old value of PriceListId: a newer one had arrived before, or "
        "it had ended otherwise (GET /services/v3/products). Expected: the newest value of "
        "PriceListId that the server issued, until that has ended. Root cause: unknown (1). Open: "
        "no root cause is known",
    ),
    "earlier-value-kept": Fires(
        [shop(0, [LOC]), *(shop(1000 * n, [again(LOC, value="8")], [SHOW_LOC]) for n in (1, 2)),
         *(shop(1000 * n, shown=[SHOW_LOC]) for n in (3, 4))],
        "app", "LocId", 3, "3,4,5", "3 of 4 requests presented the earlier value of LocId",
    ),
    "sessions-mixed": Fires(
        [shop(0, [TICKET]), shop(10, [AUTH], path=BASKET), shop(1000, shown=[SHOW_TICKET]),
         shop(2000, [TICKET], [SHOW_TICKET, SHOW_AUTH], path=BASKET),
         shop(3000, shown=[SHOW_AUTH], path=BASKET)],
        "app", "Authentication", 1, "4", "1 of 2 requests presented an Authentication that belongs",
    ),
    "older-token-accepted": Fires(
        [zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(30_000, "T1", "T1")],
        None, "_session_token", 1, "3", "1 of 1 late uses of a replaced _session_token were "
        "answered with the old value again, within 1 min",
    ),
    "left-out-of-report": Fires(
        [shop(0, [invented(number) for number in range(34)])],
        None, None, 2, "1", "2 of 34 origins, or of the names at an origin that no dialect lists, "
        "are left out of the report",
    ),
    "many-sessions": Fires(
        [zest(0, "T1", "1"), zest(1000, "U1", "1"), zest(2000, "T1", "T1"), zest(3000, "U1", "U1"),
         zest(0, "S1", "1", client="bot")],
        None, None, 1, "2", "1 of 2 clients held several sessions at the same time (app: 2 at once "
        "of 2)",
    ),
    "state-omitted": Fires(
        [shop(0, [LANG]), shop(1000), shop(2000, shown=[Present("LangId", "1", "uriquery")])],
        "app", "LangId", 1, "2", "1 of 2 requests did not present LangId",
    ),
    "token-dropped": Fires(
        [zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(2000, None), zest(3000, None)],
        "app", "_session_token", 2, "3,4", "2 of 3 requests were sent without _session_token",
    ),
    "forced-value-defied": Fires(
        [shop(0, [LIST]), shop(1000, shown=[Present("PriceListId", "99")])],
        "app", "PriceListId", 1, "2", "1 of 1 requests presented a value of PriceListId that",
    ),
    "misplaced-value": Fires(
        [shop(0, [LOC]), shop(1000, shown=[Present("LocId", "7", "uriquery")])],
        "app", "LocId", 1, "2", "in another place than the issue names",
    ),
    "implicit-set": Fires(
        [shop(0, [CUSTOMER]), shop(1000, shown=[Present("CustomerId", "4201965")])],
        "app", "CustomerId", 1, "2", "1 of 1 requests presented CustomerId, whose",
    ),
    "session-restarted": Fires(
        [zest(1000 * n, f"T{n}", "1") for n in range(4)],
        "app", "_session_token", 3, "2,3,4", "3 of 3 requests asked for a new _session_token",
    ),
    "authentication-not-allowed": Fires(
        [shop(0, [AUTH]), shop(1000, shown=[SHOW_AUTH]),
         shop(2000, shown=[SHOW_AUTH], path="/services/v3/orders")],
        "app", "Authentication", 1, "2",
        "1 of 2 requests that presented Authentication went to methods that are not known to allow "
        "it (GET /services/v3/products)",
    ),
    "basket-state-by-context": Fires(
        [shop(0, [CURRENCY]),
         shop(1000, shown=[Present("CurrId", "840", "uriquery")], path=BASKET),
         shop(2000, shown=[Present("CurrId", "54", "uriquery")], path=BASKET)],
        "app", "CurrId", 1, "2", "PUT /services/v3/baskets/{basketId}/state",
    ),
    "session-reset": Fires(
        [zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(9000, "T2", "T1")],
        "app", "_session_token", 1, "3", "1 of 2 requests that presented a _session_token were",
    ),
    "cart-lost": Fires(
        [zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"), zest(9000, "T2", "T1"),
         zest(9500, "T2", "T2")],
        "app", "_session_token", 1, "3,2",
        "1 of 1 lost sessions contained a cart that the client did not fill again (GET "
        "/API/V3/Cart: reset)",
    ),
    "malformed-state-header": Fires(
        [shop(0, [Issue("LangId", "1", problem="no-tail")]), shop(1000, [LANG])],
        None, "LangId", 1, "1",
        "1 of 2 issues of LangId are malformed (no-tail at /services/v3/products). "
        "Expected: a well-formed value: {value};{usage}/{priority} once",
    ),
    "state-header-not-exposed": Fires(
        [shop(0, [LANG], exposed_headers="x-set-locid", **CROSS),
         shop(1000, [LANG], exposed_headers="x-set-locid,x-set-langid", **CROSS)],
        None, "LangId", 1, "1", "1 of 2 cross-origin responses that issued LangId did not expose",
    ),
    "value-mangled": Fires(
        [shop(0, [VISITOR]), shop(1000, shown=[Present("VisitorId", "Qx7aZ4mP0s")]),
         shop(2000, shown=[Present("VisitorId", "qx7az4mp0s")])],
        "app", "VisitorId", 1, "3", "Root cause: encoding-variant (1).",
    ),
    "state-not-implemented": Fires(
        [shop(0, [DATE]), *(shop(1000 * n) for n in range(1, 6))],
        "app", "PriceCalculationDate", 5, "2,3,4,5,6",
        "5 of 5 requests did not present PriceCalculationDate, and the client never does",
    ),
    "token-shared": Fires(
        [zest(0, "S1", "1", client="one"), zest(500, None, "S1", client="one"),
         zest(1000, "S1", "S1", client="two")],
        "two", "_session_token", 1, "3",
        "1 of 1 requests presented a _session_token that other clients present as well (taken)",
    ),
    "logout-survived": Fires(
        [*LOGGED_OUT, servlet(9000, "/account", "J1")], None, "jsessionid", 1, "5",
        "1 of 1 requests with a jsessionid after the logout",
    ),
    "token-leaked": Fires(
        [zest(0, "L1", "1"), zest(1000, None, "L1"), ads(2000, ("referer", "L1")), ads(3000)],
        "app", "_session_token", 1, "3",
        "1 of 2 requests to other origins carried a _session_token that was issued here (referer "
        "to http://ads.example)",
    ),
    "override-fought": Fires(
        [shop(0, [LOC]), *(shop(1000 * n, [LOC], [Present("LocId", "9")]) for n in (1, 2)),
         shop(3000, [Issue("LocId", "9")], [Present("LocId", "9")])],
        "app", "LocId", 2, "2,3", "2 of 3 overrides of LocId were answered by issuing another",
    ),
}  # fmt: skip

MISSES: dict[str, dict[str, list[Ex]]] = {
    "token-kept-after-reset": {
        "the client goes on with the new one": [
            zest(0, "T1", "1"), zest(9000, "T2", "T1"), zest(10_000, None, "T2"),
        ],
        "under way when the reset came": [
            zest(0, "T1", "1"), Ex(9000, 9010, 9900, [token("T2")], [use("T1")], path=CART),
            zest(9500, None, "T1"),
        ],
        "the client had asked for another": [
            zest(0, "T1", "1"), zest(1000, "T2", "1"), zest(2000, None, "T1"),
        ],
        "a token for one request, sent twice at once": [
            struts(0, issued="K1"), struts(1000, "K1"), struts(1005, "K1"),
        ],
    },
    "token-in-url": {
        "a ticket in a header": [shop(0, [TICKET]), shop(1000, shown=[SHOW_TICKET])],
        "a language is no secret": [shop(0, shown=[Present("LangId", "1", "uriquery")])],
        "asking for a session": [zest(0, None, "1")],
    },
    "plain-http": {
        "https": [shop(0, [LANG], scheme="https", port=443)],
        "on one machine": [shop(0, [LANG], host="127.0.0.1"), shop(1, [LANG], host="localhost")],
        "nothing in it": [shop(0)],
    },
    "token-guessable": {
        "as long as the protocol's sample": [zest(0, "kQzRtWmPxLcVbNd", "1")],
        "a language is no secret": [shop(0, [LANG])],
        "the number of a visitor is no credential": [shop(0, [replace(VISITOR, value="12345")])],
        "only letters of its alphabet by chance": [
            zest(0, "abcdefghijkl", "1"), zest(1000, "AB12CDEF34GH", "1"),
        ],
    },
    "idle-limit-exceeded": {
        "used within the hour": [zest(0, "T1", "1"), zest(HOUR - 5000, "T1", "T1")],
        "not accepted any more": [zest(0, "T1", "1"), zest(2 * HOUR, "T2", "T1")],
        "the pause may have been shorter": [
            zest(0, "T1", "1"), Ex(0, 10, 9000, [token("T1")], [use("T1")], path=CART),
            zest(HOUR + 5000, "T1", "T1"),
        ],
    },
    "age-limit-exceeded": {
        "within a day": [zest(n * HOUR, "T1", "T1" if n else "1") for n in range(24)],
        "ended before": [zest(0, "T1", "1"), zest(25 * HOUR, "T2", "T1")],
    },
    "declared-lifetime-exceeded": {
        "within its hour and what is allowed for clocks": [
            zest(0, JWT, "1"), zest(HOUR + 299_000, JWT, JWT),
        ],
        "not accepted any more": [zest(0, JWT, "1"), zest(2 * HOUR, "T2", JWT)],
        "a token that states nothing": [zest(0, "T1", "1"), zest(2 * HOUR, "T1", "T1")],
    },
    "no-limit-seen": {
        "one session ended": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(9000, "T2", "T1"),
            zest(9500, "T2", "T2"),
        ],
        "no session was used": [zest(0, "T1", "1")],
    },
    "superseded-honoured": {
        "right after its replacement": [
            zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(30_000, "T1", "T1"),
        ],
        "refused": [zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(200_000, "T3", "T1")],
        "answered with silence": [zest(0, "T1", "1"), zest(1000, "T2", "T1"),
                                  zest(200_000, None, "T1")],
    },
    "token-kept-at-login": {
        "renewed": [zest(0, "T1", "1"), login(1000, "T2", "T1")],
        "no token before": [login(0, "T1")],
        "no login": [zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST")],
        "a login that failed": [
            zest(0, "T1", "1"), replace(login(1000, "T1", "T1"), status=401),
        ],
        "the visitor remains the same": [
            shop(0, [VISITOR]),
            shop(1000, [VISITOR], [SHOW_VISITOR], path="/services/v3/login", method="POST"),
        ],
    },
    "state-cacheable": {
        "for one client": [shop(0, [LANG], cache_control="private,max-age=60")],
        "not stored": [shop(0, [LANG], cache_control="no-store")],
        "nothing said": [shop(0, [LANG])],
        "a write": [shop(0, [LANG], method="POST", cache_control="public")],
        "stale at once": [shop(0, [LANG], cache_control="max-age=0")],
    },
    "state-contradictory": {
        "changed once": successive(LANG, *[again(LANG, priority="forced")] * 2),
        "one way to each client": [
            shop(0, [LANG]), replace(shop(10, [again(LANG, usage="header")]), client="bot"),
            shop(20, [LANG]),
        ],
    },
    "state-flapping": {
        "there and back once": successive(LANG, again(LANG, value="2"), LANG),
        "always something new": successive(*(again(LANG, value=str(n)) for n in range(5))),
        "the client's own choice": [
            shop(1000 * n, [again(LANG, value=value)], [Present("LangId", value, "uriquery")])
            for n, value in enumerate("121212")
        ],
    },
    "forced-value-changed": {
        "informational": successive(LOC, again(LOC, value="8")),
        "by an error, and by a cache": [
            shop(0, [LIST]), replace(shop(1000, [again(LIST, value="8")]), status=500),
            shop(2000, [again(LIST, value="9")], age_s=7),
        ],
        "by a login": [
            shop(0, [LIST]),
            shop(1000, [again(LIST, value="8")], path="/services/v3/login", method="POST"),
        ],
        "a ticket is renewed": successive(TICKET, again(TICKET, value="Other9vTq2LmZ8rYb4")),
        "the same again": successive(LIST, LIST),
    },
    "token-handed-twice": {
        "taken from another": [
            zest(0, "S1", "1", client="one"), zest(1000, None, "S1", client="one"),
            zest(2000, None, "S1", client="two"),
        ],
        "an echo is no handing out": [
            zest(0, "S1", "1", client="one"), zest(1000, "S1", "S1", client="one"),
            zest(2000, "S1", "S1", client="two"),
        ],
    },
    "too-little-evidence": {
        "no end at all": [zest(0, "T1", "1"), zest(1000, "T1", "T1")],
        "an interval from many ends": [
            ex
            for n in range(1, 15)
            for ex in (
                zest(0, f"A{n}", "1", client=f"c{n}"),
                zest(1000 + 10 * n, f"A{n}", f"A{n}", client=f"c{n}"),
                zest(2300 + 40 * n, f"B{n}", f"A{n}", client=f"c{n}"),
            )
        ],
    },
    "left-truncated": {
        "issued first": [zest(0, "T1", "1"), zest(1000, None, "T1")],
        "issued to another client, who presents it too": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(2000, "T1", "T1", client="bot"),
        ],
        "a language is no token": [shop(0, shown=[Present("LangId", "1")])],
    },
    "clock-steps": {
        "times grow": [zest(0, None)],
        "no response at all": [Ex(0, None, None, path=CART)],
        "traffic of others": [Ex(1000, 400, 500, path="/x")],
    },
    "no-response": {
        "an error is a response": [replace(zest(0, None), status=500)],
        "traffic of others": [Ex(0, None, None, path="/x")],
    },
    "stale-value": {
        "the newer one had not arrived yet": [
            shop(0, [LIST]), Ex(1000, 1010, 1900, [again(LIST, value="8")], [SHOW_LIST]),
            shop(1500, shown=[SHOW_LIST]),
        ],
        "within the grace period": [
            shop(0, [LIST]), shop(1000, [again(LIST, value="8")]), shop(1200, shown=[SHOW_LIST]),
        ],
        "the client may choose": [
            shop(0, [LOC]), shop(1000, [again(LOC, value="8")], [SHOW_LOC]),
            shop(2000, shown=[SHOW_LOC]),
        ],
        "another session was told": [
            shop(0, [TICKET, LIST]), shop(10, [again(TICKET, value="U"), again(LIST, value="8")]),
            shop(1000, shown=[SHOW_TICKET, SHOW_LIST]),
        ],
        "it is a token": [zest(0, "T1", "1"), zest(9000, "T2", "T1"), zest(10_000, None, "T1")],
    },
    "earlier-value-kept": {
        "the new one once": [
            shop(0, [LOC]), shop(1000, [again(LOC, value="8")], [SHOW_LOC]),
            shop(2000, shown=[Present("LocId", "8")]),
            *(shop(1000 * n, shown=[SHOW_LOC]) for n in (3, 4, 5)),
        ],
        "too seldom to say always": [
            shop(0, [LOC]), shop(1000, [again(LOC, value="8")], [SHOW_LOC]),
            *(shop(1000 * n, shown=[SHOW_LOC]) for n in (2, 3)),
        ],
        "a page that sends several at once": [
            shop(0, [LOC]), shop(1000, [again(LOC, value="8")], [SHOW_LOC]),
            *(shop(2000 + n, shown=[SHOW_LOC]) for n in range(5)),
        ],
        "its own choice, which the server had taken over": [
            shop(0, [again(LOC, value="1")]), shop(500, [LOC], [SHOW_LOC]),
            *(shop(1000 * n, [again(LOC, value="8")], [SHOW_LOC]) for n in (1, 2, 3, 4)),
        ],
        "another session was told": [
            shop(0, [TICKET, LOC]), shop(10, [again(TICKET, value="U"), again(LOC, value="8")]),
            *(shop(1000 * n, shown=[SHOW_TICKET, SHOW_LOC]) for n in (1, 2, 3)),
        ],
    },
    "sessions-mixed": {
        "one login gave both": [
            shop(0, [TICKET, AUTH]), shop(1000, shown=[SHOW_TICKET, SHOW_AUTH], path=BASKET),
        ],
        "a visitor who logs in": [
            shop(0, [VISITOR]), shop(1000, shown=[SHOW_VISITOR]), shop(2000, [TICKET]),
            shop(3000, [TICKET], [SHOW_TICKET, SHOW_VISITOR]),
        ],
    },
    "older-token-accepted": {
        "long after, which another rule tells": [
            zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(200_000, "T1", "T1"),
        ],
        "answered with the newer one": [
            zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(30_000, "T2", "T1"),
        ],
        "another session's": [
            zest(0, "T1", "1"), zest(1000, "T2", "1"), zest(30_000, "T1", "T1"),
        ],
    },
    "left-out-of-report": {
        "as many names as are kept": [shop(0, [invented(number) for number in range(32)])],
        "names that a dialect lists": [
            shop(0, [LANG, LOC, LIST, *(invented(number) for number in range(32))])
        ],
    },
    "many-sessions": {
        "one after the other": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(2000, "U1", "1"),
            zest(3000, "U1", "U1"),
        ],
        "a token that is renewed": [
            zest(0, "T1", "1"), zest(1000, "T2", "T1"), zest(2000, "T2", "T2"),
        ],
    },
    "state-omitted": {
        "nothing had been issued": [shop(0), shop(1000)],
        "it is implicit": [shop(0, [CUSTOMER]), shop(1000)],
        "it is a session token": [zest(0, "T1", "1"), zest(1000, None)],
        "it goes elsewhere": [shop(0, [AUTH]), shop(1000)],
    },
    "token-dropped": {
        "no session yet": [zest(0, None), zest(1000, None)],
        "another client's session": [zest(0, "T1", "1"), zest(1000, None, client="bot")],
        "it is other state": [shop(0, [LANG]), shop(1000)],
    },
    "forced-value-defied": {
        "an informational value may be overridden": [
            shop(0, [LOC]), shop(1000, shown=[Present("LocId", "9")]),
        ],
    },
    "misplaced-value": {
        "the channel that the usage names": [
            shop(0, [LOC]), shop(1000, shown=[Present("LocId", "7", "header")]),
        ],
    },
    "implicit-set": {
        "the same parameter is not implicit any more": [
            shop(0, [CUSTOMER]), shop(500, [Issue("CustomerId", "4201965", "header", "forced")]),
            shop(1000, shown=[Present("CustomerId", "4201965")]),
        ],
    },
    "session-restarted": {
        "a page that asks several times at once, opened twice again": [
            zest(1000 * n + at, f"T{n}{at}", "1") for n in range(3) for at in range(3)
        ],
        "the first requests cannot know of each other": [zest(n, f"T{n}", "1") for n in range(5)],
        "twice is no pattern": [zest(1000 * n, f"T{n}", "1") for n in range(3)],
        "once a night": [zest(24 * HOUR * n, f"T{n}", "1") for n in range(6)],
        "each was used": [
            ex
            for n in range(5)
            for ex in (zest(2000 * n, f"T{n}", "1"), zest(2000 * n + 999, f"T{n}", f"T{n}"))
        ],
    },
    "authentication-not-allowed": {
        "it is ended by a logout": [
            shop(0, [AUTH]),
            shop(1000, shown=[SHOW_AUTH], path="/services/v3/logout", method="POST"),
        ],
        "where the answers show it to be allowed": [
            shop(0, [AUTH]), shop(1000, shown=[SHOW_AUTH]), shop(2000, shown=[SHOW_AUTH]),
        ],
        "where it is allowed": [
            shop(0, [AUTH]), shop(1000, shown=[SHOW_AUTH], path=BASKET),
        ],
        "another API's header of the same name": [
            shop(0, [AUTH]), shop(1000, shown=[SHOW_AUTH], path="/other/login"),
        ],
        "a ticket goes everywhere": [shop(0), shop(1000, shown=[Present("Ticket", "T")])],
    },
    "basket-state-by-context": {
        "by the method that changes it": [
            shop(0, [CURRENCY]),
            shop(1000, shown=[Present("CurrId", "840", "uriquery")], path=f"{BASKET}/state",
                 method="PUT"),
        ],
        "a product's currency may be overridden": [
            shop(0, [CURRENCY]), shop(1000, shown=[Present("CurrId", "840", "uriquery")]),
        ],
    },
    "session-reset": {
        "accepted again after an error": [
            zest(0, "T1", "1"), replace(zest(1000, "E", "T1"), status=503),
            zest(2000, "T1", "T1"),
        ],
        "the client asked for another": [zest(0, "T1", "1"), zest(9000, "T2", "1")],
        "a word that never named a session": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1"), zest(2000, "T2", "null"),
            zest(3000, "T1", "T1"),
        ],
        "a ticket is renewed as a matter of course": [
            shop(0, [Issue("Ticket", "A", "header", "forced")]),
            shop(1000, [Issue("Ticket", "B", "header", "forced")], [Present("Ticket", "A")]),
        ],
    },
    "cart-lost": {
        "a basket is no part of the session": [
            shop(0, [TICKET]), shop(1000, shown=[SHOW_TICKET], path=BASKET, method="POST"),
            shop(9_000_000, [again(TICKET, value="U")], [SHOW_TICKET]),
            *(shop(9_000_000 + n, shown=[Present("Ticket", "U")]) for n in (1000, 2000)),
        ],
        "nothing was in it": [zest(0, "T1", "1"), zest(9000, "T2", "T1")],
        "the client filled it again": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"), zest(9000, "T2", "T1"),
            zest(9500, "T2", "T2", method="POST"),
        ],
        "the client had taken it out before": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"),
            zest(1500, "T1", "T1", method="DELETE"), zest(9000, "T2", "T1"),
        ],
        "the session went on under another token": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"),
            login(2000, "T2", "T1"), zest(9000, "T2", "T2"),
        ],
        "the client left": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"), zest(9000, "T2", "T1"),
        ],
        "it was ordered": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"),
            replace(zest(2000, "T1", "T1", method="POST"), path="/API/V3/PlaceOrder"),
            zest(9000, "T2", "T1"), zest(9500, "T2", "T2"),
        ],
        "the client logged in: the server may know its cart": [
            zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST"), zest(9000, "T2", "T1"),
            login(9500, "T2", "T2"), zest(9600, "T2", "T2"),
        ],
        "the write came with the reset and is in the new one": [
            zest(0, "T1", "1"), zest(9000, "T2", "T1", method="POST"),
        ],
    },
    "malformed-state-header": {
        "an unknown parameter is well formed": [shop(0, [Issue("Colour", "blue")])],
    },
    "state-header-not-exposed": {
        "every header is exposed": [shop(0, [LANG], exposed_headers="*", **CROSS)],
        "a page of the same origin": [shop(0, [LANG], request_origin="http://shop.example")],
        "no browser": [shop(0, [LANG])],
        "a list too long to be kept": [shop(0, [LANG], exposed_headers="x-a,x-…", **CROSS)],
    },
    "value-mangled": {
        "a value of its own": [shop(0, [VISITOR]), shop(1000, shown=[Present("VisitorId", "5")])],
        "as issued": [shop(0, [VISITOR]), shop(1000, shown=[Present("VisitorId", "Qx7aZ4mP0s")])],
    },
    "state-not-implemented": {
        "too few chances": [shop(0, [DATE]), *(shop(1000 * n) for n in range(1, 5))],
        "always in the wrong channel": [
            shop(0, [LOC]),
            *(shop(1000 * n, shown=[Present("LocId", "7", "uriquery")]) for n in range(1, 6)),
        ],
        "a new session asked for time and again": [zest(1000 * n, f"S{n}", "1") for n in range(9)],
        "left out and asked for anew": [
            zest(0, "S0", "1"), zest(500, "S1", "1"), *(zest(1000 * n, None) for n in range(1, 7)),
        ],
        "always a value of its own": [
            shop(0, [DATE]), *(shop(1000 * n, shown=[Present(DATE.param, "0")])
                               for n in range(1, 6)),
        ],
        "sent where it is not allowed only": [
            shop(0, [AUTH]), shop(500, shown=[SHOW_AUTH]),
            *(shop(1000 * n, path=BASKET) for n in range(1, 7)),
        ],
        "kept from it by the server": [
            shop(0, [DATE], **CROSS), *(shop(1000 * n) for n in range(1, 6)),
        ],
        "obeyed once": [
            shop(0, [DATE]), *(shop(1000 * n) for n in range(1, 6)),
            shop(9000, shown=[Present("PriceCalculationDate", "2026-01-01")]),
        ],
    },
    "token-shared": {
        "each has its own": [
            zest(0, "S1", "1", client="one"), zest(1000, None, "S1", client="one"),
            zest(0, "S2", "1", client="two"), zest(1000, None, "S2", client="two"),
        ],
        "many may have the same language": [
            shop(0, [LANG], [Present("LangId", "1")]),
            Ex(1000, 1010, 1020, [], [Present("LangId", "1")], client="bot"),
        ],
    },
    "logout-survived": {
        "refused": [*LOGGED_OUT, bounced(9000, "J1")],
        "under way": [*LOGGED_OUT, servlet(1010, "/account", "J1")],
        "a page for everybody": [*LOGGED_OUT, servlet(9000, "/help", "J1")],
    },
    "token-leaked": {
        "another value": [zest(0, "L1", "1"), ads(2000, ("referer", "L2"))],
        "not issued yet": [ads(0, ("query", "L1")), zest(1000, "L1", "1")],
        "within its own origin": [
            zest(0, "L1", "1"), Ex(1000, 1010, 1020, path="/x", traces=[("referer", "L1")]),
        ],
        "an origin that issues it too": [
            zest(0, "L1", "1"), Ex(0, 10, 20, [token("L1")], host="two.example", path=CART),
            Ex(1000, 1010, 1020, [], [use("L1")], host="two.example", path=CART),
        ],
        "a language is no secret": [shop(0, [LANG]), ads(1000, ("query", "1"))],
    },
    "override-fought": {
        "once is no fight": [
            shop(0, [LOC]), shop(1000, [LOC], [Present("LocId", "9")]),
        ],
        "adopted": [
            shop(0, [LOC]), *(shop(1000 * n, [Issue("LocId", "9")], [Present("LocId", "9")])
                              for n in (1, 2)),
        ],
        "on a basket": [
            shop(0, [LOC]), *(shop(1000 * n, [LOC], [Present("LocId", "9")], path=BASKET)
                              for n in (1, 2)),
        ],
    },
}  # fmt: skip
