"""HAR 1.2, as browsers and proxies export it."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from statetrail.errors import CaptureError
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange
from statetrail.ingest.format import MAX_RECEIVED, MAX_SENT, Format, WithBodies, decoded
from statetrail.ingest.har.content import body_of
from statetrail.ingest.har.entry import HarEntry
from statetrail.ingest.har.reader import read_har_entries
from statetrail.ingest.har.split import has_entries
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

# HAR Viewer's files call a function with the object.
_OBJECT: Final = re.compile(rb"\s*(?:[A-Za-z_$][\w$.]{0,99}\s*\(\s*)?\{")


def _matches(source: Source) -> bool:
    if not _OBJECT.match(source.head):
        return False
    if has_entries(source.stream()):
        return True
    if source.member_name is not None:
        return False
    raise CaptureError("begins as JSON, but is no HAR file (it has no list log.entries)")


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return chain.from_iterable(_bunches(source, report, fingerprinter))


def _bunches(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[list[Exchange]]:
    for some in read_har_entries(source.stream(), fingerprinter, report, source.beside):
        yield [exchange for _, exchange in some]


def _whole(source: Source, report: ReadReport, responses: bool) -> Iterator[WithBodies]:
    bunches = read_har_entries(source.stream(), None, report, source.beside)
    for entry, exchange in chain.from_iterable(bunches):
        form = entry.request.post_data
        sent = form.text or "" if form is not None else ""
        yield (
            exchange,
            sent[:MAX_SENT].encode("utf-8", "replace"),
            _received(entry, exchange) if responses else b"",
        )


def _received(entry: HarEntry, exchange: Exchange) -> bytes:
    """The beginning of the content of an entry's response."""
    if entry.response is None or exchange.response is None or entry.response.content is None:
        return b""
    fields = exchange.response.headers
    body = body_of(entry.response.content, fields, MAX_RECEIVED, bodiless=True)
    return decoded(body.data, fields, MAX_RECEIVED, body.codings)


HAR: Final = Format("har", "a HAR file", _matches, _read, _whole, _bunches, last=True)
