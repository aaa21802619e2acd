"""What capture files are packed with.

Enters: an opened file, and its first bytes. Leaves: the file unpacked, as a stream, or as a zip
file. No size that a file claims is believed.
"""

import gzip
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from io import BufferedReader
from typing import IO, Final, NamedTuple, cast

from statetrail.errors import CaptureError

if sys.version_info >= (3, 14):
    from compression import zstd
    from compression.zstd import ZstdError as ZstdError
else:
    from backports import zstd
    from backports.zstd import ZstdError as ZstdError

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_END: Final = struct.Struct("<4s4H2LH")
_MAX_COMMENT: Final = 65_535
_MAX_DIRECTORY: Final = 1 << 26
_MAX_WINDOW_LOG: Final = 27
_CHUNK: Final = 1 << 16


class Packing(NamedTuple):
    """A way to pack a stream."""

    name: str
    open: Callable[[IO[bytes]], IO[bytes]]


def packing_of(start: bytes) -> Packing | None:
    """What a stream with these first bytes is packed with; `None`: nothing known."""
    if start.startswith(b"\x1f\x8b"):
        return Packing("gzip", _gzip)
    if start == b"\x28\xb5\x2f\xfd":
        return Packing("zstd", _zstd)
    # As in RFC 1950: deflate with a window of 32 KiB, and a check of both bytes.
    if start[:1] == b"\x78" and len(start) > 1 and int.from_bytes(start[:2]) % 31 == 0:
        return Packing("zlib", _zlib)
    return None


def archive_of(file: BufferedReader) -> zipfile.ZipFile | None:
    """The file as a zip file; `None` if it is none.

    Raises `CaptureError` for a damaged one, as a sentence without its subject.
    """
    if file.peek(4)[:4] not in _ZIP:
        return None
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - _MAX_COMMENT))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise CaptureError("is a zip file that ends early: its directory, at its end, is missing")
    # The directory is read whole.
    if _END.unpack_from(tail, at)[5] > _MAX_DIRECTORY:
        raise CaptureError("is a zip file with too many members")
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise CaptureError("is a damaged zip file") from None


def _gzip(file: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file))


def _zstd(file: IO[bytes]) -> IO[bytes]:
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
    return cast("IO[bytes]", zstd.ZstdFile(file, options=options))


def _zlib(file: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_Inflated(file), _CHUNK)


class _Inflated(io.RawIOBase):
    """What is in a zlib stream."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_CHUNK)
            data = self._inflate.decompress(packed, len(buffer))
            if data or not packed:
                buffer[: len(data)] = data
                return len(data)
        return 0
