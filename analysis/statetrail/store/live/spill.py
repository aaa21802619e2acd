"""The spill file of a recorder: what its store could not take when it had to end.

Enters: exchanges that wait, and what was lost before. Leaves: a file beside the store, from which
the next start takes them in. While the recorder runs the file is locked, which shows that it does,
and has some room, so that something fits in also when the disk is full.

The file has frames: a length, a checksum, and compressed msgpack. What a full disk or a kill cuts
off is missed by the first frame, which says how many exchanges there were.
"""

import os
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from statetrail.extract.extractor import ExchangeFacts
from statetrail.schema import SCHEMA_VERSION
from statetrail.store.live.gap import LostExchanges
from statetrail.store.running import lock, locked, spill_path

RESERVE: Final = 1 << 20
"""Bytes of the disk that are kept free for it."""
FRAME: Final = 200
MAX_FRAME: Final = 1 << 26
LOCK_TRIES: Final = 50

type Waiting = tuple[int | None, ExchangeFacts]
"""An exchange, and the id of its beginning in the store, if that is stored."""


class SpillHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What was to be spilled; `gaps` are sentences on what was lost before."""

    schema_version: int = SCHEMA_VERSION
    key_id: str
    exchanges: int
    first_us: int
    last_us: int
    reason: str
    gaps: tuple[str, ...] = ()


class Spilled(msgspec.Struct, frozen=True):
    """The content of a spill file; `missing` counts the exchanges that it has no room for."""

    header: SpillHeader
    waiting: list[Waiting]
    missing: LostExchanges


_HEADER: Final = msgspec.msgpack.Decoder(SpillHeader)
_WAITING: Final = msgspec.msgpack.Decoder(list[tuple[int | None, ExchangeFacts]])


class Spill:
    """The spill file of a running recorder."""

    def __init__(self, store: Path, capture: int) -> None:
        self.path = spill_path(store, capture)
        self._file: IO[bytes] | None = None
        with suppress(OSError):  # where there is no room now, there may be later
            self._open()

    def write(self, header: SpillHeader, waiting: Sequence[Waiting]) -> int:
        """Write what waits; how many exchanges fitted in."""
        written = 0
        with suppress(OSError):
            file = self._file or self._open()
            file.seek(0)
            file.write(_frame(msgspec.msgpack.encode(header)))
            file.flush()
            for at in range(0, len(waiting), FRAME):
                part = waiting[at : at + FRAME]
                file.write(_frame(msgspec.msgpack.encode(part)))
                file.flush()
                written += sum(stored_id is None for stored_id, _ in part)
            os.fsync(file.fileno())
        return written

    def close(self, *, remove: bool) -> None:
        """Unlock the file; with `remove` it is not needed any more."""
        if remove and self._file is not None:
            with suppress(OSError):
                self.path.unlink()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def _open(self) -> IO[bytes]:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        file = self._file = os.fdopen(handle, "r+b")
        # Another process may look for a moment whether a recorder runs.
        for _ in range(LOCK_TRIES):
            if lock(file):
                break
            time.sleep(0.01)
        file.truncate(0)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, RESERVE)
        return file


def read_spill(path: Path) -> Spilled | None:
    """What a recorder that has ended left; `None`: nothing, or it still runs."""
    with locked(path) as file:
        if file is None:
            return None
        frames = _frames(file)
        try:
            header = _HEADER.decode(next(frames))
            if header.schema_version != SCHEMA_VERSION:
                return None
            waiting = [one for frame in frames for one in _WAITING.decode(frame)]
        except (StopIteration, msgspec.MsgspecError, zlib.error, OSError):
            return None
    there = sum(stored_id is None for stored_id, _ in waiting)
    missing = LostExchanges(
        header.exchanges - there, header.first_us, header.last_us, header.reason
    )
    return Spilled(header, waiting, missing)


def _frame(content: bytes) -> bytes:
    packed = zlib.compress(content)
    return b"%s%s%s" % (len(packed).to_bytes(4), zlib.crc32(packed).to_bytes(4), packed)


def _frames(file: IO[bytes]) -> Iterator[bytes]:
    """The complete frames at a file's beginning."""
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4])
        if not 0 < size <= MAX_FRAME or len(packed := file.read(size)) < size:
            return
        if zlib.crc32(packed) != int.from_bytes(head[4:]):
            return
        yield zlib.decompressobj().decompress(packed, MAX_FRAME)
