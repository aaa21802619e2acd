"""Makes text from the network fit to be kept: bounded, printable, free of this exchange's secrets.

Enters: raw paths, user agents and other free text. Leaves: short strings in which token-like
segments are pseudonyms. Masking errs towards too much: a masked word costs legibility, a kept
token is a leak.
"""

import re
import urllib.parse
from collections.abc import Collection
from typing import Final

from statetrail.sightings.pseudonyms import Pseudonymiser

MAX_SEGMENTS: Final = 16
MAX_PATH: Final = 512
MIN_SECRET: Final = 4
"""Characters from which on a secret is looked for in other text; shorter ones are everywhere."""

_VERSION: Final = re.compile(r"[vV][0-9]{1,3}(?:\.[0-9]{1,3}){0,2}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_DIGITS: Final = re.compile(r"[0-9]+")
# Words as a person writes them: lower, UPPER, Capitalised or camelCase, joined by - _ . , with an
# optional short number. BrowseCategory and price-list.v2 are words, yjipILZBeUWxrFq is none.
_WORD: Final = r"(?:[A-Z]?[a-z]{2,24}|[A-Z]{1,8}|[a-z])"
_WORDS: Final = re.compile(
    rf"(?:[A-Z]?[a-z]{{2,24}}){{1,6}}|{_WORD}(?:[-_.]{_WORD}){{0,7}}(?:[-_.]?[0-9]{{1,3}})?"
)
_PERSONS: Final = frozenset(
    [
        "account",
        "accounts",
        "contact",
        "contacts",
        "customer",
        "customers",
        "login",
        "logins",
        "member",
        "members",
        "person",
        "persons",
        "profile",
        "profiles",
        "salesperson",
        "salespersons",
        "session",
        "sessions",
        "token",
        "tokens",
        "user",
        "users",
        "visitor",
        "visitors",
    ]
)
_CONTROL: Final = re.compile(
    r"[^\x20-\x7e\xa0-\uffff]|[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def segment_kind(segment: str, before: str = "") -> str:
    """What a path segment is: ``word``, ``number``, ``person`` or ``opaque``."""
    if not segment or _VERSION.fullmatch(segment):
        return "word"
    if before.lower() in _PERSONS and segment.lower() != "me":
        return "person"
    if _DIGITS.fullmatch(segment):
        return "number" if len(segment) <= 6 else "opaque"
    if _PLAIN.fullmatch(segment) and _WORDS.fullmatch(segment):
        return "word"
    return "opaque"


def mask_path(
    target: bytes, pseudonyms: Pseudonymiser, secrets: Collection[str] = ()
) -> tuple[str, str]:
    """The storable path and the endpoint template of a request target.

    >>> mask_path(b"/services/v3/baskets/4711/state?CurrId=2", Pseudonymiser(bytes(16)))
    ('/services/v3/baskets/4711/state', '/services/v3/baskets/{id}/state')
    """
    raw = target.split(b"?", 1)[0].split(b"#", 1)[0]
    if raw == b"*":
        return "*", "*"
    text = raw[: 4 * MAX_PATH].decode("utf-8", "replace")
    if "://" in text[:12]:
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    path, endpoint, before = [], [], ""
    segments = text.split("/")
    for segment in segments[:MAX_SEGMENTS]:
        # Matrix parameters (;jsessionid=...) carry tokens as a rule.
        name, semicolon, _ = segment.partition(";")
        name = urllib.parse.unquote(name)
        kind = "opaque" if name in secrets else segment_kind(name, before)
        shown = name if kind in ("word", "number") else pseudonyms.pseudonym(name)
        path.append(shown + (";…" if semicolon else ""))
        endpoint.append(name if kind == "word" else "{id}")
        before = name if kind == "word" else ""
    if len(segments) > MAX_SEGMENTS or len(raw) > 4 * MAX_PATH:
        path.append("…")
        endpoint.append("…")
    return "/".join(path)[:MAX_PATH] or "/", "/".join(endpoint)[:MAX_PATH] or "/"


def clean(text: str, limit: int) -> str:
    """The text without control and direction characters, cut to `limit` characters."""
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def scrub(text: str, pseudonyms: Pseudonymiser, secrets: Collection[str]) -> str:
    """The text with every secret replaced by its pseudonym."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, pseudonyms.pseudonym(secret))
    return text
