"""Chromium's NetLog (``--log-net-log``): the events of its network stack.

A request is the events of one source. Its times are in milliseconds. Unless the log was captured
with ``--net-log-capture-mode=Everything`` it has no bodies, and in the default mode cookies and
credentials are taken out of the header fields.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Fields
from statetrail.ingest.format import MAX_RECEIVED, Format
from statetrail.ingest.har.entry import EntryError, Header
from statetrail.ingest.har.heads import HeadReader
from statetrail.ingest.har.reader import error_of
from statetrail.ingest.har.split import CUT, split_entries
from statetrail.ingest.messages import (
    Times,
    exchange_of_parts,
    from_base64,
    identified,
    plain_object,
    version_of,
)
from statetrail.ingest.skipped import ReadReport, TruncatedError
from statetrail.ingest.source import Continued, Source

CREDENTIALS_UNSEEN: Final = "credentials-unseen"
"""Note: the capture lacks the values of cookies and credentials."""

_MAX_BEGINNING: Final = 1 << 23
_MAX_OPEN: Final = 1000
_MS: Final = 1000
# Events of the head of a request that was sent, and the version that they imply.
_SENT: Final = {
    "HTTP_TRANSACTION_SEND_REQUEST_HEADERS": "unknown",
    "HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS": "HTTP/2.0",
    "HTTP_TRANSACTION_QUIC_SEND_REQUEST_HEADERS": "HTTP/3",
}
_NEXT: Final = ("URL_REQUEST_START_JOB", "HTTP_TRANSACTION_SEND_REQUEST")
_CONSTANTS: Final = re.compile(rb'\s*\{\s*"constants"\s*:\s*(?=\{)')
_STRIPPED: Final = re.compile(r"\[[0-9]+ bytes were stripped\]")
_STATUS: Final = re.compile(r"(HTTP/[0-9.]+) +([0-9]{3})")
_BODY: Final = "URL_REQUEST_JOB_FILTERED_BYTES_READ"


class _Names(msgspec.Struct, rename="camel"):
    """The numbers of a log's events and phases, and what its ticks count from, in milliseconds."""

    log_event_types: dict[str, int]
    log_event_phase: dict[str, int]
    time_tick_offset: int | float | str
    net_error: dict[str, int] = {}


class _Open:
    """A request of which events have been read. Times in microseconds since the epoch."""

    __slots__ = (
        *("composed", "error", "fields", "has_body", "method", "received", "request_end"),
        *("request_start", "response_end", "response_start", "status_fields", "url", "version"),
    )

    def __init__(self, composed: int) -> None:
        self.composed = composed
        self.url = self.method = self.version = ""
        self.request_start: int | None = None
        self.request_end: int | None = None
        self.response_start: int | None = None
        self.response_end: int | None = None
        self.fields: list[str] | None = None
        self.status_fields: list[str] | None = None
        self.received: bytearray | None = None
        self.has_body = False
        self.error = 0

    def note(self, kind: str, us: int, params: dict[str, Any], *, begins: bool, ends: bool) -> None:
        """Keep what an event says."""
        if kind == "URL_REQUEST_START_JOB" and begins:
            self.url = str(params.get("url") or self.url)
            self.method = str(params.get("method") or self.method)
        elif kind == "HTTP_TRANSACTION_SEND_REQUEST":
            if begins:
                self.request_start, self.request_end = us, None
            else:
                self.request_end = us
        elif kind in _SENT:
            self.fields = _texts(params)
            line = str(params.get("line") or "").split()
            self.version = version_of(line[-1]) if len(line) == 3 else _SENT[kind]
        elif kind == "HTTP_TRANSACTION_READ_RESPONSE_HEADERS":
            self.response_start, self.status_fields = us, _texts(params)
        elif kind == _BODY:
            self.response_end = us
            self.has_body |= bool(params.get("byte_count"))
            if isinstance(encoded := params.get("bytes"), str):
                self.received = self.received if self.received is not None else bytearray()
                if len(self.received) < MAX_RECEIVED:
                    self.received += from_base64(encoded.removesuffix(CUT))
        elif kind == "HTTP_TRANSACTION_READ_BODY" and ends:
            self.response_end = us
        elif kind == "REQUEST_ALIVE" and ends:
            error = params.get("net_error")
            self.error = error if isinstance(error, int) else 0
            self.response_end = self.response_end or us


def _texts(params: dict[str, Any]) -> list[str]:
    """The header fields of an event, as lines."""
    headers = params.get("headers")
    return [each for each in headers if isinstance(each, str)] if isinstance(headers, list) else []


def _matches(source: Source) -> bool:
    return bool(_CONSTANTS.match(source.head))


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return identified(_exchanges(source, report), "netlog", fingerprinter)


def _exchanges(source: Source, report: ReadReport) -> Iterator[Exchange]:
    beginning, stream = b"", source.stream()
    while b'"events"' not in beginning and len(beginning) < _MAX_BEGINNING:
        if not (chunk := stream.read(1 << 16)):
            break
        beginning += chunk
    names = _names(beginning)
    if names is None:
        report.truncation = "broken"
        return
    log = _Log(names, report)
    events: Iterator[list[None] | bytes | None] = split_entries(
        Continued(beginning, stream), keys=("events",)
    )
    try:
        for raw in events:
            if isinstance(raw, bytes):
                yield from log.add(raw)
    except TruncatedError as error:
        report.truncation = "broken" if str(error) == "foreign" else str(error)
    yield from log.rest()


def _names(beginning: bytes) -> _Names | None:
    start = _CONSTANTS.match(beginning)
    if start is None:
        return None
    text = beginning[start.end() :].decode("utf-8", "replace")
    try:
        constants, _ = json.JSONDecoder().raw_decode(text)
        return msgspec.convert(constants, _Names)
    except (ValueError, RecursionError):
        return None


class _Log:
    """Makes exchanges of events."""

    def __init__(self, names: _Names, report: ReadReport) -> None:
        self._types = {number: name for name, number in names.log_event_types.items()}
        self._begin = names.log_event_phase.get("PHASE_BEGIN")
        self._end = names.log_event_phase.get("PHASE_END")
        self._errors = {number: name for name, number in names.net_error.items()}
        self._offset_ms = int(float(names.time_tick_offset))
        self._report = report
        self._heads = HeadReader()
        self._open: dict[int, _Open] = {}

    def add(self, raw: bytes) -> Iterator[Exchange]:
        """Add an event; yields the exchange that it ends."""
        try:
            event = plain_object(raw)
            kind = self._types.get(event["type"])
            number, us = int(event["source"]["id"]), self._us(event["time"])
        except (EntryError, KeyError, TypeError, ValueError, OverflowError):
            self._report.skipped["broken"] += 1
            return
        if kind is None:
            return
        params = event.get("params")
        params = params if isinstance(params, dict) else {}
        phase = event.get("phase")
        request = self._open.get(number)
        if request is None:
            if phase != self._begin or kind not in ("REQUEST_ALIVE", "CORS_REQUEST"):
                return
            if len(self._open) >= _MAX_OPEN:
                yield from self._ended(self._open.pop(next(iter(self._open))))
            request = self._open[number] = _Open(us)
        if kind in _NEXT and phase == self._begin and request.status_fields is not None:
            # A redirect, or the same once more with credentials.
            yield from self._ended(request)
            url, method = request.url, request.method
            request = self._open[number] = _Open(us)
            request.url, request.method = url, method
        request.note(kind, us, params, begins=phase == self._begin, ends=phase == self._end)
        if kind == "REQUEST_ALIVE" and phase == self._end:
            yield from self._ended(self._open.pop(number))

    def rest(self) -> Iterator[Exchange]:
        """The exchanges that the log did not see the end of."""
        for request in self._open.values():
            request.response_end = None
            yield from self._ended(request)

    def _us(self, ticks: str | int) -> int:
        return (self._offset_ms + int(ticks)) * _MS

    def _ended(self, request: _Open) -> Iterator[Exchange]:
        self._report.entries += 1
        try:
            yield self._exchange(request)
        except EntryError as error:
            self._report.skipped[str(error)] += 1

    def _exchange(self, request: _Open) -> Exchange:
        if request.fields is None or request.request_start is None:
            # Of a request that was not sent nothing is known but its URL.
            raise EntryError("cached" if request.url and not request.error else "other")
        address = self._heads.address(request.url)
        notes: list[str] = []
        sent = self._fields(request.fields, notes)
        received = None
        status = _STATUS.match(request.status_fields[0]) if request.status_fields else None
        if status is not None and request.status_fields is not None:
            fields = self._fields(request.status_fields[1:], notes)
            lacks = request.received is None and request.has_body
            body = None if lacks else bytes(request.received or b"")
            received = int(status[2]), fields, body
        return exchange_of_parts(
            request.method or "GET",
            address,
            request.version,
            Times(
                request.request_start,
                request.request_end,
                request.response_start,
                request.response_end,
                request.composed if request.composed < request.request_start else None,
            ),
            (sent, None),
            received,
            error=self._error(request.error) if request.error else None,
            notes=dict.fromkeys(notes),
            codings=(),
        )

    def _fields(self, lines: list[str], notes: list[str]) -> Fields:
        """Header fields, without those whose value is taken out."""
        headers = []
        for line in lines:
            # Names of pseudo fields begin with a colon.
            name, _, value = line[1:].partition(":")
            if _STRIPPED.search(value):
                notes.append(CREDENTIALS_UNSEEN)
            else:
                headers.append(Header(line[:1] + name, value.strip()))
        fields, is_cut = self._heads.fields(headers)
        if is_cut:
            raise EntryError("large")
        return fields

    def _error(self, number: int) -> str:
        return error_of(f"net::{self._errors.get(number, '')}")


NETLOG: Final = Format("netlog", "a NetLog of Chromium", _matches, _read)
