"""Responses of the reference origins, in the content codings gzip, deflate, br and zstd.

Enters: a body and the request, of which ``Accept-Encoding`` counts. Leaves: the response.
"""

import gzip
import sys
import zlib
from collections.abc import Callable
from functools import partial
from typing import Final

import brotli
from starlette.requests import Request
from starlette.responses import Response

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NO_STORE: Final = {"cache-control": "no-store"}
CODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "zstd": zstd.compress,
    "br": partial(brotli.compress, quality=4),
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}
"""In the order of the origins' preference."""


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


def respond(request: Request, body: bytes, media_type: str, status: int = 200) -> Response:
    """A response that is not to be stored, in the coding that the request prefers."""
    coding = negotiate(request.headers.get("accept-encoding", ""))
    headers = NO_STORE | {"vary": "accept-encoding"}
    if coding is not None:
        headers["content-encoding"] = coding
        body = CODINGS[coding](body)
    return Response(body, status, headers, media_type)
