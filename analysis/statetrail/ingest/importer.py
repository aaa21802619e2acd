"""Imports capture files into a store: HAR (also gzipped) and mitmproxy flow files.

Enters: files, a store open for writing, an `ExtractorConfig`. Leaves: rows, made by the same
`extract` as live recording, and a note for each file of what it added and what was lost. Importing
a file twice doubles nothing.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import batched
from pathlib import Path
from typing import Final, Literal

from statetrail.errors import CaptureError
from statetrail.extract import Exchange, ExtractorConfig, extract
from statetrail.extract.text import clean
from statetrail.ingest.flowfile import read_flows
from statetrail.ingest.har.reader import read_har
from statetrail.ingest.har.split import has_entries
from statetrail.ingest.skipped import Losses
from statetrail.store import CaptureCounts, SqliteStore

type Progress = Callable[[Path, int, int], None]
"""Told, now and then: the file, the bytes of it that were read, its size."""

BATCH: Final = 200
"""Exchanges a transaction."""

_HAR: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_FLOWS: Final = re.compile(rb"[0-9]{1,12}:")
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file.

    Attributes
    ----------
    exchanges, duplicates, skipped
        Exchanges that it added, that were there already, and entries that are none.
    problem
        What was lost, in a sentence; `None`: nothing.
    """

    path: Path
    source: Literal["har", "flows"]
    exchanges: int
    duplicates: int
    skipped: int
    problem: str | None


def import_files(
    paths: Iterable[Path | str],
    store: SqliteStore,
    config: ExtractorConfig,
    progress: Progress | None = None,
) -> list[Imported]:
    """Import capture files into a store, in the order given.

    Parameters
    ----------
    paths
        HAR files and mitmproxy flow files, told apart by their content.
    store
        Where the exchanges go.
    sighting
        How exchanges are read; with the fingerprints of that store.
    progress
        Called after each batch.

    Raises
    ------
    CaptureError
        A file cannot be opened or is no capture; then none was imported.
    StoreError
        The store cannot be written; what was imported before stays.
    """
    files = [Path(path) for path in paths]
    sources = [capture_source(path) for path in files]
    return [
        _import(path, source, store, config, progress)
        for path, source in zip(files, sources, strict=True)
    ]


def capture_source(path: Path) -> Literal["har", "flows"]:
    """What kind of capture a file is, by its content.

    Raises `CaptureError` where it cannot be opened or is neither kind.
    """
    fault = "is neither a HAR file nor a mitmproxy flow file"
    with _opened(path) as (file, raw):
        head = _Readable(file).read(4096)
        if _HAR.match(head):
            file.seek(0)
            if has_entries(_Readable(file)):
                return "har"
            fault = "is JSON but no HAR file (it has no list log.entries)"
        elif _FLOWS.match(head):
            if file is raw:
                return "flows"
            raise CaptureError(f"{path} is a gzipped flow file: unpack it first (gunzip)")
        elif not head:
            fault = "is empty"
    raise CaptureError(f"{path} {fault}: name a file that a browser or mitmdump -w wrote")


def _import(
    path: Path,
    source: Literal["har", "flows"],
    store: SqliteStore,
    config: ExtractorConfig,
    progress: Progress | None,
) -> Imported:
    size = path.stat().st_size
    capture = store.begin_capture(source, clean(path.name, 255))
    tally, losses = CaptureCounts(), Losses()
    problem: str | None = "the import was stopped before the end of the file"
    try:
        with _opened(path) as (file, raw):
            exchanges = _exchanges(file, source, config, losses)
            for batch in batched(exchanges, BATCH, strict=False):
                ids = store.append_many((extract(e, config) for e in batch), capture)
                tally.duplicates += (twice := ids.count(None))
                tally.exchanges += len(ids) - twice
                if progress is not None:
                    progress(path, raw.tell(), size)
        problem = losses.sentence()
    finally:
        tally.skipped = losses.skipped.total()
        store.end_capture(capture, tally, problem)
    return Imported(path, source, tally.exchanges, tally.duplicates, tally.skipped, problem)


def _exchanges(
    file: BufferedIOBase, source: Literal["har", "flows"], config: ExtractorConfig, losses: Losses
) -> Iterator[Exchange]:
    if source == "flows":
        return read_flows(file, losses)
    return read_har(_Readable(file), config.fingerprinter, losses)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BufferedIOBase, BufferedIOBase]]:
    """The file's content, unpacked where it is gzipped, and the file itself.

    A flow file inside gzip is not unpacked: its lengths let anyone claim any amount of memory.
    """
    if path.exists() and not path.is_file():
        raise CaptureError(f"{path} is not a file: name a HAR file or a mitmproxy flow file")
    try:
        raw = path.open("rb")
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror or error}") from None
    with raw:
        if raw.peek(2)[:2] != _GZIP:
            yield raw, raw
        else:
            with gzip.open(raw) as unpacked:
                yield unpacked, raw


class _Readable:
    """A file whose damage is the same as its end."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        try:
            # A full read would lose what could be unpacked before the damage.
            return self._file.read1(size)
        except (EOFError, OSError, zlib.error):
            return b""
