"""mitmproxy flow files, as ``mitmdump -w`` writes them.

Of a flow only the parts that leave are parsed: each stands behind its length, so the rest
is skipped. A flow of another version than this mitmproxy's is read by mitmproxy's own reader.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from mitmproxy import http
from mitmproxy.io import tnetstring
from mitmproxy.version import FLOW_FORMAT_VERSION

from statetrail.errors import CaptureError
from statetrail.extract import Exchange, Fingerprinter, Request, Response
from statetrail.extract.records import Fields
from statetrail.ingest.flowfile import exchange_of_state, frames, read_flows
from statetrail.ingest.format import MAX_RECEIVED, MAX_SENT, Format, WithBodies, decoded
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.source import Source

_LENGTH: Final = re.compile(rb"[0-9]{1,12}:")
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


def _matches(source: Source) -> bool:
    if not _LENGTH.match(source.head):
        return False
    if source.packed is not None:
        # Its lengths could claim any amount of memory.
        raise CaptureError(f"is a flow file packed with {source.packed}: unpack it first")
    return True


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return read_flows(source.file, report)


def _whole(source: Source, report: ReadReport, responses: bool) -> Iterator[WithBodies]:
    for kind, data in frames(source.file, report):
        try:
            whole = _with_bodies(kind, data, responses)
        except Exception:  # a hostile state can raise anything
            report.skipped["unreadable"] += 1
            continue
        if whole is None:
            report.skipped["other"] += 1
        else:
            yield whole


def _with_bodies(kind: int, data: bytes, responses: bool) -> WithBodies | None:
    flow = _members(data, (kind, 0, len(data)), _FLOW) if kind == _DICT else {}
    if _value(data, flow.get(b"version")) != FLOW_FORMAT_VERSION:
        pair = exchange_of_state(kind, data)
        if pair is None:
            return None
        sent, answer = pair[0].request.data, pair[0].response
        return (
            pair[1],
            decoded(sent.content, sent.headers.fields, MAX_SENT),
            b""
            if answer is None
            else decoded(answer.data.content, answer.data.headers.fields, MAX_RECEIVED),
        )
    if _value(data, flow.get(b"type")) != "http":
        return None
    parts = _members(data, flow[b"request"], _REQUEST)
    client = _members(data, flow[b"client_conn"], _CLIENT)
    request = _request(data, parts, client, flow)
    body = decoded(_value(data, parts[b"content"]), request.headers, MAX_SENT)
    if not responses or flow[b"response"][0] == _NULL:
        return Exchange("", request), body, b""
    received = _members(data, flow[b"response"], _RESPONSE)
    fields = _fields(data, received[b"headers"])
    response = Response(
        _value(data, received[b"status_code"]),
        fields,
        _us(_value(data, received[b"timestamp_start"])),
        _us(_value(data, received[b"timestamp_end"])),
    )
    content = decoded(_value(data, received[b"content"]), fields, MAX_RECEIVED)
    return Exchange("", request, response), body, content


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


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


FLOWS: Final = Format("flows", "a mitmproxy flow file", _matches, _read, _whole, one_client=False)
