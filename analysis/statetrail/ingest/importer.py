"""Import of capture files of any format into a store.

Enters: files, a store open for writing, an `ExtractorConfig`. Leaves: rows, made by the same
`extract` as live recording, and a row of `captures` for each file with its counts and what was
lost. Importing a file again adds nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import batched, chain
from pathlib import Path
from typing import Final

from statetrail.extract.extractor import ExtractorConfig, extract_all
from statetrail.extract.records import Exchange
from statetrail.ingest.captures import FoundCapture, captures_in
from statetrail.ingest.format import Format
from statetrail.ingest.known import Additions
from statetrail.ingest.skipped import ReadReport
from statetrail.store.sqlite import CaptureCounts, SqliteStore

type Progress = Callable[[Path, int, int], None]
"""Called after each batch with the file, the number of its bytes that were read, and its size."""

BATCH: Final = 500
"""Exchanges in a transaction."""
LOG_PAGES: Final = 8192
"""Pages of the write-ahead log that are copied into the store at once: 16 MB."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of one capture: exchanges added, those already stored, and entries that are none.

    `path` is the file, with the member where it is a zip file of captures; `source` is the name of
    its format; `problem` is a sentence on what was lost; `None`: nothing. `stopped`: by Ctrl-C,
    before its end.
    """

    path: Path
    source: str
    exchanges: int
    duplicates: int
    skipped: int
    problem: str | None
    stopped: bool = False


def import_files(
    paths: Iterable[Path | str],
    store: SqliteStore,
    config: ExtractorConfig,
    progress: Progress | None = None,
) -> list[Imported]:
    """Import capture files, recognised by content, in the order given.

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
    captures = [found for path in paths for found in captures_in(Path(path))]
    store.set_log_limit(LOG_PAGES)
    done: list[Imported] = []
    for found in captures:
        done.append(_import(found, store, config, progress))
        if done[-1].stopped:
            break
    return done


def _import(
    found: FoundCapture, store: SqliteStore, config: ExtractorConfig, progress: Progress | None
) -> Imported:
    form, size = found.format, found.path.stat().st_size
    capture = store.begin_capture(form.name, found.name)
    # What one browser exported is one client, whoever else has its address and its User-Agent.
    client = f"{capture}:{found.name}" if form.one_client else None
    report, stopped = ReadReport(), False
    additions = Additions(store, capture, earlier=store.holds_files())
    problem: str | None = "the import was stopped before the end of the file"
    try:
        with found.open() as source:
            bunches = form.in_bunches(source, report, config.fingerprinter)
            # What a reader has at once is in memory with its bodies; the facts are small.
            facts = chain.from_iterable(
                extract_all(exchanges, config, client)
                for exchanges in _looked_at(bunches, form, report)
            )
            for batch in batched(facts, BATCH, strict=False):
                report.unseen.count(each.exchange for each in batch)
                additions.add(batch)
                if progress is not None:
                    progress(found.path, source.file.tell(), size)
        additions.end()
        problem = "; ".join(filter(None, (report.sentence(), found.lost))) or None
    except KeyboardInterrupt:  # what is in the store stays there
        stopped = True
    finally:
        counts = CaptureCounts(additions.exchanges, additions.duplicates, report.skipped.total())
        exchanges_added = store.end_capture(capture, counts, problem)
    added = (exchanges_added, counts.duplicates, counts.skipped)
    return Imported(found.label, form.name, *added, problem, stopped)


def _looked_at(
    bunches: Iterator[list[Exchange]], form: Format, report: ReadReport
) -> Iterator[list[Exchange]]:
    credentials = report.unseen.credentials
    for exchanges in bunches:
        # Whether their lack says something is known once the reader has begun.
        for exchange in exchanges if form.one_client and credentials.sanitises else ():
            credentials.look(exchange)
        yield exchanges
