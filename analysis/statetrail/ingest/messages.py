"""Raw messages of HTTP/1, and what else the readers of foreign formats share.

Enters: a request or a response as bytes, with times. Leaves: the records of an `Exchange`. Where a
proxy has unpacked a body and left the header fields that say how it was packed, the body is taken
as it is.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from statetrail.extract.bodies import CodingError, content_codings, decode_prefix
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import BODY_UNSEEN, Exchange, Fields, Request, Response
from statetrail.ingest.format import MAX_RECEIVED, MAX_SENT
from statetrail.ingest.har.entry import EntryError
from statetrail.ingest.har.heads import Address, HeadReader
from statetrail.ingest.har.reader import peer_of

WHOLE_SECONDS: Final = "whole-seconds"
"""Note: the times are whole seconds, and may be up to one later."""
NO_RESPONSE_TIMES: Final = "response-times-unseen"
"""Note: the format does not tell when the response began and ended."""
SECOND_US: Final = 1_000_000
MAX_HEAD: Final = 1 << 20
"""Bytes of a message's head."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) +(\S+)(?: +(HTTP/[0-9.]+))?"
)
_STATUS_LINE: Final = re.compile(rb"(HTTP/[0-9.]+) +([0-9]{3})(?: .*)?")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[^\r\n]{0,256}\r\n")
_VERSIONS: Final = {"HTTP/2": "HTTP/2.0", "HTTP/3.0": "HTTP/3"}


class Times(NamedTuple):
    """Microseconds since the epoch; `None`: not known."""

    request_start: int
    request_end: int | None = None
    response_start: int | None = None
    response_end: int | None = None
    composed: int | None = None
    error: int | None = None


class Message(NamedTuple):
    """A message's first line, its header fields and its body."""

    start: bytes
    fields: Fields
    body: bytes


def message_of(raw: bytes) -> Message:
    """The parts of a message. Raises `EntryError` (``unreadable``) for one without a head."""
    end = _END_OF_HEAD.search(raw, 0, MAX_HEAD)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw[:MAX_HEAD].rstrip(), b"")
    start, *lines = head.replace(b"\r\n", b"\n").split(b"\n")
    fields: list[tuple[bytes, bytes]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
            continue
        name, colon, value = line.partition(b":")
        if not colon or not name.strip():
            raise EntryError("unreadable")
        fields.append((name.strip(), value.strip()))
    return Message(start, tuple(fields), _without_chunks(body, tuple(fields)))


def request_of_message(message: Message, address: Address | None) -> tuple[str, Address, str]:
    """A request's method, its address and version; the target is that of the request's line.

    Raises `EntryError`: ``other`` for a tunnel, ``url`` without a readable address.
    """
    line = _REQUEST_LINE.fullmatch(message.start.strip())
    if line is None:
        raise EntryError("unreadable")
    method, target = line[1].decode(), line[2]
    if method == "CONNECT":
        raise EntryError("other")
    if not target.startswith(b"/") and target != b"*":
        address = HeadReader().address(target.decode("utf-8", "surrogateescape"))
    elif address is None:
        raise EntryError("url")
    else:
        address = address._replace(target=target)
    return method, address, version_of((line[3] or b"").decode())


def version_of(text: str) -> str:
    """An HTTP version as live traffic has it."""
    return _VERSIONS.get(text.upper(), text.upper()) or "unknown"


def exchange_of_parts(
    method: str,
    address: Address,
    version: str,
    times: Times,
    sent: tuple[Fields, bytes | None],
    received: tuple[int, Fields, bytes | None] | None,
    *,
    peer: str | None = None,
    error: str | None = None,
    notes: Iterable[str] = (),
    codings: tuple[str, ...] | None = None,
) -> Exchange:
    """The exchange of a request and its response.

    `sent` is the header fields and the body (`None`: the capture lacks bodies of requests);
    `received` is the status, the header fields and the body (`None`: the capture lacks it);
    `codings` are those still on that body (`None`: those that the fields name, if it has them).
    Without a response and an error the error is ``no-response``.
    """
    noted = list(notes)
    request = Request(
        method=method,
        scheme=address.scheme,
        host=address.host,
        port=address.port,
        target=address.target,
        headers=sent[0],
        http_version=version,
        start_us=times.request_start,
        end_us=times.request_end,
        body_bytes=None if sent[1] is None else len(sent[1]),
        peer=peer_of(peer),
        body=(sent[1] or b"")[:MAX_SENT],
        composed_us=times.composed,
        time_error_us=times.error,
    )
    response = None
    if received is not None:
        status, fields, body = received
        if body is None:
            noted.append(BODY_UNSEEN)
        response = Response(
            status=status,
            headers=fields,
            start_us=times.response_start,
            end_us=None if error is not None else times.response_end,
            body=(body or b"")[:MAX_RECEIVED],
            body_bytes=None if body is None else len(body),
            codings=codings if codings is not None else _codings_on(body or b"", fields),
        )
    elif error is None:
        error = "no-response"
    return Exchange("", request, response, error, tuple(noted))


def response_of_raw(raw: bytes) -> tuple[int, Fields, bytes] | None:
    """A raw response's status, header fields and body; `None` for one that is none.

    Informational replies before it are left out.
    """
    while True:
        try:
            message = message_of(raw)
        except EntryError:
            return None
        line = _STATUS_LINE.fullmatch(message.start.strip())
        if line is None:
            return None
        status = int(line[2])
        if not 100 <= status < 200 or status == 101 or not message.body.startswith(b"HTTP/"):
            return status, message.fields, message.body
        raw = message.body


def identified(
    exchanges: Iterable[Exchange], name: str, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    """The exchanges with flow ids, by which the same one in another file is known.

    An id is a keyed digest of what identifies an exchange; equal ones of a file are numbered.
    """
    if fingerprinter is None:
        yield from exchanges
        return
    # One number an exchange, as for HAR files.
    counts: Counter[int] = Counter()
    for exchange in exchanges:
        request, response = exchange.request, exchange.response
        parts = (
            *(request.start_us, request.method, request.host, request.port, request.target),
            *(request.headers, response and (response.status, response.headers)),
        )
        raw = msgspec.msgpack.encode(parts) if request.host.isascii() else repr(parts).encode()
        digest = fingerprinter.fingerprint(blake2b(raw, digest_size=32).digest())
        counts[digest] += 1
        flow_id = f"{name}-{digest & 0xFFFF_FFFF_FFFF_FFFF:016x}"
        if counts[digest] > 1:
            flow_id += f"-{counts[digest]}"
        yield replace(exchange, flow_id=flow_id)


def moment_us(text: str) -> int | None:
    """Microseconds since the epoch of an ISO date and time; `None` for none, or an unset one."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        since = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
    return since if since > 0 else None


def plain_object(raw: bytes) -> dict[str, Any]:
    """A JSON object as plain values. Raises `EntryError` (``broken``) for none."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            value = json.loads(raw.decode("utf-8", "surrogateescape"), strict=False)
        except (ValueError, RecursionError):
            raise EntryError("broken") from None
    if not isinstance(value, dict):
        raise EntryError("broken")
    return value


def from_base64(text: str) -> bytes:
    """What a base64 text stands for; of a damaged one the beginning."""
    compact = "".join(text.split())
    try:
        return base64.b64decode(compact[: len(compact) // 4 * 4])
    except ValueError:
        return b""


def _without_chunks(body: bytes, fields: Fields) -> bytes:
    """A body without the transfer coding ``chunked``, if it still has it."""
    named = any(n.lower() == b"transfer-encoding" and b"chunked" in v.lower() for n, v in fields)
    if not named or _CHUNK.match(body) is None:
        return body
    parts: list[bytes] = []
    at, is_framed = 0, False
    while (head := _CHUNK.match(body, at)) is not None:
        size, at = int(head[1], 16), head.end()
        if size == 0:
            return b"".join(parts)
        parts.append(body[at : at + size])
        at += size
        if body[at : at + 2] != b"\r\n":
            break
        at, is_framed = at + 2, True
    # Cut short behind a whole chunk; else what looked like a chunk's size is content.
    return b"".join(parts) if is_framed and at >= len(body) else body


def _codings_on(body: bytes, fields: Fields) -> tuple[str, ...]:
    """The content codings that a body has; none where it does not have those that are named."""
    named = [value for name, value in fields if name.lower() == b"content-encoding"]
    codings = content_codings(b",".join(named).decode("latin-1"))
    if not body or not codings:
        return ()
    try:
        return codings if decode_prefix(body, codings, 64) else ()
    except CodingError as error:
        return codings if str(error) == "unknown-coding" else ()
