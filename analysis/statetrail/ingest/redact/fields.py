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

CACHED: Final = 4096
"""Header fields that are cached."""
MAX_CACHED: Final = 512
"""Bytes of the value of such a field."""


class _Allowed(dict[tuple[bytes, bytes], tuple[str, str] | None]):
    """A header field as it stays, or `None`, by the field; those looked at last are cached."""

    __slots__ = ("_patterns",)

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__()
        self._patterns = {name.encode(): re.compile(p.encode()) for name, p in fields.items()}

    def __missing__(self, field: tuple[bytes, bytes]) -> tuple[str, str] | None:
        name, value = field[0].lower(), field[1]
        pattern = self._patterns.get(name)
        kept = None
        if pattern is not None and pattern.fullmatch(value):
            kept = name.decode("ascii"), value.decode("ascii")
        if len(field[0]) + len(value) <= MAX_CACHED:
            if len(self) >= CACHED:
                self.clear()
            self[field] = kept
        return kept


_EITHER: Final = {
    name.encode(): re.compile(
        "|".join(
            f"(?:{fields[name]})" for fields in (_REQUEST, _RESPONSE) if name in fields
        ).encode()
    )
    for name in (*_REQUEST, *_RESPONSE)
}


def is_harmless(name: bytes, value: bytes) -> bool:
    """Whether a header field, by its lower-case name, stays in a request or a response."""
    pattern = _EITHER.get(name)
    return pattern is not None and pattern.fullmatch(value) is not None


VOCABULARY: Final = " ".join(
    part
    for fields in (_REQUEST, _RESPONSE)
    for name, value in fields.items()
    for part in (name, value)
).lower()
"""What may be written in these fields, as a text."""


class HarmlessFields:
    """Which header fields of requests and responses stay as they are."""

    def __init__(self) -> None:
        self._request, self._response = _Allowed(_REQUEST), _Allowed(_RESPONSE)

    def of_request(self, fields: Fields) -> list[tuple[str, str]]:
        """The header fields of a request that stay."""
        return list(filter(None, map(self._request.__getitem__, fields)))

    def of_response(self, fields: Fields) -> list[tuple[str, str]]:
        """The header fields of a response that stay."""
        return list(filter(None, map(self._response.__getitem__, fields)))
