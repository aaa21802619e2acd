"""Addresses and header fields of HAR entries as on the wire; those read last are cached.

Enters: the URLs and header fields of entries. Leaves: an `Address`, and header fields as bytes.
Clients repeat most of theirs from request to request.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from statetrail.extract.cache import BoundedCache
from statetrail.extract.records import Fields
from statetrail.ingest.har.entry import EntryError, Header, read_headers
from statetrail.ingest.har.split import CUT

CACHED: Final = 4096
"""Header fields, names and small sections of them, and origins, that are cached."""
MAX_CACHED: Final = 512
"""Characters of such a name or origin, bytes of a field's or a section's JSON."""

_PSEUDO: Final = b":"
_CUT: Final = CUT.encode()
_URL: Final = re.compile(
    r"(https?|wss?)://(?:[^@/?#]*@)?"
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([^:/?#\[\]@\s]+))(?::([0-9]{0,5}))?"
    r"((?:[/?][^#]*)?)(?:#|\Z)",
    re.IGNORECASE,
)
# What a sanitiser put in place of a value, and no fragment.
_MASK: Final = re.compile(r"(?<==)#{3,}")
_HEADER: Final = msgspec.json.Decoder(Header)
_MAX_MASK: Final = 64
_BETWEEN: Final = b"},"
_SCHEMES: Final = {"ws": "http", "wss": "https"}
_PORTS: Final = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Where a request went; `is_cut`: the target lacks its end."""

    scheme: str
    host: str
    port: int
    target: bytes
    is_cut: bool = False


class _OddError(ValueError):
    """A piece of JSON is no header field, or one that has to be looked at."""


class _Lines(dict[bytes, tuple[bytes, bytes] | None]):
    """Header fields as bytes, by their JSON without its closing brace; `None` for a pseudo field.

    Raises for what is not plainly one. Those read last are cached.
    """

    __slots__ = ("_names",)

    def __init__(self, names: BoundedCache[str, bytes]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, piece: bytes) -> tuple[bytes, bytes] | None:
        header = _HEADER.decode(piece + b"}")
        name, value = header.name, header.value
        line = None
        if not name.startswith(":"):
            if not value.isascii() or "\n" in value:
                raise _OddError
            if (raw := self._names.get(name)) is None:
                raw = wire(name)
                if len(name) <= MAX_CACHED:
                    self._names.keep(name, raw)
            line = raw, value.encode("ascii")
        if len(piece) <= MAX_CACHED:
            if len(self) >= CACHED:
                self.clear()
            self[piece] = line
        return line


class HeadReader:
    """Reads the heads of one file."""

    __slots__ = ("_line", "_names", "_origins", "_sections")

    def __init__(self) -> None:
        self._names: BoundedCache[str, bytes] = BoundedCache(CACHED)
        self._line = _Lines(BoundedCache(CACHED)).__getitem__
        self._origins: BoundedCache[str, tuple[str, str, int]] = BoundedCache(CACHED)
        self._sections: BoundedCache[bytes, Fields] = BoundedCache(CACHED)

    def address(self, url: str) -> Address:
        """The parts of a URL. Raises `EntryError`: ``other``: no website's; ``url``: unreadable."""
        if "=###" in url:
            url = _MASK.sub(lambda mask: "%23" * min(len(mask[0]), _MAX_MASK), url)
        at = url.find("/", 8)
        known = self._origins.get(url[:at]) if at > 0 else None
        if known is None:
            match = _URL.match(url)
            if match is None:
                web = url[:5].lower().startswith(("http", "ws:", "wss:", "/", "?"))
                raise EntryError("url" if web else "other")
            name, v6, host, port, target = match.groups()
            scheme = _SCHEMES.get(name := name.lower(), name)
            number = int(port) if port else _PORTS[scheme]
            if number > 65_535:
                raise EntryError("url")
            known = scheme, v6 or host, number
            if match.start(5) == at <= MAX_CACHED:
                self._origins.keep(url[:at], known)
        else:
            target = url[at:].partition("#")[0]
        raw = utf8(target if target.startswith("/") else f"/{target}")
        return Address(*known, raw, raw.endswith(_CUT))

    def fields(self, headers: msgspec.Raw | Sequence[Header]) -> tuple[Fields, bool]:
        """Header fields as bytes, without HTTP/2's pseudo fields; whether one lacks its end.

        They are given as JSON, or read. No field has a line feed: with one, writers join the fields
        of one name. Raises `EntryError` (``broken``).
        """
        if not isinstance(headers, msgspec.Raw):
            return self._fields(headers)
        raw = bytes(headers)
        is_small = len(raw) <= MAX_CACHED
        if is_small and (known := self._sections.get(raw)) is not None:
            return known, False
        inner = raw[1:-1].rstrip()
        if inner.endswith(b"}") and raw.startswith(b"["):
            # A brace and a comma may be in a text, or within an object: then some piece is no whole
            # object. If all are, each ends where the next begins, since JSON is read from left to
            # right.
            try:
                lines = map(self._line, inner[:-1].split(_BETWEEN))
                fields = tuple(filter(None, lines))
                if is_small:
                    self._sections.keep(raw, fields)
                return fields, False
            except (_OddError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
        return self._fields(read_headers(raw) if raw else ())

    def _fields(self, headers: Sequence[Header]) -> tuple[Fields, bool]:
        fields: list[tuple[bytes, bytes]] = []
        known, is_cut = self._names.get, False
        for header in headers:
            name = known(header.name)
            if name is None:
                name = self._name(header.name)
            if name is _PSEUDO:
                continue
            value = header.value
            if value.isascii() and "\n" not in value:
                fields.append((name, value.encode("ascii")))
                continue
            for raw in map(wire, value.replace("\r\n", "\n").split("\n")):
                is_cut = is_cut or raw.endswith(_CUT)
                fields.append((name, raw))
        return tuple(fields), is_cut

    def _name(self, name: str) -> bytes:
        """A field's name as bytes; `_PSEUDO` for that of a pseudo field."""
        raw = _PSEUDO if name.startswith(":") else wire(name)
        return self._names.keep(name, raw) if len(name) <= MAX_CACHED else raw


def wire(text: str) -> bytes:
    """A header field's text as bytes."""
    # Most writers decode a header as Latin-1, some as UTF-8 with surrogates.
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return utf8(text)


def utf8(text: str) -> bytes:
    """A text's bytes, whatever surrogates it has."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
