"""Captures as whole exchanges: with the request's body, and more of the response's.

Enters: a capture file. Leaves: a `WholeExchange` an entry, one at a time, in the file's order.
What cannot be read is counted, as when a capture is imported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from statetrail.extract.records import Exchange
from statetrail.ingest.captures import captures_in
from statetrail.ingest.importer import Progress
from statetrail.ingest.skipped import ReadReport

_BATCH: Final = 200


class WholeExchange(NamedTuple):
    """An exchange with its bodies, without their content codings.

    `source` names the file where it is one client's, as what one browser exported.
    """

    exchange: Exchange
    request_body: bytes
    response_body: bytes
    source: str | None


def read_whole(
    path: Path,
    report: ReadReport,
    progress: Progress | None = None,
    *,
    responses: bool = True,
) -> Iterator[WholeExchange]:
    """The exchanges of a capture file; without `responses`, responses are not unpacked.

    Raises `CaptureError` if it is none.
    """
    size = path.stat().st_size
    for found in captures_in(path):
        client = str(found.label) if found.format.one_client else None
        with found.open() as source:
            exchanges = found.format.with_bodies(source, report, responses=responses)
            for number, each in enumerate(exchanges):
                if progress is not None and number % _BATCH == 0:
                    progress(path, source.file.tell(), size)
                yield WholeExchange(*each, client)
