"""What is stored, refused and dropped, and which request has to carry it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.dialects.cookies.request import Request
from statetrail.dialects.cookies.retrieval import DUE, Obligation, obligation
from statetrail.dialects.cookies.set_cookie import SetCookie, parse
from statetrail.dialects.cookies.store import (
    MAX_LIFETIME_S,
    Identity,
    Lifetime,
    deletes,
    ignored,
    lifetime,
    refusal,
    store,
)

SECOND = 1_000_000
DAY_S = 86_400
HOSTS = ("www.shop.example", "shop.example", "pay.shop.example", "other.test", "localhost")
OWN = {"fetch_site": "same-origin", "fetch_mode": "cors", "fetch_dest": "empty"}
CONTEXTS = {
    "own page": OWN,
    "sister": {**OWN, "fetch_site": "same-site"},
    "typed": {"fetch_site": "none", "fetch_mode": "navigate", "fetch_dest": "document"},
    "link": {"fetch_site": "cross-site", "fetch_mode": "navigate", "fetch_dest": "document"},
    "embedded": {**OWN, "fetch_site": "cross-site", "storage_access": "active"},
    "embedded, kept out": {**OWN, "fetch_site": "cross-site", "storage_access": "none"},
    "embedded, not asked": {**OWN, "fetch_site": "cross-site", "storage_access": "inactive"},
    "embedded, unsaid": {**OWN, "fetch_site": "cross-site"},
    "in a foreign frame": {**OWN, "storage_access": "active"},
    "frame": {"fetch_site": "cross-site", "fetch_mode": "navigate", "fetch_dest": "iframe"},
    "no browser": {},
}


def request(context: str = "own page", **fields) -> Request:
    """A request of the shop's own page over https, or what is said of it."""
    target = {"host": HOSTS[0], "path": "/desk/show", "secure": True}
    return Request(**{**target, **CONTEXTS[context], **fields})


def cookie(attributes: str, pair: str = "id=7") -> SetCookie:
    """A cookie with attributes."""
    made = parse(f"{pair}; {attributes}")
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("field", "secure", "reason"),
    [
        ("id=7", False, None),
        ("id=\x01", False, "control-character"),
        ("id=" + "7" * 4095, False, "too-large"),
        ("id=7; Domain=pay.shop.example", False, "foreign-domain"),
        ("id=7; Domain=schön.example", False, "foreign-domain"),
        ("id=7; Domain=.", False, "foreign-domain"),
        ("id=7; Domain=example", False, "public-suffix"),
        ("id=7; Domain=github.io", False, "public-suffix"),
        ("id=7; Secure", False, "secure-over-http"),
        ("id=7; SameSite=None", True, "same-site-none-insecure"),
        ("id=7; Partitioned", True, "partitioned-insecure"),
        ("__Secure-id=7", True, "broken-prefix"),
        ("__Host-id=7; Secure; Path=/; Domain=shop.example", True, "broken-prefix"),
        ("__Http-id=7; Secure", True, "broken-prefix"),
        ("__Host-id; Secure; Path=/", True, "nameless-prefix"),
        ("=id=7", True, "nameless-pair"),
    ],
)
def test_what_every_store_refuses(field: str, *, secure: bool, reason: str | None) -> None:
    """With the reason."""
    made = parse(field)
    assert made is not None
    assert refusal(made, request(secure=secure)) == reason


def test_a_public_suffix_may_keep_its_own() -> None:
    """The host that is one: for itself alone."""
    own = request(host="github.io")
    made = cookie("Domain=github.io")
    assert refusal(made, own) is None
    assert store(made, own).identity == Identity("id", "github.io", True, "/desk", False)


def test_an_address_has_no_domain() -> None:
    """With the attribute or without it is the same cookie."""
    there = request(host="10.0.0.7")
    made = [cookie("Domain=10.0.0.7"), cookie("")]
    assert len({store(each, there).identity for each in made}) == 1
    prefixed = cookie("Secure; Path=/; Domain=10.0.0.7", "__Host-id=7")
    assert refusal(prefixed, there) is None


def test_this_machine_may_set_secure_cookies_over_http() -> None:
    """And nobody can say whether they are sent."""
    here = request(host="localhost", secure=False)
    made = cookie("Secure")
    assert refusal(made, here) is None
    assert obligation(store(made, here), here) == Obligation("unknown", "loopback")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("", "Path=/desk", True),
        ("Domain=shop.example", "Domain=.SHOP.example", True),
        ("Secure", "HttpOnly; Max-Age=0; SameSite=Lax", True),
        ("", "Path=/", False),
        ("", "Domain=www.shop.example", False),
        ("Domain=www.shop.example", "Domain=shop.example", False),
        ("Secure", "Secure; Partitioned", False),
    ],
)
def test_what_makes_two_cookies_one(one: str, other: str, *, same: bool) -> None:
    """Name, domain, path and partition."""
    first, second = (store(cookie(each), request()).identity for each in (one, other))
    assert (first == second) is same


NONE, OFF, CROSS = "SameSite=None; Secure", "third-party", "cross-site"
PARTS = f"{NONE}; Partitioned"


@pytest.mark.parametrize(
    ("context", "attributes", "reason"),
    [
        ("own page", "SameSite=Strict", None),
        ("link", "SameSite=Strict", None),
        ("embedded", "SameSite=Lax", CROSS),
        ("embedded", "", CROSS),
        ("embedded", NONE, None),
        ("embedded, kept out", NONE, OFF),
        ("embedded, kept out", PARTS, None),
        ("embedded, kept out", "Secure; Partitioned", CROSS),
        ("embedded, unsaid", NONE, OFF),
        ("in a foreign frame", "", CROSS),
        ("no browser", "", "unknown-context"),
        ("no browser", NONE, None),
    ],
)
def test_what_a_store_may_ignore(context: str, attributes: str, reason: str | None) -> None:
    """Because another site asked."""
    assert ignored(cookie(attributes), request(context)) == reason


@pytest.mark.parametrize(
    ("old", "new", "over_https", "reason"),
    [
        ("Secure; Path=/", "", False, "overlays-secure"),
        ("Secure; Path=/", "Domain=shop.example", False, "overlays-secure"),
        ("Secure; Path=/", "", True, None),
        ("Path=/", "", False, None),
        ("Secure; Path=/desk/show", "", False, None),
    ],
)
def test_what_came_over_http_hides_nothing_secure(
    old: str, new: str, *, over_https: bool, reason: str | None
) -> None:
    """But where the paths are apart."""
    stored = store(cookie(old), request())
    assert ignored(cookie(new), request(secure=over_https), [stored]) == reason


def test_the_host_of_a_public_suffix_protects_nothing_below_it() -> None:
    """Browsers keep the cookies of each site apart."""
    old = store(cookie("Secure; Path=/"), request(host="github.io"))
    below = request(host="ann.github.io", secure=False)
    assert ignored(cookie(""), below, [old]) is None


def test_what_came_from_this_machine_may_hide_anything() -> None:
    """Its http is as good as https."""
    here = request(host="localhost", secure=False)
    assert ignored(cookie(""), here, [store(cookie("Secure"), here)]) is None


@pytest.mark.parametrize(
    ("context", "strict", "lax", "default", "none", "parts"),
    [
        ("own page", None, None, None, None, "partitioned"),
        ("sister", None, None, None, None, "partitioned"),
        ("typed", None, None, None, None, "partitioned"),
        ("link", CROSS, None, None, None, "partitioned"),
        ("embedded", CROSS, CROSS, CROSS, None, "partitioned"),
        ("embedded, kept out", OFF, OFF, OFF, OFF, "partitioned"),
        ("embedded, not asked", OFF, OFF, OFF, OFF, "partitioned"),
        ("embedded, unsaid", OFF, OFF, OFF, OFF, "partitioned"),
        ("in a foreign frame", CROSS, CROSS, CROSS, None, "partitioned"),
        ("frame", OFF, OFF, OFF, OFF, "partitioned"),
        ("no browser", *["unknown-context"] * 5),
    ],
)
def test_what_a_context_asks_for(
    context: str, strict: str, lax: str, default: str, none: str, parts: str
) -> None:
    """By `SameSite`; without a reason the cookie is due."""
    attributes = ("SameSite=Strict", "SameSite=Lax", "", NONE, PARTS)
    asked = request(context)
    found = [obligation(store(cookie(each), request()), asked) for each in attributes]
    assert [one.reason for one in found] == [strict, lax, default, none, parts]
    assert all((one.sending == "due") == (one.reason is None) for one in found)


@pytest.mark.parametrize(
    ("attributes", "answer"),
    [
        ("SameSite=Lax", Obligation("not-due", CROSS)),
        ("", Obligation("unknown", "lax-allowing-unsafe")),
        (NONE, DUE),
    ],
)
def test_what_a_form_of_another_site_asks_for(attributes: str, answer: Obligation) -> None:
    """A method that is not safe."""
    posted = request("link", method="POST")
    assert obligation(store(cookie(attributes), request()), posted) == answer


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"host": "pay.shop.example"}, "domain"),
        ({"host": "a.www.shop.example"}, "domain"),
        ({"path": "/desks"}, "path"),
        ({"secure": False}, "secure"),
    ],
)
def test_outside_its_scope_no_context_asks_for_a_cookie(
    context: str, target: dict[str, str | bool], reason: str
) -> None:
    """Domain, path and Secure come first."""
    stored = store(cookie(NONE), request())
    assert obligation(stored, request(context, **target)) == Obligation("not-due", reason)


@pytest.mark.parametrize(
    ("attributes", "date_s", "ends_s"),
    [
        ("", 0, (None, None)),
        ("Max-Age=60", None, (60, 61)),
        ("Max-Age=0", None, (0, 1)),
        ("Max-Age=-9", None, (0, 1)),
        ("Max-Age=99999999999", None, (MAX_LIFETIME_S, MAX_LIFETIME_S + 1)),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", 3000, (599, 601)),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", 3600, (0, 1)),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", 9999, (0, 1)),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", None, (0, None)),
        ("Expires=Mon, 05 Jan 1970 01:00:00 GMT", None, (159_800, None)),
        ("Expires=Fri, 01 Jan 2100 01:00:00 GMT", None, (MAX_LIFETIME_S, None)),
        ("Expires=Fri, 01 Jan 2100 01:00:00 GMT", 0, (MAX_LIFETIME_S - 1, MAX_LIFETIME_S + 1)),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 01:00:00 GMT", 3600, (60, 61)),
        ("Max-Age=+60", 0, (0, None)),
    ],
)
def test_when_a_cookie_ends(
    attributes: str, date_s: int | None, ends_s: tuple[int | None, int | None]
) -> None:
    """In seconds after the response began; it took one."""
    start = 103_000
    found = lifetime(
        cookie(attributes),
        response_start_us=start * SECOND,
        response_end_us=(start + 1) * SECOND,
        date_us=None if date_s is None else date_s * SECOND,
    )
    assert found == Lifetime(*(None if s is None else (start + s) * SECOND for s in ends_s))


@pytest.mark.parametrize(
    ("attributes", "date_s", "deleted"),
    [
        ("", 0, False),
        ("Max-Age=0", None, True),
        ("Max-Age=1; Expires=Thu, 01 Jan 1970 01:00:00 GMT", 9999, False),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", 3599, False),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", 3600, None),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", 3601, True),
        ("Expires=Thu, 01 Jan 1970 01:00:00 GMT", None, None),
        ("Expires=0", 0, None),
    ],
)
def test_what_deletes_a_cookie(attributes: str, date_s: int | None, deleted: bool | None) -> None:
    """And what may."""
    date_us = None if date_s is None else date_s * SECOND
    assert deletes(cookie(attributes), date_us) is deleted


ATTRIBUTES = st.lists(
    st.sampled_from(
        [
            *(f"Domain={host}" for host in HOSTS),
            *("Path=/", "Path=/desk", "Path=/till", "Secure", "HttpOnly", "Partitioned"),
            *("SameSite=None", "SameSite=Lax", "SameSite=Strict"),
            *("Max-Age=0", "Max-Age=9", "Max-Age=x", "Expires=Thu, 01 Jan 1970 01:00:00 GMT"),
        ]
    ),
    max_size=5,
).map("; ".join)
REQUESTS = st.builds(
    lambda context, **target: request(context, **target),
    st.sampled_from(sorted(CONTEXTS)),
    host=st.sampled_from(HOSTS),
    path=st.sampled_from(["/", "/desk", "/desk/show", "/till"]),
    secure=st.booleans(),
    method=st.sampled_from(["GET", "POST"]),
)


@given(ATTRIBUTES, REQUESTS)
def test_what_is_kept_is_due_where_it_came_from(attributes: str, issued: Request) -> None:
    """If its path is there and the request is one of its own site."""
    made = cookie(attributes)
    if refusal(made, issued) is not None or ignored(made, issued) is not None:
        return
    sending, reason = obligation(store(made, issued), issued)
    assert reason not in ("domain", "secure")
    if issued.storage_access is None and issued.fetch_site in ("same-origin", "same-site", "none"):
        assert sending == "due" or reason in ("path", "partitioned", "loopback")


@given(ATTRIBUTES, st.integers(0, 10**9), st.integers(0, 10**6), st.none() | st.integers(0, 10**6))
def test_no_cookie_ends_for_certain_before_it_may(
    attributes: str, start_us: int, took_us: int, date_s: int | None
) -> None:
    """Nor later than 400 days after the response, and a deletion ends with it."""
    made, end_us = cookie(attributes), start_us + took_us
    date_us = None if date_s is None else date_s * SECOND
    found = lifetime(made, response_start_us=start_us, response_end_us=end_us, date_us=date_us)
    assert found.ends_us is None or found.may_end_us is not None
    if found.ends_us is not None and found.may_end_us is not None:
        assert found.may_end_us <= found.ends_us <= end_us + 400 * DAY_S * SECOND
    if deletes(made, date_us):
        assert found.ends_us == end_us
