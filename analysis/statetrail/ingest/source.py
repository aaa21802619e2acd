"""An opened capture file: its content unpacked, and the file itself.

Enters: a path. Leaves: a `Source`, from which a format reads: gzip, zstd and zlib are unpacked,
UTF-16 is read as UTF-8, and of a zip file one member is read. Unpacked content ends where the file
is damaged, or where it has become implausibly large; so what stands before is read.
"""

import codecs
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, NamedTuple, Protocol

from statetrail.errors import CaptureError
from statetrail.ingest.packing import ZstdError, archive_of, packing_of

HEAD: Final = 4096
"""Bytes of a file's beginning by which its format is recognised."""
MAX_RATIO: Final = 200
"""How many times its size a file of more than `MAX_SMALL` may have unpacked."""
MAX_SMALL: Final = 1 << 30
"""Bytes that any file may have unpacked."""

MAX_BODY: Final = 524_288
"""Bytes of a body in a file of its own."""

_BODY: Final = re.compile(r"(?:resources/)?[0-9a-f]{32,64}(?:\.[A-Za-z0-9]{1,12})?", re.ASCII)
_LAYERS: Final = 2
_CHUNK: Final = 1 << 18
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"{\0": "utf-16-le",
    b"\0{": "utf-16-be",
}
_DAMAGES: Final = (
    *(EOFError, OSError, zlib.error, zipfile.BadZipFile, ZstdError),
    *(NotImplementedError, RuntimeError),  # a member's method is unknown, or it is encrypted
    UnicodeDecodeError,  # a member's name
)


class Source:
    """An opened capture: a file, or a member of a zip file.

    Attributes
    ----------
    path
        The file.
    file
        The file itself, as it is on disk.
    archive
        The file as a zip file, if it is one.
    packed
        What the content is packed with; `None`: nothing.
    head
        The beginning of the content, unpacked; at most `HEAD` bytes.
    member_name
        The member of the zip file that is read; `None`: it is no zip file, or is read as one.
    fault
        Why the content was not read to its end, as in `skipped.TRUNCATIONS`; `None`: it was.
    """

    def __init__(
        self,
        path: Path,
        file: BufferedReader,
        archive: zipfile.ZipFile | None = None,
        member: str | None = None,
    ) -> None:
        self.path = path
        self.file = file
        self.archive = archive
        self.packed = "zip" if archive is not None else None
        self.fault: str | None = None
        self.member_name = member
        self._room = max(MAX_SMALL, MAX_RATIO * path.stat().st_size)
        self.head = self.stream().read(HEAD)

    def stream(self) -> "Readable":
        """The content from its beginning: unpacked, and in UTF-8 if it is text."""
        try:
            stream = Readable(self, self._unpacked(), self._room)
        except _DAMAGES:
            return Readable(self, None, 0)
        stream.decode()
        return stream

    def _unpacked(self) -> IO[bytes]:
        if self.archive is not None and self.member_name is not None:
            file: IO[bytes] = self.archive.open(self.member_name)
        else:
            self.file.seek(0)
            file = self.file
        for _ in range(_LAYERS):
            packing = packing_of(file.peek(4)[:4])  # type: ignore[attr-defined]
            if packing is None:
                break
            self.packed = packing.name
            file = packing.open(file)
        return file

    @contextmanager
    def on_disk(self) -> Iterator["Unpacked"]:
        """The content in a file without a name, for those who have to seek in it.

        Raises `CaptureError` if there is no room for it.
        """
        stream = self.stream()
        with tempfile.TemporaryFile() as file:
            try:
                while chunk := stream.read(_CHUNK):
                    file.write(chunk)
                file.flush()
            except OSError as error:
                raise CaptureError(
                    f"{self.path} cannot be unpacked in {tempfile.gettempdir()}: {error.strerror}"
                ) from None
            yield Unpacked(file, stream.is_damaged)

    def within(self, member: str) -> "Source":
        """A member of the zip file, opened."""
        return Source(self.path, self.file, self.archive, member)

    def member(self, name: str, limit: int) -> bytes | None:
        """The beginning of a member of the zip file; `None`: it is missing or damaged."""
        if self.archive is None:
            return None
        try:
            with self.archive.open(name) as file:
                return file.read(limit)
        except (KeyError, *_DAMAGES):
            return None

    def beside(self, name: str) -> bytes | None:
        """The beginning of a body that stands in a file of its own, named by its digest."""
        if not _BODY.fullmatch(name):
            return None
        if self.member_name is not None:
            folder, slash, _ = self.member_name.rpartition("/")
            return self.member(f"{folder}{slash}{name}", MAX_BODY)
        path = self.path.parent / name
        try:
            if not path.is_file() or path.is_symlink():
                return None
            with path.open("rb") as file:
                return file.read(MAX_BODY)
        except OSError:
            return None


class Unpacked(NamedTuple):
    """A file of unpacked content, which may lack its end: then it was damaged."""

    file: IO[bytes]
    is_damaged: bool


class Readable:
    """Content that ends where it is damaged."""

    def __init__(self, source: Source, file: IO[bytes] | None, room: int) -> None:
        self._source = source
        self._file = file
        self._room = room
        self._decoder: codecs.IncrementalDecoder | None = None
        self._next = b""
        self.ended = False
        self.is_damaged = False

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end: then `ended` is true."""
        if self._next:
            data, self._next = self._next[:size], self._next[size:]
            return data
        data = self._read(size)
        self.ended = not data
        if self._decoder is None or not data:
            return data
        # Of an odd number of bytes one waits in the decoder.
        while not (text := self._decoder.decode(data)) and (data := self._read(size)):
            pass
        data = text.encode("utf-8", "replace")
        self._next = data[size:]
        return data[:size]

    def decode(self) -> None:
        """Find out what the content is encoded with, at its beginning."""
        start = self._read(HEAD)
        if start.startswith(_UTF8_BOM):
            start = start[len(_UTF8_BOM) :]
        elif (coding := _UTF16.get(start[:2])) is not None:
            self._decoder = codecs.getincrementaldecoder(coding)("replace")
            start = self._decoder.decode(start).encode("utf-8", "replace")
        self._next = start

    def _read(self, size: int) -> bytes:
        if self._file is None:
            return b""
        try:
            # A full read would lose the bytes that were unpacked before the damage.
            data: bytes = self._file.read1(size)  # type: ignore[attr-defined]
        except _DAMAGES:
            self.is_damaged = True
            return b""
        self._room -= len(data)
        if self._room < 0:
            self._source.fault = "bomb"
            return b""
        return data


class Stream(Protocol):
    """Any binary file."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""


class Continued:
    """A stream of which the beginning was read."""

    def __init__(self, beginning: bytes, stream: Stream) -> None:
        self._beginning, self._stream = beginning, stream

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, or the beginning whole; none at the end."""
        beginning, self._beginning = self._beginning, b""
        return beginning or self._stream.read(size)


@contextmanager
def open_source(path: Path, member: str | None = None) -> Iterator[Source]:
    """An opened capture. Raises `CaptureError` if it cannot be opened."""
    if path.exists() and not path.is_file():
        raise CaptureError(f"{path} is not a file: name a capture file")
    try:
        file = path.open("rb")
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror or error}") from None
    with file:
        try:
            archive = archive_of(file)
        except CaptureError as error:
            raise CaptureError(f"{path} {error}") from None
        yield Source(path, file, archive, member)
