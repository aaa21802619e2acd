"""Charles' JSON session (``.chlsj``): a list of transactions with all times, and bodies as text."""

import re
from collections.abc import Iterator
from typing import Any, Final

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Fields
from statetrail.ingest.format import Format
from statetrail.ingest.har.entry import EntryError, Header
from statetrail.ingest.har.heads import Address, HeadReader, utf8
from statetrail.ingest.har.split import CUT, split_entries
from statetrail.ingest.messages import (
    NO_RESPONSE_TIMES,
    Times,
    exchange_of_parts,
    from_base64,
    identified,
    moment_us,
    plain_object,
    version_of,
)
from statetrail.ingest.skipped import ReadReport, TruncatedError
from statetrail.ingest.source import Source

_BEGINNING: Final = re.compile(rb'\s*\[\s*\{\s*"[^"\\]{1,32}"\s*:')
_MEMBERS: Final = (b'"protocolVersion"', b'"actualPort"')
_PORTS: Final = {"http": 80, "https": 443}


def _matches(source: Source) -> bool:
    return bool(_BEGINNING.match(source.head)) and all(m in source.head for m in _MEMBERS)


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return identified(_exchanges(source, report), "charles", fingerprinter)


def _exchanges(source: Source, report: ReadReport) -> Iterator[Exchange]:
    entries: Iterator[list[None] | bytes | None] = split_entries(source.stream(), keys=())
    heads = HeadReader()
    try:
        for raw in entries:
            report.entries += 1
            try:
                if not isinstance(raw, bytes):
                    raise EntryError("large")
                yield _exchange(plain_object(raw), heads)
            except EntryError as error:
                report.skipped[str(error)] += 1
    except TruncatedError as error:
        report.truncation = "broken" if str(error) == "foreign" else str(error)


def _exchange(entry: dict[str, Any], heads: HeadReader) -> Exchange:
    if entry.get("tunnel") is True or entry.get("method") == "CONNECT":
        raise EntryError("other")
    times = _object(entry, "times")
    start = moment_us(_text(times, "requestBegin")) or moment_us(_text(times, "start"))
    method, request, answer = (
        _text(entry, "method"),
        _object(entry, "request"),
        entry.get("response"),
    )
    if start is None:
        raise EntryError("start")
    if not method:
        raise EntryError("incomplete")
    opened = moment_us(_text(times, "start"))
    begin = moment_us(_text(times, "responseBegin"))
    end = moment_us(_text(times, "end"))
    received = None
    if isinstance(answer, dict) and isinstance(status := answer.get("status"), int):
        received = min(max(status, 0), 999), _fields(answer, heads), _body(answer)
    is_complete = entry.get("status") == "COMPLETE"
    return exchange_of_parts(
        method,
        _address(entry),
        version_of(_text(entry, "protocolVersion")),
        Times(
            start,
            moment_us(_text(times, "requestComplete")),
            begin,
            end,
            opened if opened is not None and opened < start else None,
        ),
        (_fields(request, heads), _body(request) or b""),
        received,
        peer=_text(entry, "clientAddress").rpartition("/")[2],
        error=None if is_complete else "protocol-error" if received is not None else "no-response",
        notes=(NO_RESPONSE_TIMES,) if received is not None and None in (begin, end) else (),
        codings=(),
    )


def _address(entry: dict[str, Any]) -> Address:
    scheme, host = _text(entry, "scheme").lower(), _text(entry, "host").strip("[]")
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    if scheme not in _PORTS or not host:
        raise EntryError("url")
    port = entry.get("port") or entry.get("actualPort") or _PORTS[scheme]
    if not isinstance(port, int) or not 0 < port < 65_536:
        raise EntryError("url")
    query = entry.get("query")
    target = _text(entry, "path") or "/"
    if isinstance(query, str):
        target = f"{target}?{query}"
    return Address(scheme, host, port, utf8(target))


def _fields(message: dict[str, Any], heads: HeadReader) -> Fields:
    headers = _object(message, "header").get("headers")
    found = [
        Header(name, _text(each, "value"))
        for each in (headers if isinstance(headers, list) else ())
        if isinstance(each, dict) and isinstance(name := each.get("name"), str)
    ]
    fields, is_cut = heads.fields(found)
    if is_cut:
        raise EntryError("large")
    return fields


def _body(message: dict[str, Any]) -> bytes | None:
    """A body's content; `None` where there was one and the session lacks it."""
    body = message.get("body")
    if not isinstance(body, dict):
        size = _object(message, "sizes").get("body")
        return None if isinstance(size, int) and size > 0 else b""
    if isinstance(text := body.get("text"), str):
        return utf8(text.removesuffix(CUT))
    if isinstance(encoded := body.get("encoded"), str):
        return from_base64(encoded.removesuffix(CUT))
    return b""


def _object(entry: dict[str, Any], name: str) -> dict[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


CHARLES: Final = Format("charles", "a JSON session of Charles", _matches, _read)
