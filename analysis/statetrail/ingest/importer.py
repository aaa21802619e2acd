"""Import of capture files into a store: HAR (also gzipped) and mitmproxy flow files.

Enters: files, a store open for writing, an `ExtractorConfig`. Leaves: rows, made by the same
`extract` as live recording, and a row of `captures` for each file with its counts and what was
lost. Importing a file again adds nothing.
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
from statetrail.extract import ExtractorConfig, extract
from statetrail.extract.text import clean
from statetrail.ingest.flowfile import read_flows
from statetrail.ingest.har.reader import read_har
from statetrail.ingest.har.split import has_entries
from statetrail.ingest.skipped import ReadReport
from statetrail.store import CaptureCounts, SqliteStore

type Progress = Callable[[Path, int, int], None]
"""Called after each batch with the file, the number of its bytes that were read, and its size."""

BATCH: Final = 200
"""Exchanges in a transaction."""

_HAR: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_FLOWS: Final = re.compile(rb"[0-9]{1,12}:")
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of one file: exchanges added, those already stored, and entries that are none.

    `problem` is a sentence on what was lost; `None`: nothing.
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
    """Import HAR files and mitmproxy flow files, recognised by content, in the order given.

    Parameters
    ----------
    store
        Gets the exchanges.
    config
        How exchanges are read, with the fingerprints of this store.
    progress
        Called after each batch.

    Raises
    ------
    CaptureError
        A file cannot be opened or is no capture; then none was imported.
    StoreError
        The store cannot be written; earlier batches stay.
    """
    files = [Path(path) for path in paths]
    sources = [capture_source(path) for path in files]
    return [
        _import(path, source, store, config, progress)
        for path, source in zip(files, sources, strict=True)
    ]


def capture_source(path: Path) -> Literal["har", "flows"]:
    """The kind of a capture file, by its content.

    Raises `CaptureError` if it cannot be opened or is neither kind.
    """
    fault = "is neither a HAR file nor a mitmproxy flow file"
    with open_capture(path) as (file, raw):
        head = Readable(file).read(4096)
        if _HAR.match(head):
            file.seek(0)
            if has_entries(Readable(file)):
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
    # What one browser exported is one client, whoever else has its address and its User-Agent.
    client = f"{capture}:{clean(path.name, 255)}" if source == "har" else None
    counts, report = CaptureCounts(), ReadReport()
    problem: str | None = "the import was stopped before the end of the file"
    try:
        with open_capture(path) as (file, raw):
            exchanges = (
                read_flows(file, report)
                if source == "flows"
                else read_har(Readable(file), config.fingerprinter, report)
            )
            for batch in batched(exchanges, BATCH, strict=False):
                ids = store.append_many((extract(e, config, client) for e in batch), capture)
                counts.duplicates += (duplicates := ids.count(None))
                counts.exchanges += len(ids) - duplicates
                if progress is not None:
                    progress(path, raw.tell(), size)
        problem = report.sentence()
    finally:
        counts.skipped = report.skipped.total()
        store.end_capture(capture, counts, problem)
    return Imported(path, source, counts.exchanges, counts.duplicates, counts.skipped, problem)


@contextmanager
def open_capture(path: Path) -> Iterator[tuple[BufferedIOBase, BufferedIOBase]]:
    """The file's content, decompressed if gzipped, and the file itself.

    A gzipped flow file is refused: its lengths could claim any amount of memory.
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


class Readable:
    """A file that ends where it is damaged."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        try:
            # A full read would lose the bytes that were decompressed before the damage.
            return self._file.read1(size)
        except (EOFError, OSError, zlib.error):
            return b""
