"""A flow as an exchange, of which only the parts that leave are parsed.

Enters: the state of a flow as it stands in a flow file. Leaves: the `Exchange` that
`statetrail.ingest.flow` makes of mitmproxy's own object, or nothing: a flow of another version or
kind, one that was edited, and one with anything unusual in it is for mitmproxy's reader.

A tnetstring stands behind its length, so what nobody reads (connections, certificates, messages of
a WebSocket) is skipped.
"""

import re
from typing import Final

from mitmproxy import http
from mitmproxy.version import FLOW_FORMAT_VERSION

from statetrail.extract.bodies import MAX_SEARCHED
from statetrail.extract.records import Exchange, Fields, Request, Response
from statetrail.ingest.flow import body_size, error_word

_LENGTH: Final = re.compile(rb"([0-9]{1,12}):")
_FLOW: Final = frozenset(
    b"version type id error client_conn is_replay metadata backup request response "
    b"websocket".split()
)
_CLIENT: Final = frozenset((b"peername", b"proxy_mode"))
_USER: Final = frozenset((b"proxyauth",))
_ERROR: Final = frozenset((b"msg",))
_REQUEST: Final = frozenset(
    b"authority content headers host http_version method path port scheme timestamp_start "
    b"timestamp_end".split()
)
_RESPONSE: Final = frozenset(b"content headers status_code timestamp_start timestamp_end".split())
_ADDRESSED: Final = (b"transparent", b"wireguard", b"local", b"tun", b"socks5")
_REPLAYS: Final = {b"request": ("replayed",), b"response": ("answered-by-operator",)}
_BYTES, _TEXT, _INT, _FLOAT = b",;#^"
_LIST, _DICT, _NULL = b"]}~"
_VERSION: Final = str(FLOW_FORMAT_VERSION).encode()

type _Span = tuple[int, int, int]
"""The type of a value, and where it begins and ends."""
type _Members = dict[bytes, _Span]


class _Unusual(Exception):  # noqa: N818 - a flow that is for another reader
    """A value is missing, or of another type than mitmproxy writes."""


def exchange_of_parts(kind: int, data: bytes) -> Exchange | None:
    """The exchange of a flow; `None` if mitmproxy's reader has to look at it."""
    try:
        if kind != _DICT:
            return None
        flow = _members(data, (kind, 0, len(data)), _FLOW)
        usual = _raw(data, flow[b"version"], _INT) == _VERSION and _is_null(flow[b"backup"])
        if not usual or _raw(data, flow[b"type"], _TEXT) != b"http":
            return None
        return _exchange(data, flow)
    except (_Unusual, LookupError, ValueError, OverflowError):
        return None


def _exchange(data: bytes, flow: _Members) -> Exchange:
    notes: tuple[str, ...] = ()
    if not _is_null(flow[b"is_replay"]):
        notes = _REPLAYS[_raw(data, flow[b"is_replay"], _TEXT)]
    error = None
    if not _is_null(flow[b"error"]):
        message = _raw(data, _members(data, flow[b"error"], _ERROR)[b"msg"], _TEXT)
        _, start, end = flow[b"websocket"]
        if start == end:
            error = error_word(message.decode())
    flow_id, request = _raw(data, flow[b"id"], _TEXT).decode(), _request(data, flow)
    if _is_null(flow[b"response"]):
        no_response = "no-response" if _is_null(flow[b"error"]) else error
        return Exchange(flow_id, request, None, no_response, notes)
    parts = _members(data, flow[b"response"], _RESPONSE)
    fields, content = _fields(data, parts[b"headers"]), parts[b"content"]
    response = Response(
        status=int(_raw(data, parts[b"status_code"], _INT)),
        headers=fields,
        start_us=_us(data, parts[b"timestamp_start"]),
        end_us=None if error is not None else _us(data, parts[b"timestamp_end"]),
        body=_content(data, content),
        body_bytes=_size(content, fields),
    )
    if _is_null(content):
        notes = (*notes, "body-unseen")
    return Exchange(flow_id, request, response, error, notes)


def _request(data: bytes, flow: _Members) -> Request:
    parts = _members(data, flow[b"request"], _REQUEST)
    client = _members(data, flow[b"client_conn"], _CLIENT)
    fields = _fields(data, parts[b"headers"])
    host = _raw(data, parts[b"host"], _TEXT).decode()
    version = _raw(data, parts[b"http_version"], _BYTES)
    if _raw(data, client[b"proxy_mode"], _TEXT).startswith(_ADDRESSED):
        # The host of the flow is the packet's address.
        head, authority = http.Headers(fields), _raw(data, parts[b"authority"], _BYTES)
        host = http.Request(
            host, 0, b"", b"", authority, b"", version, head, None, None, 0, None
        ).pretty_host
    peer = user = None
    if not _is_null(client[b"peername"]):
        peer = _first(data, client[b"peername"])
    if (login := _members(data, flow[b"metadata"], _USER).get(b"proxyauth")) is not None:
        user = _first(data, login)[:128]
    start_us = _us(data, parts[b"timestamp_start"])
    if start_us is None:
        raise _Unusual
    return Request(
        method=_raw(data, parts[b"method"], _BYTES).decode("utf-8", "surrogateescape"),
        scheme=_raw(data, parts[b"scheme"], _BYTES).decode("utf-8", "surrogateescape"),
        host=host,
        port=int(_raw(data, parts[b"port"], _INT)),
        target=_raw(data, parts[b"path"], _BYTES),
        headers=fields,
        http_version=version.decode("utf-8", "surrogateescape"),
        start_us=start_us,
        end_us=_us(data, parts[b"timestamp_end"]),
        body_bytes=_size(parts[b"content"], fields),
        peer=peer,
        proxy_user=user,
        body=_content(data, parts[b"content"]),
    )


def _members(data: bytes, span: _Span, wanted: frozenset[bytes]) -> _Members:
    """The wanted members of a dictionary, unparsed."""
    kind, at, end = span
    if kind != _DICT:
        raise _Unusual
    members: _Members = {}
    match, left = _LENGTH.match, len(wanted)
    while at < end and left:
        head = match(data, at, end)
        if head is None:
            raise _Unusual
        start = head.end()
        key_end = start + int(head[1])
        key = data[start:key_end]
        head = match(data, key_end + 1, end)
        if head is None:
            raise _Unusual
        start = head.end()
        stop = start + int(head[1])
        if stop >= end:
            raise _Unusual
        if key in wanted:
            members[key] = (data[stop], start, stop)
            left -= 1
        at = stop + 1
    return members


def _items(data: bytes, at: int, end: int) -> list[_Span]:
    """The items of a list, unparsed."""
    items = []
    while at < end:
        head = _LENGTH.match(data, at, end)
        if head is None:
            raise _Unusual
        start = head.end()
        stop = start + int(head[1])
        if stop >= end:
            raise _Unusual
        items.append((data[stop], start, stop))
        at = stop + 1
    return items


def _fields(data: bytes, span: _Span) -> Fields:
    kind, start, end = span
    if kind != _LIST:
        raise _Unusual
    fields = []
    for each, at, stop in _items(data, start, end):
        (name_kind, name, name_end), (value_kind, value, value_end) = _items(data, at, stop)
        if each != _LIST or name_kind != _BYTES or value_kind != _BYTES:
            raise _Unusual
        fields.append((data[name:name_end], data[value:value_end]))
    return tuple(fields)


def _raw(data: bytes, span: _Span, kind: int) -> bytes:
    if span[0] != kind:
        raise _Unusual
    return data[span[1] : span[2]]


def _first(data: bytes, span: _Span) -> str:
    """The first text of a list."""
    if span[0] != _LIST:
        raise _Unusual
    return _raw(data, _items(data, span[1], span[2])[0], _TEXT).decode()


def _is_null(span: _Span) -> bool:
    return span[0] == _NULL


def _us(data: bytes, span: _Span) -> int | None:
    kind, start, end = span
    if kind == _NULL:
        return None
    if kind not in (_FLOAT, _INT):
        raise _Unusual
    return round(float(data[start:end]) * 1_000_000)


def _content(data: bytes, span: _Span) -> bytes:
    """The beginning of a body, as much as is read of it."""
    kind, start, end = span
    if kind not in (_BYTES, _NULL):
        raise _Unusual
    return data[start : min(end, start + MAX_SEARCHED)]


def _size(span: _Span, fields: Fields) -> int | None:
    kind, start, end = span
    return end - start if kind == _BYTES else body_size(None, fields)
