"""What the header fields of a response say of caches: whether one answered in place of the server.

Enters: header fields. Leaves: the age of the response. Not every cache sends `Age` (nginx and
Akamai do not), and in the first second it is 0; but most of them say that they had a *hit*.
"""

import re
from typing import Final

from statetrail.dialects.wire import FieldLines

AGE: Final = b"age"
_CACHE_STATUS: Final = b"cache-status"
# What caches and content delivery networks say in words of their own.
_SAYING: Final = (
    b"cf-cache-status", b"x-cache", b"x-cache-status", b"x-proxy-cache", b"x-nginx-cache",
    b"x-nginx-cache-status", b"x-fastcgi-cache", b"x-varnish-cache", b"x-litespeed-cache",
    b"x-vercel-cache", b"x-drupal-cache", b"akamai-cache-status",
)  # fmt: skip
CACHE_FIELDS: Final = frozenset((AGE, _CACHE_STATUS, *_SAYING))
"""The response header fields that are read here."""
_MAX: Final = 1024
_WORD: Final = re.compile(
    rb"(?:^|[^a-z])(?:(?:refresh)?hit(?!-for-)|stale|updating|revalidated)(?![a-z])", re.IGNORECASE
)
_MEMBER: Final = re.compile(rb";\s*hit\s*(?:[;,]|$|=\s*\?1)")


def age_of(lines: FieldLines) -> str | None:
    """The field `Age`; 1 where that is 0 or missing, and another field says that a cache answered.

    ``Cache-Status`` has a grammar (RFC 9211), the others have words.
    """
    age = _line(lines, AGE) if AGE in lines else None
    if age is not None and age.strip(b" \t0"):
        return age.decode("utf-8", "replace")
    hit = _MEMBER.search(_line(lines, _CACHE_STATUS)) or any(
        _WORD.search(_line(lines, name)) for name in _SAYING if name in lines
    )
    return "1" if hit else None if age is None else age.decode("utf-8", "replace")


def _line(lines: FieldLines, name: bytes) -> bytes:
    return b", ".join(lines.get(name, ()))[:_MAX]
