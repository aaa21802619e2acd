"""What a value says of its own lifetime, where it is a JSON Web Token (RFC 7519).

Enters: a value. Leaves: the seconds from `iat` to `exp`, both by the server's own clock. One that
states only when it ends says nothing that holds without knowing that clock, and is left out.
"""

import re
from base64 import urlsafe_b64decode
from typing import Final

import msgspec

MAX_TOKEN: Final = 16_384
"""Characters of a value that is looked into."""
MAX_DECLARED_S: Final = 2**31 - 1
"""Longest lifetime that is believed: 68 years."""

# The compact form of a signed token (RFC 7515, 7.1); "eyJ" is how the header's first two bytes,
# those of a JSON object, are written.
_COMPACT: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")


class _Claims(msgspec.Struct, gc=False):
    """When a token was issued and when it ends, in seconds of the server's clock."""

    iat: float
    exp: float


_decode: Final = msgspec.json.Decoder(_Claims).decode


def declared_s(value: str) -> int | None:
    """The lifetime that a value states, in whole seconds; `None` where it states none.

    >>> declared_s("eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2ln")
    3600
    """
    if not value.startswith("eyJ") or len(value) > MAX_TOKEN:
        return None
    if (token := _COMPACT.fullmatch(value)) is None:
        return None
    encoded = token[1]
    try:
        payload = _decode(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):  # no base64, no JSON, no such claims
        return None
    lifetime = payload.exp - payload.iat
    return round(lifetime) if 1 <= lifetime <= MAX_DECLARED_S else None
