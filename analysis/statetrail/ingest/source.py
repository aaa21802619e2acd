"""An opened capture file: its content unpacked, and the file itself.

Enters: a path. Leaves: a `Source`, from which a format reads. Unpacked content ends where the file
is damaged, so that what stands before is read.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Final

from statetrail.errors import CaptureError

HEAD: Final = 4096
"""Bytes of a file's beginning by which its format is recognised."""

_GZIP: Final = b"\x1f\x8b"


class Source:
    """An opened capture file.

    Attributes
    ----------
    path
        The file.
    file
        The file itself, as it is on disk.
    packed
        What it is packed with, as an adjective; `None`: nothing.
    head
        The beginning of its content, unpacked; at most `HEAD` bytes.
    """

    def __init__(self, path: Path, file: BufferedIOBase) -> None:
        self.path = path
        self.file = file
        self.packed = "gzipped" if file.read(2) == _GZIP else None
        self.head = self.stream().read(HEAD)

    def stream(self) -> "Readable":
        """The content from its beginning, unpacked."""
        self.file.seek(0)
        return Readable(gzip.open(self.file) if self.packed is not None else self.file)


class Readable:
    """A file that ends where it is damaged."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        try:
            # A full read would lose the bytes that were decompressed before the damage.
            return self._file.read1(size)
        except (EOFError, OSError, zlib.error):
            return b""


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """An opened capture file. Raises `CaptureError` if it cannot be opened."""
    if path.exists() and not path.is_file():
        raise CaptureError(f"{path} is not a file: name a capture file")
    try:
        file = path.open("rb")
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror or error}") from None
    with file:
        yield Source(path, file)
