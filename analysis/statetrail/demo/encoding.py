"""Content codings as the reference origins offer them: gzip, deflate, br and zstd.

Enters: a body and the request's ``Accept-Encoding``. Leaves: the body as sent and its coding.
"""

import gzip
import zlib
from collections.abc import Callable
from typing import Final

import brotli
import zstandard


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(body)


def _br(body: bytes) -> bytes:
    encoded: bytes = brotli.compress(body, quality=4)
    return encoded


CODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "zstd": _zstd,
    "br": _br,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}
"""In the order of the origins' own liking."""


def negotiate(accept: str) -> str | None:
    """The coding to use for an ``Accept-Encoding`` field (RFC 9110, 12.5.3); `None`: none.

    >>> negotiate("gzip;q=0.5, br"), negotiate("*;q=0.1, zstd;q=0"), negotiate("identity")
    ('br', 'br', None)
    """
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, _, parameter = part.partition(";")
        key, _, value = parameter.strip().partition("=")
        try:
            weights[name.strip()] = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    offers = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in CODINGS]
    weight, best = max(offers, key=lambda offer: offer[0])
    return best if weight > 0 else None


def encoded(body: bytes, accept: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The body in the coding that was asked for, and the header fields that say so."""
    coding = negotiate(accept)
    fields = [(b"vary", b"accept-encoding")]
    if coding is None:
        return body, fields
    return CODINGS[coding](body), [*fields, (b"content-encoding", coding.encode())]
