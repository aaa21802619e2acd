"""The decoded beginning of a body, bounded whatever the sender does.

Enters: the first bytes of a body as on the wire, and its content codings. Leaves: at most
`MAX_DECODED` bytes of plain content, or what went wrong. A compression bomb costs no more, and of
a body that is cut or broken further on the beginning is read.
"""

import sys
import zlib
from collections.abc import Callable
from typing import Final

import brotli

from statetrail.dialects.wire import BodyError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_ENCODED: Final = 65_536
"""Bytes of the encoded body that are looked at."""
MAX_DECODED: Final = 65_536
"""Bytes of content that leave."""
MAX_SEARCHED: Final = 524_288
"""Bytes of a body, encoded and of its content, in which declared names are searched for."""
MAX_CODINGS: Final = 4

_STEP: Final = 1024
_FRAMES: Final = 4096
_ZSTD: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}
_GZIP: Final = 47  # gzip, or zlib where the sender mixed them up


class CodingError(BodyError):
    """The body's content coding is unknown or broken. The message is a note for the store."""


def _inflate(data: bytes, limit: int, wbits: int) -> bytes:
    out = bytearray()
    decompressor = zlib.decompressobj(wbits)
    at = 0
    while at < len(data) and len(out) < limit:
        step = data[at : at + _STEP]
        try:
            out += decompressor.decompress(step, limit - len(out))
        except zlib.error:
            if not out:
                raise
            break
        at += len(step) - len(decompressor.unused_data)
        if decompressor.eof:
            if wbits != _GZIP:
                break
            # A gzip body may be several members one after the other (RFC 1952, 2.2).
            decompressor = zlib.decompressobj(wbits)
    return bytes(out)


def _gzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, _GZIP)


def _deflate(data: bytes, limit: int) -> bytes:
    # RFC 9110 8.4.1.2: "deflate" is zlib, but some senders leave the zlib wrapper out.
    try:
        return _inflate(data, limit, 15)
    except zlib.error:
        return _inflate(data, limit, -15)


def _brotli(data: bytes, limit: int) -> bytes:
    out = bytearray()
    decompressor = brotli.Decompressor()
    for at in range(0, len(data), _STEP):
        step = data[at : at + _STEP]
        try:
            out += decompressor.process(step, output_buffer_limit=limit - len(out))
        except brotli.error:
            if not out:
                raise
            break
        if len(out) >= limit or decompressor.is_finished():
            break
    return bytes(out[:limit])


def _zstd(data: bytes, limit: int) -> bytes:
    out = bytearray()
    decompressor = zstd.ZstdDecompressor(options=_ZSTD)
    # In steps, since a decompressor copies what is behind its frame.
    for at in range(0, len(data), _FRAMES):
        step = data[at : at + _FRAMES]
        try:
            while step:
                if decompressor.eof:
                    decompressor = zstd.ZstdDecompressor(options=_ZSTD)
                out += decompressor.decompress(step, limit - len(out))
                if len(out) >= limit:
                    return bytes(out)
                step = decompressor.unused_data if decompressor.eof else b""
        except zstd.ZstdError:
            if not out:
                raise
            break
    return bytes(out)


_DECODERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
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


def decode_prefix(data: bytes, codings: tuple[str, ...], limit: int = MAX_DECODED) -> bytes:
    """At most `limit` bytes of content from the beginning of an encoded body.

    Raises `CodingError` where nothing could be decoded: ``unknown-coding`` or ``broken-coding``.
    """
    most = max(limit, MAX_ENCODED)
    if not codings:
        return data[: min(limit, most)]
    data = data[:most]
    if len(codings) > MAX_CODINGS:
        raise CodingError("unknown-coding")
    for left, coding in zip(range(len(codings) - 1, -1, -1), reversed(codings), strict=True):
        decoder = _DECODERS.get(coding)
        if decoder is None:
            raise CodingError("unknown-coding")
        try:
            data = decoder(data, most if left else limit)
        except (zlib.error, brotli.error, zstd.ZstdError, MemoryError) as error:
            raise CodingError("broken-coding") from error
    return data[:limit]


class BodyBeginning:
    """The beginning of a body, for places to look in (`statetrail.dialects.wire.Body`)."""

    __slots__ = ("_codings", "_data", "_whole", "charset", "media_type")

    def __init__(
        self, data: bytes, codings: tuple[str, ...], charset: str | None, media_type: str = ""
    ) -> None:
        self._data = data
        self._codings = codings
        self._whole: bytes | None = None
        self.charset = charset
        self.media_type = media_type

    def beginning(self, limit: int | None = None) -> bytes:
        """At most `limit` bytes of the decoded content. Raises `CodingError`."""
        if self._whole is not None:
            return self._whole[: limit or MAX_DECODED]
        return decode_prefix(self._data, self._codings, limit or MAX_DECODED)

    def whole(self) -> bytes:
        """Its decoded content as far as names are searched for. Raises `CodingError`."""
        if self._whole is None:
            self._whole = decode_prefix(self._data, self._codings, MAX_SEARCHED)
        return self._whole
