"""What a store keeps of a cookie, refuses and drops, RFC 6265bis section 5.7.

Enters: cookies as responses set them, with the request that each response answers. Leaves: what is
stored, the reason where it is not, and when it ends.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

import msgspec

from statetrail.dialects.cookies.request import Request, context
from statetrail.dialects.cookies.scope import (
    default_path,
    domain_match,
    is_address,
    is_loopback,
    is_public_suffix,
    path_match,
    site,
)
from statetrail.dialects.cookies.set_cookie import Problem, SameSite, SetCookie

type Refusal = (
    Problem
    | Literal[
        "foreign-domain",
        "public-suffix",
        "secure-over-http",
        "same-site-none-insecure",
        "broken-prefix",
        "nameless-prefix",
        "nameless-pair",
        "partitioned-insecure",
    ]
)
type Ignored = Literal["cross-site", "third-party", "unknown-context", "overlays-secure"]

MAX_LIFETIME_S: Final = 400 * 86_400
"""The longest lifetime that a store grants (section 5.5)."""
CLOCK_ERROR_S: Final = 86_400
"""How far ahead a client's clock may be."""

_SECOND: Final = 1_000_000
_PREFIXES: Final = ("__secure-", "__host-", "__http-")


class Identity(NamedTuple):
    """What makes two cookies the same one, for replacing and for deleting (5.7, step 23).

    The partition of a partitioned cookie (the site in the address bar) is not on the wire, only
    whether there is one.
    """

    name: str
    domain: str
    host_only: bool
    path: str
    partitioned: bool


class StoredCookie(msgspec.Struct, frozen=True, kw_only=True):
    """A cookie in a store, without its value and its time."""

    identity: Identity
    secure: bool
    http_only: bool
    same_site: SameSite | None


class Lifetime(NamedTuple):
    """When a stored cookie ends, in microseconds since the epoch; `None`: nobody can say.

    Attributes
    ----------
    may_end_us
        From then on a store may have dropped it.
    ends_us
        From then on no store keeps it.
    """

    may_end_us: int | None
    ends_us: int | None


def store(cookie: SetCookie, request: Request) -> StoredCookie:
    """The cookie as it is stored (5.7, steps 7 to 14 and 17), refused or not.

    As in browsers, an IP address as `Domain` says no more than none.
    """
    domain = cookie.domain
    if domain is not None and (is_public_suffix(domain) or is_address(domain)):
        domain = None
    identity = Identity(
        cookie.name,
        domain or request.host,
        domain is None,
        cookie.path or default_path(request.path),
        cookie.partitioned,
    )
    return StoredCookie(
        identity=identity,
        secure=cookie.secure,
        http_only=cookie.http_only,
        same_site=cookie.same_site,
    )


def refusal(cookie: SetCookie, request: Request) -> Refusal | None:
    """Why every store refuses a cookie, whatever the context: the server's mistake (5.7)."""
    if cookie.problem is not None:
        return cookie.problem
    if (why := _refused_domain(cookie.domain, request.host)) is not None:
        return why
    if cookie.secure and not request.secure and not is_loopback(request.host):
        return "secure-over-http"
    if cookie.same_site == "none" and not cookie.secure:
        return "same-site-none-insecure"
    if cookie.partitioned and not cookie.secure:
        return "partitioned-insecure"
    return _broken_name(cookie)


def ignored(
    cookie: SetCookie, request: Request, stored: Iterable[StoredCookie] = ()
) -> Ignored | None:
    """Why a store may ignore a cookie that is not refused: for its context.

    A cookie is kept from requests of other sites unless it is ``SameSite=None`` or the request is
    a navigation (step 18), and a third party's may be kept from them altogether (section 7.1). One
    without ``Secure`` that came over http does not hide one with it (step 16).
    """
    new = store(cookie, request)
    secure = request.secure or is_loopback(request.host)
    if not secure and any(_overlays(new, old) for old in stored):
        return "overlays-secure"
    match context(request):
        case "third-party" if not cookie.partitioned:
            return "third-party"
        case "cross-site" | "third-party" if cookie.same_site != "none":
            return "cross-site"
        case "unknown" if cookie.same_site != "none":
            return "unknown-context"
    return None


def lifetime(
    cookie: SetCookie, *, response_start_us: int, response_end_us: int, date_us: int | None
) -> Lifetime:
    """When the cookie of a response ends (5.7, step 6), at most 400 days later (section 5.5).

    ``Max-Age`` decides, else ``Expires`` after the response's own ``Date`` (`date_us`), so that no
    clock of the server is compared with one of ours. Both dates are whole seconds: such an end may
    be a second early. ``Expires`` without a ``Date`` has no certain end, only one that a client's
    clock of a day ahead may see; what user agents read differently may end at once.
    """
    if cookie.lifetime_unclear:
        return Lifetime(response_start_us, None)
    if cookie.max_age_s is not None:
        age_us = max(0, min(cookie.max_age_s, MAX_LIFETIME_S)) * _SECOND
        return Lifetime(response_start_us + age_us, response_end_us + age_us)
    if cookie.expires_us is None:
        return Lifetime(None, None)
    if date_us is None:
        age_us = cookie.expires_us - CLOCK_ERROR_S * _SECOND - response_start_us
        age_us = max(0, min(age_us, MAX_LIFETIME_S * _SECOND))
        return Lifetime(response_start_us + age_us, None)
    age_us = max(0, min(cookie.expires_us - date_us, MAX_LIFETIME_S * _SECOND))
    return Lifetime(response_start_us + max(0, age_us - _SECOND), response_end_us + age_us)


def deletes(cookie: SetCookie, date_us: int | None) -> bool | None:
    """Whether the cookie ends as it comes, and so deletes one of its identity (5.7, step 24).

    `None`: not certain, since ``Expires`` stands without a ``Date`` or is equal to it, or user
    agents read it differently.
    """
    if cookie.lifetime_unclear:
        return None
    if cookie.max_age_s is not None:
        return cookie.max_age_s <= 0
    if cookie.expires_us is None:
        return False
    if date_us is None or date_us == cookie.expires_us:
        return None
    return cookie.expires_us < date_us


def _refused_domain(domain: str | None, host: str) -> Refusal | None:
    """Steps 8 to 10."""
    if domain is None or domain == host:
        return None
    if not domain.isascii():
        return "foreign-domain"
    if is_public_suffix(domain):
        return "public-suffix"
    return None if domain_match(host, domain) else "foreign-domain"


def _broken_name(cookie: SetCookie) -> Refusal | None:
    """Steps 20 to 22; a path that is not named is not ``/``, an address is no domain.

    Chromium refuses more: ``__Http-`` and ``__Host-Http-`` without ``HttpOnly``
    (draft-ietf-httpbis-layered-cookies), and a nameless cookie that would be read as a named one.
    """
    if not cookie.name:
        if cookie.value.lower().startswith(_PREFIXES):
            return "nameless-prefix"
        return "nameless-pair" if "=" in cookie.value else None
    name = cookie.name.lower()
    if name.startswith(_PREFIXES) and not cookie.secure:
        return "broken-prefix"
    has_domain = cookie.domain is not None and not is_address(cookie.domain)
    if name.startswith("__host-") and (has_domain or cookie.path != "/"):
        return "broken-prefix"
    if name.startswith(("__http-", "__host-http-")) and not cookie.http_only:
        return "broken-prefix"
    return None


def _overlays(new: StoredCookie, old: StoredCookie) -> bool:
    """Step 16; one without ``Secure`` is in no partition.

    Browsers keep the cookies of each site apart, so that one of a public suffix's own host, which
    the step compares as well, protects nothing below it.
    """
    one, other = new.identity, old.identity
    return (
        one.name == other.name
        and site(one.domain) == site(other.domain)
        and old.secure
        and not other.partitioned
        and not new.secure
        and (domain_match(one.domain, other.domain) or domain_match(other.domain, one.domain))
        and path_match(one.path, other.path)
    )
