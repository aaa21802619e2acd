"""The parts of a message in which places look for state, as they stand on the wire."""

import urllib.parse
from typing import Final, NamedTuple, Protocol

type FieldLines = dict[bytes, list[bytes]]
"""Field values by lower-case field name, both in the order of the message."""

MAX_VALUE_BYTES: Final = 3 * 65_536
"""Bytes of a percent-encoded value that are read."""


COOKIE: Final = b"cookie"
"""The request header field of all cookies, in lower case."""
SET_COOKIE: Final = b"set-cookie"
"""The response header field of one cookie, in lower case."""
MAX_FOUND: Final = 16_384
"""Bytes of a value in a body that are read."""


class Target(NamedTuple):
    """The target of a request: its path's segments, and its query's fields.

    Segments and the fields' values are percent-encoded, the fields' keys are decoded.
    """

    segments: list[str]
    query: list[tuple[bytes, bytes]]


class BodyError(ValueError):
    """Nothing can be read in a body. The message is a note for the store."""


class Body(Protocol):
    """The beginning of a message's body."""

    @property
    def charset(self) -> str | None:
        """The character encoding that the header fields name."""

    @property
    def media_type(self) -> str:
        """The media type that the header fields name, with its parameters; empty for none."""

    def beginning(self, limit: int | None = None) -> bytes:
        """At most `limit` bytes of its decoded content; by default as much as is looked at.

        Raises `BodyError`.
        """

    def whole(self) -> bytes:
        """Its decoded content as far as names are searched for. Raises `BodyError`."""


def text(raw: bytes) -> str:
    """Bytes from the network as text, each byte that is no UTF-8 as a lone surrogate."""
    return raw.decode("utf-8", "surrogateescape")


def unquote(raw: bytes) -> bytes:
    """A query's key or value, percent-decoded, with ``+`` as a blank."""
    raw = raw.replace(b"+", b" ")
    return urllib.parse.unquote_to_bytes(raw) if b"%" in raw else raw
