"""The header fields that carry cookies, of writers that have them in the lists ``cookies`` alone.

Enters: the JSON of each cookie, and the header fields of its message. Leaves: the fields with
``Cookie`` or ``Set-Cookie``, unless they have it.
"""

import re
from collections.abc import Sequence
from datetime import UTC
from email.utils import format_datetime
from typing import Final

import msgspec

from statetrail.dialects.wire import COOKIE, SET_COOKIE
from statetrail.extract.records import Fields
from statetrail.ingest.har.entry import read_cookie
from statetrail.ingest.har.heads import wire
from statetrail.ingest.har.times import start_of

# What no cookie has in its name, value or attributes.
_END: Final = re.compile(r"[;\r\n\0]")
_FLAGS: Final = {"secure": "Secure", "httpOnly": "HttpOnly"}


def with_sent(fields: Fields, cookies: Sequence[msgspec.Raw]) -> Fields:
    """The header fields of a request."""
    if _has(COOKIE, fields) or not (read := list(filter(None, map(read_cookie, cookies)))):
        return fields
    return (*fields, (COOKIE, wire("; ".join(map(_pair, read)))))


def with_received(fields: Fields, cookies: Sequence[msgspec.Raw]) -> Fields:
    """The header fields of a response."""
    if _has(SET_COOKIE, fields):
        return fields
    read = filter(None, map(read_cookie, cookies))
    return (*fields, *((SET_COOKIE, wire(_set(each))) for each in read))


def _has(name: bytes, fields: Fields) -> bool:
    for each, _ in fields:  # noqa: SIM110 - in the way of every entry, and `any` takes longer
        if each.lower() == name:
            return True
    return False


def _pair(cookie: dict[str, str]) -> str:
    name, value = (_END.split(cookie.get(each, ""))[0] for each in ("name", "value"))
    return f"{name}={value}"


def _set(cookie: dict[str, str]) -> str:
    """A field ``Set-Cookie`` that says the same."""
    parts = [_pair(cookie)]
    for name, attribute in (("path", "Path"), ("domain", "Domain"), ("sameSite", "SameSite")):
        if value := _END.split(cookie.get(name, ""))[0]:
            parts.append(f"{attribute}={value}")
    try:
        end = start_of(cookie["expires"])
        parts.append(f"Expires={format_datetime(end.astimezone(UTC), usegmt=True)}")
    except (KeyError, ValueError, OverflowError):
        pass  # until the browser closes
    return "; ".join([*parts, *(_FLAGS[name] for name in _FLAGS if cookie.get(name) == "true")])
