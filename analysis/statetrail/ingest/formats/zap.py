"""ZAP's export of messages: a text of requests and responses as they were on the wire.

It has no times. An exchange is taken to begin when its response says that it was made (``Date``),
in whole seconds of the server's clock, else with the exchange before it.
"""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Final

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Fields
from statetrail.ingest.format import Format
from statetrail.ingest.har.entry import EntryError
from statetrail.ingest.messages import (
    NO_RESPONSE_TIMES,
    SECOND_US,
    WHOLE_SECONDS,
    Times,
    exchange_of_parts,
    identified,
    message_of,
    request_of_message,
    response_of_raw,
)
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Readable, Source

_RULE: Final = re.compile(rb"(?:\A|\r?\n)={3,5} ?[0-9]{1,12} ={8,12}\r?\n")
_BEGINNING: Final = re.compile(rb"\s*={3,5} ?[0-9]{1,12} ={8,12}\r?\n[A-Z]{1,20} \S+ HTTP/")
# A response begins a line of its own behind the request's body, which may be anything.
_RESPONSE: Final = re.compile(rb"(?:\A|\n)(HTTP/[0-9.]+ [0-9]{3}(?: [^\r\n]*)?\r?\n)")
_CHUNK: Final = 1 << 18
_MAX_BLOCK: Final = 1 << 27
TIMES_BY_DATE: Final = "times-by-date"
"""Note: the only time is that of the field ``Date``."""


def _matches(source: Source) -> bool:
    return _BEGINNING.match(source.head) is not None


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return identified(_exchanges(source, report), "zap", fingerprinter)


def _exchanges(source: Source, report: ReadReport) -> Iterator[Exchange]:
    before: int | None = None
    block: bytes | None = None
    for block in _blocks(source.stream()):
        report.entries += 1
        try:
            if block is None:
                raise EntryError("large")
            exchange = _exchange(block, before)
        except EntryError as error:
            report.skipped[str(error)] += 1
            continue
        before = exchange.request.start_us
        yield exchange
    if block is not None and not block.endswith(b"\n"):  # which is behind each message
        report.truncation = "ends"


def _blocks(stream: Readable) -> Iterator[bytes | None]:
    """The exchanges as bytes; `None` for one that is too large."""
    window, started, is_large = b"", False, False
    while True:
        chunk = stream.read(_CHUNK)
        at = max(0, len(window) - 64)
        window += chunk
        while (rule := _RULE.search(window, at)) is not None:
            if started:
                yield None if is_large else window[: rule.start()]
            window, at, started, is_large = window[rule.end() :], 0, True, False
        if not chunk:
            if started:
                yield None if is_large else window
            return
        if len(window) > _MAX_BLOCK:
            window, is_large = window[-64:], True


def _exchange(block: bytes, before: int | None) -> Exchange:
    head = message_of(block)
    answer = _answer(block, head.fields)
    message = message_of(block[: answer[0]]) if answer is not None else head
    method, address, version = request_of_message(message, None)
    received = answer[1] if answer is not None else None
    start = _date(received[1]) if received is not None else None
    if start is None and before is None:
        raise EntryError("start")
    notes = (TIMES_BY_DATE, WHOLE_SECONDS, *((NO_RESPONSE_TIMES,) if received is not None else ()))
    body = message.body.removesuffix(b"\r\n").removesuffix(b"\n")
    return exchange_of_parts(
        method,
        address,
        version,
        Times(start if start is not None else before or 0, error=SECOND_US),
        (message.fields, body),
        received,
        notes=notes,
    )


def _answer(block: bytes, fields: Fields) -> tuple[int, tuple[int, Fields, bytes]] | None:
    """Where the response begins in a block, and what it is.

    A request's body could look like one: it is as long as its ``Content-Length``.
    """
    sizes = [value for name, value in fields if name.lower() == b"content-length"]
    head = re.search(rb"\r?\n\r?\n", block)
    at = head.end() if head is not None else 0
    if sizes and sizes[0].isdigit() and len(sizes[0]) < 12:
        at = min(len(block), at + int(sizes[0]))
    found = _RESPONSE.search(block, max(0, at - 1))
    if found is None:
        return None
    received = response_of_raw(block[found.start(1) :])
    return (found.start(1), received) if received is not None else None


def _date(fields: Fields) -> int | None:
    """Microseconds since the epoch of a response's ``Date``."""
    for name, value in fields:
        if name.lower() == b"date" and len(value) < 64:
            try:
                return int(parsedate_to_datetime(value.decode("latin-1")).timestamp()) * SECOND_US
            except (ValueError, OverflowError, TypeError):
                return None
    return None


ZAP: Final = Format("zap", "an export of messages of ZAP", _matches, _read)
