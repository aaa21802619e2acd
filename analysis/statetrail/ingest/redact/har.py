"""The copy of an exchange as an entry of a HAR file.

Enters: an `Exchange` and its `Copy`. Leaves: the JSON of an entry with the times of the one and the
texts and sizes of the other, and no other member.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from statetrail.extract.fingerprint import raw_bytes
from statetrail.extract.records import ANSWERED, Exchange, Request
from statetrail.ingest.har.split import CUT
from statetrail.ingest.har.times import SECOND_US
from statetrail.ingest.redact.copier import Copy

HEAD: Final = (
    b'{"log":{"version":"1.2","creator":{"name":"statetrail redact","version":"1"},"entries":['
)
TAIL: Final = b"]}}\n"

CACHED: Final = 2048
"""Header fields of which the JSON is cached."""

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, and written without it
_encode: Final = msgspec.json.Encoder().encode
_CUT: Final = (_encode({"name": "x-cut", "value": CUT}),)


def har_entry(exchange: Exchange, copy: Copy, bodies: tuple[str, str]) -> bytes:
    """The JSON of an entry; `bodies` are what may stay of the request's and the response's."""
    row = copy.row
    host = f"[{copy.host}]" if ":" in copy.host else copy.host
    request: dict[str, Any] = {
        "method": copy.method,
        "url": f"{copy.scheme}://{host}:{row.port}{copy.target}",
        "httpVersion": copy.http_version,
        "headers": _headers(copy.request_fields, _CUT if "har-cut" in copy.notes else ()),
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": -1 if row.request_bytes is None else row.request_bytes,
    }
    if body := bodies[0] or copy.sent.decode():
        request["postData"] = {"mimeType": "", "text": body}
    total, timings = _times(exchange)
    made: dict[str, Any] = {
        "startedDateTime": _started(exchange),
        "time": total,
        "request": request,
        "response": _response(copy, bodies[1]),
        "cache": {},
        "timings": timings,
    }
    if ANSWERED in copy.notes:
        made["_fetchType"] = "Inspector Override"
    if row.error not in (None, "no-response"):
        made["_error"] = str(row.error).replace("-", " ")
    if copy.peer is not None:
        made["_clientAddress"] = copy.peer
    return _encode(made)


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


def _headers(fields: list[tuple[str, str]], more: tuple[bytes, ...] = ()) -> msgspec.Raw:
    return msgspec.Raw(b"[%s]" % b",".join([*[_header(*field) for field in fields], *more]))


@lru_cache(CACHED)
def _header(name: str, value: str) -> bytes:
    # As most writers do: the bytes on the wire as Latin-1.
    return _encode({"name": name, "value": raw_bytes(value).decode("latin-1")})


def _started(exchange: Exchange) -> str:
    """When the request was composed; a time without a fraction is one of whole seconds."""
    seconds, rest_us = divmod(_composed(exchange.request), SECOND_US)
    fraction = f".{rest_us:06}" if rest_us or not exchange.request.time_error_us else ""
    return f"{_second(seconds)}{fraction}{'' if 'har-no-zone' in exchange.notes else '+00:00'}"


@lru_cache(1)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def _composed(request: Request) -> int:
    return request.start_us if request.composed_us is None else request.composed_us


def _times(exchange: Exchange) -> tuple[float | None, dict[str, float]]:
    """The duration of an exchange, and its timings; those of HAR 1.2 without a creator's ways.

    What has no response, or one without its end, ends with what is known.
    """
    request, response = exchange.request, exchange.response
    start, composed = request.start_us, _composed(request)
    sent = start if request.end_us is None else request.end_us
    first, last = (sent, sent) if response is None else (response.start_us, response.end_us)
    if last is None and exchange.error is not None:
        last = first
    if last is None:
        return None, {}
    total = (last - composed) / 1000
    if first is None:
        return total, {}
    # Without the end of the request, waiting begins with it.
    timings = {"wait": (first - sent) / 1000, "receive": (last - first) / 1000}
    if request.end_us is not None:
        timings["send"] = (sent - start) / 1000
    if composed < start:
        timings["blocked"] = (start - composed) / 1000
    return total, timings
