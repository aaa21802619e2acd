"""What a format of captures is: how its content is recognised, and its reader.

A module of `statetrail.ingest.formats` has one `Format`; import, suggestion, redaction and the
search for leaks read every format by this record alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from statetrail.extract.bodies import CodingError, content_codings, decode_prefix
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Fields
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

MAX_SENT: Final = 65_536
"""Bytes of a request's body that leave."""
MAX_RECEIVED: Final = 524_288
"""Bytes of a response's body that leave."""

type WithBodies = tuple[Exchange, bytes, bytes]
"""An exchange with the beginning of the request's and the response's body, both decoded."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of capture files.

    Attributes
    ----------
    name
        Its name in the store.
    title
        What a file of it is called in messages, with its article.
    matches
        Whether a file is of this format, by its content. May raise `CaptureError` with the fault of
        a file of this format, as a sentence without its subject.
    read
        The exchanges of a file, in its order. What cannot be read is counted in the report. Without
        a fingerprinter their flow ids may be empty.
    whole
        The same with both bodies, for which `True` asks to unpack those of responses; `None`: they
        are those of the exchanges.
    bunches
        What `read` gives, some at a time, where the reader has some at once; `None`: it has one.
    one_client
        Whether what is in a file is one client's, as in what a browser wrote.
    last
        Whether it is tried after the others, since a torn file of theirs may look like one of it.
    """

    name: str
    title: str
    matches: Callable[[Source], bool]
    read: Callable[[Source, ReadReport, Fingerprinter | None], Iterator[Exchange]]
    whole: Callable[[Source, ReadReport, bool], Iterator[WithBodies]] | None = None
    bunches: (
        Callable[[Source, ReadReport, Fingerprinter | None], Iterator[list[Exchange]]] | None
    ) = None
    one_client: bool = True
    last: bool = False

    def exchanges(
        self, source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
    ) -> Iterator[Exchange]:
        """The exchanges of an opened file; the report says as well if it was not read whole."""
        yield from self.read(source, report, fingerprinter)
        report.truncation = source.fault or report.truncation

    def in_bunches(
        self, source: Source, report: ReadReport, fingerprinter: Fingerprinter
    ) -> Iterator[list[Exchange]]:
        """The exchanges of an opened file, as many at a time as its reader has at once."""
        if self.bunches is None:
            yield from ([each] for each in self.read(source, report, fingerprinter))
        else:
            yield from self.bunches(source, report, fingerprinter)
        report.truncation = source.fault or report.truncation

    def with_bodies(
        self, source: Source, report: ReadReport, *, responses: bool
    ) -> Iterator[WithBodies]:
        """The exchanges with their bodies; without `responses` only the requests' are unpacked."""
        if self.whole is not None:
            yield from self.whole(source, report, responses)
            report.truncation = source.fault or report.truncation
            return
        for exchange in self.exchanges(source, report, None):
            request, response = exchange.request, exchange.response
            sent = decoded(request.body, request.headers, MAX_SENT)
            received = b""
            if responses and response is not None:
                codings, fields = response.codings, response.headers
                received = decoded(response.body, fields, MAX_RECEIVED, codings)
            yield exchange, sent, received


def decoded(
    content: bytes | None, fields: Fields, limit: int, codings: tuple[str, ...] | None = None
) -> bytes:
    """The beginning of a body's content; nothing where its coding is broken.

    `codings` are those still on it; `None`: those that the header fields name.
    """
    if not content:
        return b""
    if codings is None:
        named = [value for name, value in fields if name.lower() == b"content-encoding"]
        codings = content_codings(b",".join(named).decode("latin-1"))
    if not codings:
        return content[:limit]
    try:
        return decode_prefix(content, codings, limit)
    except CodingError:
        return b""
