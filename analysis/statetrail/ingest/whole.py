"""Captures as whole exchanges: with the request's body, and more of the response's.

Enters: a HAR or flow file. Leaves: a `WholeExchange` an entry, one at a time, in the file's order.
What cannot be read is counted, as when a capture is imported.

Of a flow only the parts that leave are parsed: each stands behind its length, so the rest
is skipped. A flow of another version than this mitmproxy's is read by mitmproxy's own reader.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from mitmproxy import http
from mitmproxy.io import tnetstring
from mitmproxy.version import FLOW_FORMAT_VERSION

from statetrail.extract import Exchange, Request, Response
from statetrail.extract.bodies import CodingError, content_codings, decode_prefix
from statetrail.extract.records import Fields
from statetrail.ingest.flowfile import exchange_of_state, frames
from statetrail.ingest.har.entry import Content, HarEntry
from statetrail.ingest.har.reader import read_har_entries
from statetrail.ingest.importer import Progress, Readable, capture_source, open_capture
from statetrail.ingest.skipped import ReadReport

MAX_ASKED: Final = 65_536
"""Bytes of a request's body that leave."""
MAX_ANSWERED: Final = 524_288
"""Bytes of a response's body that leave."""

_BATCH: Final = 200
_MAX_HEAD: Final = 13
_FLOW: Final = frozenset(
    (b"version", b"type", b"request", b"response", b"client_conn", b"metadata")
)
_CLIENT: Final = frozenset((b"peername", b"proxy_mode"))
_USER: Final = frozenset((b"proxyauth",))
_REQUEST: Final = frozenset(
    b"authority content headers host http_version method path port scheme timestamp_start".split()
)
_RESPONSE: Final = frozenset(b"content headers status_code timestamp_start timestamp_end".split())
_ADDRESSED: Final = ("transparent", "wireguard", "local", "tun", "socks5")
_DICT, _LIST, _NULL = b"}"[0], b"]"[0], b"~"[0]


class WholeExchange(NamedTuple):
    """An exchange with its bodies, without their content codings.

    `source` names the file where it is a HAR: what one browser exported is one client.
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
    source, size = capture_source(path), path.stat().st_size
    with open_capture(path) as (file, raw):
        found = (
            _flows(file, report, responses)
            if source == "flows"
            else _har(file, path, report, responses)
        )
        for number, each in enumerate(found):
            if progress is not None and number % _BATCH == 0:
                progress(path, raw.tell(), size)
            yield each


def _har(
    file: io.BufferedIOBase, path: Path, report: ReadReport, responses: bool
) -> Iterator[WholeExchange]:
    for entry, exchange in read_har_entries(Readable(file), None, report):
        form = entry.request.post_data
        sent = form.text or "" if form is not None else ""
        yield WholeExchange(
            exchange,
            sent[:MAX_ASKED].encode("utf-8", "replace"),
            _content(entry) if responses else b"",
            str(path),
        )


def _content(entry: HarEntry) -> bytes:
    content = (entry.response.content if entry.response is not None else None) or Content()
    if not content.text:
        return b""
    if (content.encoding or "").lower() != "base64":
        return content.text[:MAX_ANSWERED].encode("utf-8", "replace")
    encoded = "".join(content.text[: MAX_ANSWERED // 3 * 4].split())
    try:
        return base64.b64decode(encoded[: len(encoded) // 4 * 4])
    except ValueError:
        return b""


def _flows(file: io.BufferedIOBase, report: ReadReport, responses: bool) -> Iterator[WholeExchange]:
    for kind, data in frames(file, report):
        try:
            whole = _whole(kind, data, responses)
        except Exception:  # a hostile state can raise anything
            report.skipped["unreadable"] += 1
            continue
        if whole is None:
            report.skipped["other"] += 1
        else:
            yield whole


def _whole(kind: int, data: bytes, responses: bool) -> WholeExchange | None:
    flow = _members(data, (kind, 0, len(data)), _FLOW) if kind == _DICT else {}
    if _value(data, flow.get(b"version")) != FLOW_FORMAT_VERSION:
        pair = exchange_of_state(kind, data)
        if pair is None:
            return None
        sent, answer = pair[0].request.data, pair[0].response
        return WholeExchange(
            pair[1],
            _decoded(sent.content, sent.headers.fields, MAX_ASKED),
            b""
            if answer is None
            else _decoded(answer.data.content, answer.data.headers.fields, MAX_ANSWERED),
            None,
        )
    if _value(data, flow.get(b"type")) != "http":
        return None
    parts = _members(data, flow[b"request"], _REQUEST)
    client = _members(data, flow[b"client_conn"], _CLIENT)
    request = _request(data, parts, client, flow)
    body = _decoded(_value(data, parts[b"content"]), request.headers, MAX_ASKED)
    if not responses or flow[b"response"][0] == _NULL:
        return WholeExchange(Exchange("", request), body, b"", None)
    received = _members(data, flow[b"response"], _RESPONSE)
    fields = _fields(data, received[b"headers"])
    response = Response(
        _value(data, received[b"status_code"]),
        fields,
        _us(_value(data, received[b"timestamp_start"])),
        _us(_value(data, received[b"timestamp_end"])),
    )
    content = _decoded(_value(data, received[b"content"]), fields, MAX_ANSWERED)
    return WholeExchange(Exchange("", request, response), body, content, None)


type _Span = tuple[int, int, int]
"""The type of a value, and where it begins and ends."""


def _request(
    data: bytes, parts: dict[bytes, _Span], client: dict[bytes, _Span], flow: dict[bytes, _Span]
) -> Request:
    fields = _fields(data, parts[b"headers"])
    host = _value(data, parts[b"host"])
    if str(_value(data, client[b"proxy_mode"])).startswith(_ADDRESSED):
        # The host of the flow is the packet's address.
        authority, version = _value(data, parts[b"authority"]), _value(data, parts[b"http_version"])
        head = http.Headers(fields)
        host = http.Request(
            host, 0, b"", b"", authority, b"", version, head, None, None, 0, None
        ).pretty_host
    peer = _value(data, client[b"peername"])
    user = _value(data, _members(data, flow[b"metadata"], _USER).get(b"proxyauth"))
    start = _us(_value(data, parts[b"timestamp_start"]))
    return Request(
        method=_value(data, parts[b"method"]).decode("utf-8", "surrogateescape"),
        scheme=_value(data, parts[b"scheme"]).decode("utf-8", "surrogateescape"),
        host=host,
        port=_value(data, parts[b"port"]),
        target=_value(data, parts[b"path"]),
        headers=fields,
        http_version="",
        start_us=start or 0,
        peer=str(peer[0]) if peer else None,
        proxy_user=str(user[0])[:128] if user else None,
    )


def _members(data: bytes, span: _Span, wanted: frozenset[bytes]) -> dict[bytes, _Span]:
    """The wanted members of a dictionary, unparsed."""
    members: dict[bytes, _Span] = {}
    _, at, end = span
    while at < end and len(members) < len(wanted):
        start = data.index(b":", at, at + _MAX_HEAD) + 1
        key_end = start + int(data[at : start - 1])
        key = data[start:key_end]
        at = key_end + 1
        start = data.index(b":", at, at + _MAX_HEAD) + 1
        stop = start + int(data[at : start - 1])
        if key in wanted:
            members[key] = (data[stop], start, stop)
        at = stop + 1
    return members


def _items(data: bytes, at: int, end: int) -> list[_Span]:
    """The items of a list, unparsed."""
    items = []
    while at < end:
        start = data.index(b":", at, at + _MAX_HEAD) + 1
        stop = start + int(data[at : start - 1])
        items.append((data[stop], start, stop))
        at = stop + 1
    return items


def _value(data: bytes, span: _Span | None) -> Any:
    if span is None:
        return None
    kind, start, end = span
    return tnetstring.parse(kind, memoryview(data)[start:end])


def _fields(data: bytes, span: _Span) -> Fields:
    fields = []
    for kind, at, end in _items(data, span[1], span[2]):
        if kind == _LIST:
            (_, name, name_end), (_, value, value_end) = _items(data, at, end)
            fields.append((data[name:name_end], data[value:value_end]))
    return tuple(fields)


def _decoded(content: bytes | None, fields: Fields, limit: int) -> bytes:
    """The beginning of a body's content; nothing where its coding is broken."""
    if not content:
        return b""
    named = [value for name, value in fields if name.lower() == b"content-encoding"]
    codings = content_codings(b",".join(named).decode("latin-1"))
    if not codings:
        return content[:limit]
    try:
        return decode_prefix(content, codings, limit)
    except CodingError:
        return b""


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
