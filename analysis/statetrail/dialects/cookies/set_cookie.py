"""The fields ``Set-Cookie`` and ``Cookie``, RFC 6265bis sections 5.6 and 5.8.3.

Enters: the value of one field, each byte that is no UTF-8 as a lone surrogate. Leaves: the cookie
that a user agent reads in it, or the pairs that a request carries.
"""

import re
from typing import Any, Final, Literal

import msgspec

from statetrail.dialects.cookies import dates

type SameSite = Literal["strict", "lax", "none"]
type Problem = Literal["control-character", "too-large"]

MAX_COOKIE: Final = 4096
"""Octets of name and value together."""
MAX_ATTRIBUTE: Final = 1024
"""Octets of an attribute's value; a longer one is ignored."""
MAX_AGE_S: Final = 9_000_000_000_000
"""A longer lifetime is read as this one, so that microseconds fit into 64 bits."""

_SPACE: Final = " \t"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SECONDS: Final = re.compile(r"-?[0-9]+")
_NUMERIC: Final = re.compile(r"[+-]?[0-9]")
_SAME_SITE: Final[dict[str, SameSite]] = {"strict": "strict", "lax": "lax", "none": "none"}


class SetCookie(msgspec.Struct, frozen=True, kw_only=True):
    """A cookie as a response sets it.

    Attributes
    ----------
    name, value
        Without the white space around them; a nameless cookie has the name ``""``.
    domain
        Of the last ``Domain``, in lower case, without a leading dot; `None`: the host alone. A lone
        dot is ``""``, which matches no host.
    path
        Of the last ``Path``; `None`: the default path of the request.
    max_age_s, expires_us
        Of the last ``Max-Age`` (seconds) and ``Expires`` (microseconds since the epoch) that can
        be read.
    lifetime_unclear
        User agents differ in the attribute that decides how long it lives: ``Max-Age=+5``,
        ``Expires=0``, a date such as ``14th Nov 2026``, or one that cannot be read after one that
        can.
    same_site
        Of the last ``SameSite``; `None`: not said, or no known word.
    problem
        Why user agents ignore the field as a whole.
    """

    name: str
    value: str
    domain: str | None = None
    path: str | None = None
    max_age_s: int | None = None
    expires_us: int | None = None
    lifetime_unclear: bool = False
    secure: bool = False
    http_only: bool = False
    same_site: SameSite | None = None
    partitioned: bool = False
    problem: Problem | None = None


def parse(field: str) -> SetCookie | None:
    """The cookie of a ``Set-Cookie`` field (section 5.6), or `None` where it sets nothing.

    A field that user agents ignore for its size or its characters is read all the same, with the
    `problem` named. Where name and value are both empty there is no cookie (5.7, step 2).

    >>> parse("id=31; Path=/shop; secure").path, parse("id").value, parse("; Secure")
    ('/shop', 'id', None)
    """
    pair, _, rest = field.partition(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(_SPACE), value.strip(_SPACE)
    if not name and not value:
        return None
    problem: Problem | None = None
    if _has_controls(field):
        problem = "control-character"
    elif _octets(name) + _octets(value) > MAX_COOKIE:
        problem = "too-large"
    return SetCookie(name=name, value=value, problem=problem, **_attributes(rest))


def pairs(header: str) -> list[tuple[str, str]]:
    """The cookies of a ``Cookie`` field (section 5.8.3, step 4), in order, with every repetition.

    A cookie without a name stands there by its value alone. Fields that were split (HTTP/2) are
    joined with ``"; "`` before.

    >>> pairs("id=1; theme; id=2")
    [('id', '1'), ('', 'theme'), ('id', '2')]
    """
    found = []
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        name, value = name.strip(_SPACE), value.strip(_SPACE)
        if equals and (name or value):
            found.append((name, value))
        elif name:
            found.append(("", name))
    return found


def _attributes(unparsed: str) -> dict[str, Any]:
    """The attributes by the names of `SetCookie` (sections 5.6.1 to 5.6.7); the last one counts."""
    found: dict[str, Any] = {}
    unread: set[str] = set()
    for part in unparsed.split(";"):
        name, _, value = part.partition("=")
        value = value.strip(_SPACE)
        if _octets(value) > MAX_ATTRIBUTE:
            continue
        match name.strip(_SPACE).lower():
            case "expires" | "max-age" as lifetime:
                key = "expires_us" if lifetime == "expires" else "max_age_s"
                number = dates.parse(value) if lifetime == "expires" else _seconds(value)
                if number is not None:
                    found[key] = number
                    unread.discard(key)
                elif key in found or _NUMERIC.match(value):
                    unread.add(key)
                if lifetime == "expires" and dates.is_odd(value):
                    unread.add(key)
            case "domain":
                found["domain"] = value.removeprefix(".").lower() if value else None
            case "path":
                found["path"] = value if value.startswith("/") else None
            case "samesite":
                found["same_site"] = _SAME_SITE.get(value.lower())
            case "secure" | "partitioned" as flag:
                found[flag] = True
            case "httponly":
                found["http_only"] = True
    decides = {"max_age_s"} if "max_age_s" in found else {"max_age_s", "expires_us"}
    found["lifetime_unclear"] = not unread.isdisjoint(decides)
    return found


def _seconds(value: str) -> int | None:
    """Section 5.6.2, steps 1 to 4."""
    return max(-MAX_AGE_S, min(int(value), MAX_AGE_S)) if _SECONDS.fullmatch(value) else None


def _has_controls(field: str) -> bool:
    """Section 5.6, step 1, which lets tabs pass; Chromium takes none within a name or a value."""
    if _CONTROLS.search(field):
        return True
    return "\t" in field and any(
        "\t" in half.strip(_SPACE) for part in field.split(";") for half in part.partition("=")
    )


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
