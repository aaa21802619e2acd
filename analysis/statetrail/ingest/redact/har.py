"""The copy of a HAR entry.

Enters: a `HarEntry` and the `Copy` of its exchange. Leaves: the JSON of an entry with the times and
sizes of the one and the texts of the other, and no other member.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from statetrail.extract import Exchange
from statetrail.extract.fingerprint import raw_bytes
from statetrail.ingest.har.entry import HarEntry, HarRequest, Timings
from statetrail.ingest.har.split import CUT
from statetrail.ingest.har.times import MAX_MS, has_fraction, start_of
from statetrail.ingest.redact.copier import Copy

HEAD: Final = (
    b'{"log":{"version":"1.2","creator":{"name":"statetrail redact","version":"1"},"entries":['
)
TAIL: Final = b"]}}\n"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STARTED: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,6})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_encode: Final = msgspec.json.Encoder().encode


def har_entry(entry: HarEntry, copy: Copy, bodies: tuple[str, str]) -> bytes:
    """The JSON of an entry; `bodies` are what may stay of the request's and the response's."""
    row = copy.row
    host = f"[{copy.host}]" if ":" in copy.host else copy.host
    request: dict[str, Any] = {
        "method": copy.method,
        "url": f"{copy.scheme}://{host}:{row.port}{copy.target}",
        "httpVersion": copy.http_version,
        "headers": _headers(copy.request_fields),
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": -1 if row.request_bytes is None else row.request_bytes,
    }
    if "har-cut" in copy.notes:
        request["headers"].append({"name": "x-cut", "value": CUT})
    if bodies[0]:
        request["postData"] = {"mimeType": "", "text": bodies[0]}
    made: dict[str, Any] = {
        "startedDateTime": _started(entry.started),
        "time": _milliseconds(entry.time),
        "request": request,
        "response": _response(copy, bodies[1]),
        "cache": {},
        "timings": _timings(entry.timings),
    }
    if row.error not in (None, "no-response"):
        made["_error"] = str(row.error).replace("-", " ")
    if copy.peer is not None:
        made["_clientAddress"] = copy.peer
    return _encode(made)


def entry_of(exchange: Exchange) -> HarEntry:
    """An entry with the times of an exchange of another format."""
    request, response = exchange.request, exchange.response
    start, sent = request.start_us, request.end_us
    first, last = (response.start_us, response.end_us) if response is not None else (None, None)
    timings = None
    if first is not None and last is not None:
        # Without the end of the request, waiting begins with it.
        send = None if sent is None else (sent - start) / 1000
        waiting_us = first - (start if sent is None else sent)
        timings = Timings(send=send, wait=waiting_us / 1000, receive=(last - first) / 1000)
    return HarEntry(
        started=(_EPOCH + timedelta(microseconds=start)).isoformat(timespec="microseconds"),
        request=HarRequest(request.method, ""),
        time=None if last is None else (last - start) / 1000,
        timings=timings,
    )


def _response(copy: Copy, body: str) -> dict[str, Any]:
    row = copy.row
    content: dict[str, Any] = {"size": 0, "mimeType": "", "text": ""}
    if copy.body is None:
        content = {"size": -1, "mimeType": ""}
    elif "body-broken-coding" in copy.notes:
        content |= {"text": "\x1f\x8b\ufffd"}  # as writers that read it as text ruin it
    elif text := body or copy.body.decode("utf-8", "replace"):
        content |= {"size": len(text), "text": text}
    return {
        "status": row.status or 0,
        "statusText": "",
        "httpVersion": copy.http_version,
        "headers": _headers(copy.response_fields),
        "cookies": [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1 if row.response_bytes is None else row.response_bytes,
    }


def _headers(fields: list[tuple[str, str]]) -> list[dict[str, str]]:
    # As most writers do: the bytes on the wire as Latin-1.
    return [{"name": name, "value": raw_bytes(value).decode("latin-1")} for name, value in fields]


def _started(text: str) -> str:
    if _STARTED.fullmatch(text):
        return text
    # Without a fraction it would be a time of whole seconds.
    return start_of(text).isoformat(timespec="microseconds" if has_fraction(text) else "seconds")


def _milliseconds(number: float | None) -> float | None:
    """A plausible duration, finer than a microsecond; -1 stands for none in HAR."""
    return round(number, 6) if number is not None and 0 <= number <= MAX_MS else None


def _timings(timings: Timings | None) -> dict[str, float]:
    given = msgspec.structs.asdict(timings or Timings())
    return {
        name: milliseconds
        for name, number in given.items()
        if (milliseconds := _milliseconds(number)) is not None
    }
