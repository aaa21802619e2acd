"""Cookies on the wire: `Set-Cookie` and `Cookie` fields as their places read them."""

from http.cookiejar import http2time  # type: ignore[attr-defined]
from typing import Final, NamedTuple

from statetrail.dialects.place import CookieAttributes, Extra

MAX_COOKIE: Final = 4096
"""Bytes of a cookie's name and value that are stored (RFC 6265bis, section 5.6)."""
MAX_ATTRIBUTE: Final = 1024
MAX_LIFETIME_S: Final = 400 * 86_400
"""What a user agent makes of any longer lifetime (RFC 6265bis, section 5.5)."""
_BLANKS: Final = " \t"


class Cookie(NamedTuple):
    """One cookie that a response sets."""

    name: str
    value: str
    extra: Extra


def read_set_cookie(field: str, date: str | None) -> Cookie | None:
    """The cookie of a `Set-Cookie` field; `None` of one that a user agent ignores.

    `date` is the `Date` of the response, which `Expires` is measured against.
    """
    pair, *attributes = field.split(";")
    name, separator, value = pair.partition("=")
    name, value = (name.strip(_BLANKS), value.strip(_BLANKS)) if separator else ("", pair.strip())
    if not name or any((ord(c) < 32 and c != "\t") or c == "\x7f" for c in name + value):
        return None
    domain = path = None
    max_age: int | None = None
    expires: str | None = None
    same_site = ""
    words: set[str] = set()
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        key, text = key.strip(_BLANKS).lower(), text.strip(_BLANKS)
        if len(text) > MAX_ATTRIBUTE:
            continue
        if key == "domain":
            domain = text.removeprefix(".").lower() or None
        elif key == "path":
            path = text if text.startswith("/") else None
        elif key == "max-age" and text.removeprefix("-").isdecimal() and text.isascii():
            max_age = int(text[:20])
        elif key == "expires":
            expires = text
        elif key == "samesite":
            same_site = text.lower() if text.lower() in ("strict", "lax", "none") else ""
        elif key in ("secure", "httponly", "partitioned"):
            words.add(key)
    flags: list[str] = [word for word in ("secure", "httponly", "partitioned") if word in words]
    if same_site:
        flags.append(f"samesite={same_site}")
    lifetime_s = _lifetime_s(max_age, expires, date)
    return Cookie(
        name,
        value,
        Extra(
            None if lifetime_s is None else max(lifetime_s, 0),
            lifetime_s is not None and lifetime_s <= 0,
            CookieAttributes(domain, path, ",".join(flags)),
        ),
    )


def _lifetime_s(max_age: int | None, expires: str | None, date: str | None) -> int | None:
    """Seconds from the response to the end: by Max-Age, else Expires minus that response's Date."""
    if max_age is not None:
        return min(max_age, MAX_LIFETIME_S)
    if expires is None:
        return None
    end = http2time(expires)
    if end is None:
        return None
    if end <= 86_400 * 366:  # the epoch, or nearly: a deletion whatever the date
        return 0
    now = http2time(date) if date is not None else None
    return None if now is None else min(round(end - now), MAX_LIFETIME_S)


def cookie_pairs(field: str) -> list[tuple[str, str]]:
    """The names and values of a `Cookie` field, in its order; those without a name are left out."""
    pairs = []
    for part in field.split(";"):
        name, separator, value = part.partition("=")
        if separator and (name := name.strip(_BLANKS)):
            pairs.append((name, value.strip(_BLANKS)))
    return pairs
