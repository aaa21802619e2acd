"""Packet captures (pcap, pcapng), read by Wireshark's ``tshark`` where it is installed.

Of TLS the keys are needed: in the capture (``editcap --inject-secrets``), or in the file that the
environment variable ``SSLKEYLOGFILE`` names. A message's time is that of the packet with its end.
"""

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, Final, cast

from statetrail.errors import CaptureError
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import Exchange, Fields
from statetrail.ingest.format import MAX_RECEIVED, Format
from statetrail.ingest.har.entry import EntryError
from statetrail.ingest.har.heads import Address, utf8
from statetrail.ingest.har.split import split_entries
from statetrail.ingest.messages import (
    NO_RESPONSE_TIMES,
    SECOND_US,
    Message,
    Times,
    exchange_of_parts,
    identified,
    plain_object,
    request_of_message,
)
from statetrail.ingest.skipped import ReadReport, TruncatedError
from statetrail.ingest.source import Source

LONGEST_S: Final = 3600.0
"""Seconds after which tshark is stopped."""

_MAGIC: Final = (
    *(b"\x0a\x0d\x0d\x0a", b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1"),
    *(b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1"),
)
# Of QUIC the packets that begin a connection.
_FILTER: Final = (
    "http or http2 or tls.app_data or quic.long.packet_type == 0 "
    "or (quic and tls.handshake.type == 1)"
)
_LAYERS: Final = "frame ip ipv6 tcp http http2 quic data"
_FINAL: Final = re.compile(rb"[2-9][0-9]{2}")
_MAX_OPEN: Final = 1000
_MAX_PIPELINED: Final = 100
_UNSEEN_US: Final = 60 * SECOND_US
_DATA, _HEADERS, _RESET, _CONTINUATION = "0", "1", "3", "9"


def _matches(source: Source) -> bool:
    if source.head[:4] not in _MAGIC:
        return False
    if source.packed not in (None, "gzip") or source.member_name is not None:
        raise CaptureError("is a packed packet capture: unpack it first")
    if shutil.which("tshark") is None:
        raise CaptureError("is a packet capture: install tshark (of Wireshark) to have it read")
    return True


def _read(
    source: Source, report: ReadReport, fingerprinter: Fingerprinter | None
) -> Iterator[Exchange]:
    return identified(_exchanges(source, report), "pcap", fingerprinter)


def _exchanges(source: Source, report: ReadReport) -> Iterator[Exchange]:
    command = [
        *("tshark", "-r", str(source.path.absolute()), "-n", "-Y", _FILTER),
        *("-T", "json", "-x", "--no-duplicate-keys", "-J", _LAYERS),
        *("-o", "http.decompress_body:FALSE"),
    ]
    if keys := os.environ.get("SSLKEYLOGFILE"):
        command += ["-o", f"tls.keylog_file:{keys}"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        watchdog = threading.Timer(LONGEST_S, process.kill)
        watchdog.start()
        connections = _Connections(report)
        try:
            yield from _packets(cast("BufferedReader", process.stdout), connections, report)
            yield from connections.rest()
            if process.wait() != 0:
                report.truncation = "ends"
        finally:
            watchdog.cancel()
            process.kill()


def _packets(
    stream: BufferedReader, connections: "_Connections", report: ReadReport
) -> Iterator[Exchange]:
    packets: Iterator[list[None] | bytes | None] = split_entries(stream, keys=())
    try:
        for raw in packets:
            try:
                if not isinstance(raw, bytes):
                    raise EntryError("large")
                layers = plain_object(raw)["_source"]["layers"]
                yield from connections.add(layers)
            except EntryError as error:
                report.skipped[str(error)] += 1
            except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
                report.skipped["unreadable"] += 1
    except TruncatedError:
        report.truncation = "ends"


class _Half:
    """A request or a response as far as its packets have been read."""

    __slots__ = ("body", "end", "fields", "line", "peer", "scheme", "start", "status", "version")

    def __init__(self, start: int | None, end: int | None, line: bytes, fields: Fields) -> None:
        self.start, self.end, self.line, self.fields = start, end, line, fields
        self.body = bytearray()
        self.peer, self.scheme, self.version, self.status = "", "http", "", 0


class _Pair:
    """A request with its response."""

    __slots__ = ("address", "composed", "error", "received", "sent")

    def __init__(self, sent: _Half, address: Address, composed: int | None) -> None:
        self.sent, self.address, self.composed = sent, address, composed
        self.received: _Half | None = None
        self.error: str | None = None


class _Connections:
    """Makes exchanges of packets."""

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        # HTTP/1: requests that wait for their response, by connection.
        self._queues: dict[str, deque[_Pair]] = {}
        self._streams: dict[tuple[str, str], _Pair] = {}
        self._last: dict[str, int] = {}
        self._sealed: set[str] = set()
        self._read: set[str] = set()
        self._quic: set[str] = set()

    def add(self, layers: dict[str, Any]) -> Iterator[Exchange]:
        """Add a packet; yields the exchanges that it ends."""
        if "quic" in layers:
            # tshark gives no header fields of HTTP/3, with keys either.
            for each in _all(layers["quic"]):
                known = each.get("QUIC Connection information", each)
                self._quic.add(known.get("quic.connection.number", ""))
            return
        us = _us(layers["frame"]["frame.time_epoch"])
        network = layers.get("ip") or layers.get("ipv6") or {}
        source = network.get("ip.src") or network.get("ipv6.src")
        target = network.get("ip.dst") or network.get("ipv6.dst")
        tcp = layers["tcp"]
        number, port = tcp["tcp.stream"], int(tcp["tcp.dstport"])
        is_secure = ":tls" in layers["frame"].get("frame.protocols", "")
        if "http" not in layers and "http2" not in layers:
            self._sealed.add(number)
            return
        self._read.add(number)
        is_split = "tcp.segments" in layers
        for layer in _all(layers.get("http")):
            half = _http1(layer, us, is_split=is_split)
            if half is None:
                continue
            half.peer, half.scheme = source or "", "https" if is_secure else "http"
            if half.status:
                yield from self._answer(number, half)
            else:
                if len(queue := self._queues.setdefault(number, deque())) >= _MAX_PIPELINED:
                    yield from self._ended(queue.popleft())
                queue.append(self._pair(number, half, target or "", port, us, is_split=is_split))
            self._last[number] = us
        for frame in _frames(layers.get("http2")):
            yield from self._frame(number, frame, us, (source, target, port, is_secure))

    def rest(self) -> Iterator[Exchange]:
        """The exchanges whose end is not in the capture."""
        for queue in self._queues.values():
            for pair in queue:
                yield from self._ended(pair)
        for pair in self._streams.values():
            if pair.received is not None:
                pair.received.end = None
            yield from self._ended(pair)
        if unread := len(self._sealed - self._read):
            self._report.skipped["encrypted"] += unread
        if not_read := len(self._quic - {""}):
            self._report.skipped["quic"] += not_read

    def _pair(
        self, number: str, half: _Half, target: str, port: int, us: int, *, is_split: bool
    ) -> _Pair:
        composed = None
        if is_split:
            # When its first packet was sent is not in what tshark says.
            composed = self._last.get(number, us - _UNSEEN_US)
        return _Pair(half, _address(half, target, port), composed)

    def _answer(self, number: str, half: _Half) -> Iterator[Exchange]:
        if 100 <= half.status < 200 and half.status != 101:
            return
        queue = self._queues.get(number)
        if not queue:
            self._report.skipped["incomplete"] += 1
            return
        pair = queue.popleft()
        pair.received = half
        yield from self._ended(pair)

    def _frame(
        self,
        number: str,
        frame: dict[str, Any],
        us: int,
        ends: tuple[str | None, str | None, int, bool],
    ) -> Iterator[Exchange]:
        kind, key = frame.get("http2.type"), (number, str(frame.get("http2.streamid")))
        source, target, port, is_secure = ends
        pair = self._streams.get(key)
        fields = _http2_fields(frame) if kind in (_HEADERS, _CONTINUATION) else ()
        pseudo = {name: value for name, value in fields if name.startswith(b":")}
        plain = tuple(field for field in fields if not field[0].startswith(b":"))
        if pseudo.get(b":method"):
            sent = _Half(us, None, pseudo[b":method"], plain)
            sent.peer, sent.version = source or "", "HTTP/2.0"
            sent.scheme = "https" if is_secure else "http"
            sent.fields = plain
            authority = pseudo.get(b":authority", b"")
            host = ((b"host", authority),) if authority else ()
            address = _address(sent, target or "", port, host or plain)
            address = address._replace(target=pseudo.get(b":path", b"/"))
            if len(self._streams) >= _MAX_OPEN:
                yield from self._ended(self._streams.pop(next(iter(self._streams))))
            pair = self._streams[key] = _Pair(sent, address, None)
        elif pair is not None and _FINAL.fullmatch(status := pseudo.get(b":status", b"")):
            pair.received = _Half(us, None, b"", plain)
            pair.received.status = int(status)
        if pair is None:
            return
        is_client = source == pair.sent.peer and port == pair.address.port
        half = pair.sent if is_client else pair.received
        if kind == _RESET:
            pair.error = "client-disconnected" if is_client else "server-disconnected"
            yield from self._ended(self._streams.pop(key))
        elif half is not None:
            if kind == _DATA:
                _add_data(half, frame)
            if frame.get("http2.flags_tree", {}).get("http2.flags.end_stream") == "1":
                half.end = us
                if not is_client:
                    yield from self._ended(self._streams.pop(key))

    def _ended(self, pair: _Pair) -> Iterator[Exchange]:
        self._report.entries += 1
        sent, received = pair.sent, pair.received
        try:
            if sent.version == "HTTP/2.0":
                method, address, version = sent.line.decode("latin-1"), pair.address, sent.version
                if method == "CONNECT":
                    raise EntryError("other")
            else:
                message = Message(sent.line, sent.fields, b"")
                method, address, version = request_of_message(message, pair.address)
            lacks = received is not None and received.start is None
            yield exchange_of_parts(
                method,
                address,
                version,
                Times(
                    sent.start or sent.end or 0,
                    sent.end,
                    received.start if received is not None else None,
                    received.end if received is not None else None,
                    pair.composed,
                ),
                (sent.fields, bytes(sent.body)),
                (received.status, received.fields, bytes(received.body)) if received else None,
                peer=sent.peer or None,
                error=pair.error,
                notes=(NO_RESPONSE_TIMES,) if lacks else (),
            )
        except EntryError as error:
            self._report.skipped[str(error)] += 1


def _http1(layer: dict[str, Any], us: int, *, is_split: bool) -> _Half | None:
    """A message of HTTP/1; `None`: no message."""
    kind = "request" if "http.request" in layer else "response"
    if f"http.{kind}" not in layer:
        return None
    lines = _raws(layer.get(f"http.{kind}.line_raw"))
    fields = tuple(
        (name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)
    )
    first = next(
        each
        for each in layer.values()
        if isinstance(each, dict)
        and ("http.request.method" in each or "http.response.code" in each)
    )
    start = None if is_split and kind == "response" else us
    half = _Half(start, us, b"", fields)
    if kind == "response":
        half.status = int(first["http.response.code"])
    else:
        parts = [b"".join(_raws(first.get(f"http.request.{p}_raw"))) for p in ("method", "uri")]
        half.line = b" ".join([*parts, utf8(first.get("http.request.version") or "HTTP/1.1")])
    # A body with a content coding stands a level deeper.
    coded = [each for name, each in layer.items() if name.startswith("Content-encoded entity")]
    bodies = _raws(layer.get("http.file_data_raw"))
    for each in _all(coded):
        bodies += _raws(each.get("data_raw"))
    half.body += b"".join(bodies[:1])
    return half


def _address(half: _Half, target: str, port: int, fields: Fields | None = None) -> Address:
    """What a request was sent to: the host that it names, at the port of the packet."""
    host = next((v for n, v in fields or half.fields if n.lower() == b"host"), b"")
    name = host.decode("utf-8", "surrogateescape").strip()
    bare = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    return Address(half.scheme, bare.strip("[]") or target, port, b"/")


def _frames(layer: Any) -> Iterator[dict[str, Any]]:
    """The frames of an HTTP/2 layer."""
    for each in _all(layer):
        for frame in _all(each.get("http2.stream")):
            if "http2.type" in frame:
                yield frame


def _http2_fields(frame: dict[str, Any]) -> Fields:
    fields = []
    for each in _all(frame.get("http2.header")):
        name, value = (
            utf8(str(each.get(f"http2.header.{part}") or "")) for part in ("name", "value")
        )
        fields.append((name, value))
    return tuple(fields)


def _add_data(half: _Half, frame: dict[str, Any]) -> None:
    """Add a DATA frame's content, or the whole where tshark has put it together."""
    fragments = frame.get("http2.body.fragments")
    whole = _raws(fragments.get("http2.body.reassembled.data_raw")) if fragments else []
    if whole:
        half.body[:] = whole[0]
        return
    size = int(frame.get("http2.length") or 0)
    for raw in _raws(frame.get("http2.data.data_raw"))[:1]:
        if 0 < len(raw) <= size and len(half.body) < MAX_RECEIVED:
            half.body += raw


def _raws(value: Any) -> list[bytes]:
    """The bytes in tshark's raw fields: one is a list, several are a list of lists."""
    if not isinstance(value, list) or not value:
        return []
    several = value if isinstance(value[0], list) else [value]
    return [bytes.fromhex(_even(each[0])) for each in several if each and isinstance(each[0], str)]


def _even(digits: str) -> str:
    """Hexadecimal digits of whole bytes; of a cut text those before the cut."""
    whole = digits[: 2 * MAX_RECEIVED].rstrip("\ufffe")
    return whole[: len(whole) // 2 * 2]


def _all(value: Any) -> list[dict[str, Any]]:
    """What tshark has once or several times."""
    several = value if isinstance(value, list) else [value]
    return [each for each in several if isinstance(each, dict)]


def _us(seconds: str) -> int:
    """Microseconds since the epoch of a time with nine digits."""
    whole, _, fraction = seconds.partition(".")
    return int(whole) * SECOND_US + int(fraction[:6].ljust(6, "0") or 0)


PCAP: Final = Format("pcap", "a packet capture", _matches, _read, one_client=False)
