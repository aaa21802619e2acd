"""The header fields that stay in a copy besides those that are made anew.

Enters: header fields. Leaves: those of a closed list of names whose values are of a known, bounded
grammar in which nothing can hide.
"""

import re
from typing import Final

from statetrail.extract.records import Fields

_DATE: Final = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov"
    r"|Dec) [0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)
_TYPE: Final = (
    r"(?:text/(?:css|csv|html|javascript|plain|xml|event-stream)"
    r"|application/(?:gzip|javascript|json|ld\+json|octet-stream|pdf|problem\+json|soap\+xml|xml"
    r"|x-www-form-urlencoded|xhtml\+xml|zip|grpc)"
    r"|multipart/(?:form-data|mixed)|font/(?:ttf|woff|woff2)"
    r"|image/(?:avif|gif|jpeg|png|svg\+xml|webp|x-icon)|(?:audio|video)/(?:mp4|mpeg|ogg|webm))"
)
_SIZE: Final = r"[0-9]{1,9}"
_ANY: Final = {
    "connection": "close|keep-alive|upgrade",
    "content-length": _SIZE,
    "content-type": _TYPE + r"(?i:; ?charset=(?:utf-8|us-ascii|iso-8859-1|windows-125[0-9]))?",
    "date": _DATE,
    "pragma": "no-cache",
    "transfer-encoding": "chunked",
    "upgrade": "websocket|h2c",
}  # fmt: skip
_REQUEST: Final = _ANY | {
    "accept": rf"\*/\*|{_TYPE}",
    "accept-encoding": r"(?:(?:gzip|deflate|br|zstd|identity)(?:, ?|\Z)){1,5}",
    "cache-control": "no-cache|no-store|max-age=0",
    "dnt": "[01]",
    "sec-fetch-mode": "cors|navigate|no-cors|same-origin|websocket",
    "sec-fetch-site": "cross-site|same-origin|same-site|none",
    "sec-fetch-user": r"\?1",
    "sec-gpc": "1",
    "te": "trailers",
    "upgrade-insecure-requests": "1",
    "x-requested-with": "XMLHttpRequest",
}
_RESPONSE: Final = _ANY | {
    "access-control-allow-credentials": "true",
    "access-control-max-age": _SIZE,
    "expires": rf"{_DATE}|0|-1",
    "last-modified": _DATE,
    "retry-after": _SIZE,
    "vary": r"(?i:(?:accept|accept-encoding|accept-language|authorization|cookie|origin"
    r"|user-agent|\*)(?:, ?|\Z)){1,8}",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY|SAMEORIGIN",
}

type _Allowed = dict[bytes, re.Pattern[bytes]]


def _compiled(fields: dict[str, str]) -> _Allowed:
    return {name.encode(): re.compile(value.encode()) for name, value in fields.items()}


_REQUEST_FIELDS: Final = _compiled(_REQUEST)
_RESPONSE_FIELDS: Final = _compiled(_RESPONSE)

VOCABULARY: Final = " ".join(
    part
    for fields in (_REQUEST, _RESPONSE)
    for name, value in fields.items()
    for part in (name, value)
).lower()
"""What may be written in these fields, as a text."""


def harmless_request_fields(fields: Fields) -> list[tuple[str, str]]:
    """The header fields of a request that stay as they are."""
    return _harmless(fields, _REQUEST_FIELDS)


def harmless_response_fields(fields: Fields) -> list[tuple[str, str]]:
    """The header fields of a response that stay as they are."""
    return _harmless(fields, _RESPONSE_FIELDS)


def _harmless(fields: Fields, allowed: _Allowed) -> list[tuple[str, str]]:
    return [
        (name.decode("ascii"), value.decode("ascii"))
        for raw_name, value in fields
        if (pattern := allowed.get(name := raw_name.lower())) is not None
        and pattern.fullmatch(value)
    ]
