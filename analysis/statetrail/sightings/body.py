"""The decoded beginning of a body, bounded whatever the sender does.

Enters: the first bytes of a body as on the wire, and its content codings. Leaves: at most
`MAX_DECODED` bytes of plain content, or what went wrong. A compression bomb costs no more.
"""

import zlib
from collections.abc import Callable
from typing import Final

import brotli
import zstandard

MAX_ENCODED: Final = 65_536
"""Bytes of the encoded body that are looked at."""
MAX_DECODED: Final = 65_536
"""Bytes of content that leave."""
MAX_CODINGS: Final = 4


class CodingError(ValueError):
    """The body's content coding is unknown or broken. The message is a note for the store."""


def _gzip(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=47).decompress(data, MAX_DECODED)


def _deflate(data: bytes) -> bytes:
    # RFC 9110 8.4.1.2: "deflate" is zlib, but some senders leave the zlib wrapper out.
    try:
        return zlib.decompressobj().decompress(data, MAX_DECODED)
    except zlib.error:
        return zlib.decompressobj(wbits=-15).decompress(data, MAX_DECODED)


def _brotli(data: bytes) -> bytes:
    return brotli.Decompressor().process(data, output_buffer_limit=MAX_DECODED)[:MAX_DECODED]  # type: ignore[no-any-return]


def _zstd(data: bytes) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 23)
    with decompressor.stream_reader(data, read_size=4096, read_across_frames=True) as reader:
        out = bytearray()
        try:
            while len(out) < MAX_DECODED and (chunk := reader.read(MAX_DECODED - len(out))):
                out += chunk
        except zstandard.ZstdError:
            if not out:
                raise
        return bytes(out)


_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def content_codings(field: str) -> tuple[str, ...]:
    """The content codings named by ``Content-Encoding`` fields, in the order they were applied."""
    codings = (part.strip().lower() for part in field.split(","))
    return tuple(coding for coding in codings if coding and coding != "identity")


def decode_prefix(data: bytes, codings: tuple[str, ...]) -> bytes:
    """At most `MAX_DECODED` bytes of content from the beginning of an encoded body.

    Raises `CodingError` where nothing could be decoded: ``unknown-coding`` or ``broken-coding``.
    """
    data = data[:MAX_ENCODED]
    if len(codings) > MAX_CODINGS:
        raise CodingError("unknown-coding")
    for coding in reversed(codings):
        decoder = _DECODERS.get(coding)
        if decoder is None:
            raise CodingError("unknown-coding")
        try:
            data = decoder(data)
        except (zlib.error, brotli.error, zstandard.ZstdError, MemoryError) as error:
            raise CodingError("broken-coding") from error
    return data[:MAX_DECODED]
