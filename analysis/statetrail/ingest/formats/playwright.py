"""The network of a Playwright trace: a line of JSON an entry of a HAR, with bodies in other files.

A trace is a zip file with a member ``trace.network`` for each context, which is a client.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.ingest.format import Format
from statetrail.ingest.har.reader import read_har
from statetrail.ingest.har.split import MAX_ENTRY
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Readable, Source

_BEGINNING: Final = re.compile(rb'\{"type":"resource-snapshot","snapshot":\{')
_HEAD: Final = b'{"log":{"creator":{"name":"Playwright"},"entries":['
_TAIL: Final = b"]}}"
_NONE: Final = b"null"
_CHUNK: Final = 1 << 18


class _Line(msgspec.Struct):
    """A line of a trace."""

    type: str
    snapshot: msgspec.Raw = msgspec.Raw(b"{}")


_decode: Final = msgspec.json.Decoder(_Line).decode


def _matches(source: Source) -> bool:
    return bool(_BEGINNING.match(source.head))


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    def beside(name: str) -> bytes | None:
        return source.beside(name if name.startswith("resources/") else f"resources/{name}")

    lines = _Lines(source.stream())
    yield from read_har(lines, fingerprinter, report, beside)
    if lines.is_torn:
        report.truncation = "ends"


class _Lines:
    """The lines of a trace as a HAR file."""

    def __init__(self, stream: Readable) -> None:
        self.is_torn = False
        self._stream = stream
        self._parts = self._document()

    def read(self, size: int, /) -> bytes:
        """The next part, of any size; none at the end."""
        return next(self._parts, b"")

    def _document(self) -> Iterator[bytes]:
        yield _HEAD
        rest, separator = b"", b""
        while chunk := self._stream.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_ENTRY:
                # The reader counts what is no entry; the rest of the line is another.
                lines, rest = [*lines, b"?"], b""
            entries = [entry for line in lines if (entry := _entry(line)) is not None]
            if entries:
                yield separator + b",".join(entries)
                separator = b","
        if rest.strip():
            last = _entry(rest)
            self.is_torn = last == _NONE
            if last is not None and not self.is_torn:
                yield separator + last
        yield _TAIL


def _entry(line: bytes) -> bytes | None:
    """The entry in a line; `None`: a line of another kind."""
    if not line.strip():
        return None
    try:
        decoded = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NONE
    return bytes(decoded.snapshot) if decoded.type == "resource-snapshot" else None


PLAYWRIGHT: Final = Format("playwright", "the network of a Playwright trace", _matches, _read)
