"""One HAR entry as a typed record, from any writer.

Enters: the JSON bytes of one entry. Leaves: a `HarEntry`, or `EntryError` with a reason from a
closed list. A valid entry is decoded in one typed step that skips the other fields. Any other one
(lone surrogates, broken UTF-8, huge numbers, strings instead of numbers) is decoded to plain
objects and converted field by field.
"""

import contextlib
import json
import math
import re
import typing
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

_MAX_DIGITS: Final = 40
_FLAGS: Final = (
    *("_error", "_fromCache", "_fromDiskCache", "_fromServiceWorker", "_fetchedViaServiceWorker"),
    *("fromDiskCache", "fromPrefetchCache", "fromEarlyHints", "fromServiceWorker"),
)
_CACHES: Final = frozenset(
    ("memory cache", "disk cache", "cache-storage", "http-cache", "fallback-code")
)
"""What answers a request instead of the network, as browsers name it."""
_OVERRIDE: Final = "inspector override"
_WORKER: Final = "service worker"
# chrome-har fills in no more of a cache's entry than that there was one.
_HIT: Final = re.compile(
    rb'"beforeRequest"\s*:\s*\{[^{}]{0,99}"eTag"\s*:\s*""\s*,\s*"hitCount"\s*:\s*0\s*\}'
)


# A string or a comment without its end goes on to the end of the text: nothing is looked at twice.
_COMMENT: Final = re.compile(
    r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|//[^\n]*+',
    re.DOTALL,
)
_STATUS: Final = re.compile(r"\s*([0-9]{3})(?![0-9])", re.ASCII)


_NOTHING: Final = msgspec.Raw(b"")
_HIT_SIZE: Final = 512


class EntryError(ValueError):
    """An entry is no HTTP exchange or cannot be read; the message is the reason."""


class Header(msgspec.Struct, frozen=True, gc=False):
    """A header field."""

    name: str
    value: str


class PostParam(msgspec.Struct, gc=False):
    """A field of a form that a request sent."""

    name: str | None = None
    value: str | None = None


class PostData(msgspec.Struct, gc=False):
    """The used fields of a request's content."""

    text: str | None = None
    params: list[PostParam] | None = None
    file: str | None = msgspec.field(default=None, name="_file")
    digest: str | None = msgspec.field(default=None, name="_sha1")


class HarRequest(msgspec.Struct, rename="camel", gc=False):
    """The used fields of an entry's request; its header fields as their JSON.

    Of an entry that is read field by field, `headers` is a list of `Header`.
    """

    method: str | None
    url: str
    http_version: str | None = None
    headers: msgspec.Raw = _NOTHING
    cookies: list[msgspec.Raw] | None = None
    body_size: float | None = None
    post_data: PostData | None = None


class Content(msgspec.Struct, rename="camel", gc=False):
    """The used fields of a response's content: decoded text, or base64 of decoded bytes."""

    size: float | None = None
    text: str | None = None
    encoding: str | None = None
    mime_type: str | None = None
    file: str | None = msgspec.field(default=None, name="_file")
    digest: str | None = msgspec.field(default=None, name="_sha1")


class HarResponse(msgspec.Struct, rename="camel", gc=False):
    """The used fields of an entry's response; `headers` as in `HarRequest`."""

    status: float | None = None
    headers: msgspec.Raw = _NOTHING
    cookies: list[msgspec.Raw] | None = None
    content: Content | None = None
    body_size: float | None = None
    transferred: float | None = msgspec.field(default=None, name="_transferSize")
    error: str | None = msgspec.field(default=None, name="_error")
    via_worker: bool | str | None = msgspec.field(default=None, name="_fetchedViaServiceWorker")
    worker_source: str | None = msgspec.field(default=None, name="_serviceWorkerResponseSource")
    from_disk_cache: bool | str | None = None
    from_prefetch_cache: bool | str | None = None
    from_early_hints: bool | str | None = None
    from_service_worker: bool | str | None = None


class Timings(msgspec.Struct, gc=False):
    """Durations in milliseconds; negative if not applicable."""

    blocked: float | None = None
    dns: float | None = None
    connect: float | None = None
    ssl: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None
    queued: float | None = msgspec.field(default=None, name="_queued")


class HarEntry(msgspec.Struct, gc=False):
    """The used fields of an entry; the last ones are extensions of single writers."""

    started: str = msgspec.field(name="startedDateTime")
    request: HarRequest
    time: float | None = None
    response: HarResponse | None = None
    timings: Timings | None = None
    error: str | None = msgspec.field(default=None, name="_error")
    from_cache: bool | str | None = msgspec.field(default=None, name="_fromCache")
    from_disk: bool | str | None = msgspec.field(default=None, name="_fromDiskCache")
    from_worker: bool | str | None = msgspec.field(default=None, name="_fromServiceWorker")
    fetch_type: str | None = msgspec.field(default=None, name="_fetchType")
    cache: msgspec.Raw = _NOTHING
    server: str | None = msgspec.field(default=None, name="serverIPAddress")
    client_1: str | None = msgspec.field(default=None, name="_clientAddress")
    client_2: str | None = msgspec.field(default=None, name="_clientIPAddress")
    client_3: str | None = msgspec.field(default=None, name="clientIPAddress")
    client_4: str | None = msgspec.field(default=None, name="_client_address")

    @property
    def client(self) -> str | None:
        """The client's address, if the writer adds one."""
        return self.client_1 or self.client_2 or self.client_3 or self.client_4

    @property
    def is_cached(self) -> bool:
        """Whether a cache of the browser answered it, or a worker without asking the network."""
        answer = self.response
        source = answer.worker_source if answer is not None else None
        if self.fetch_type is not None or source is not None:
            named = (self.fetch_type or "").lower(), (source or "").lower()
            if not _CACHES.isdisjoint(named):
                return True
        if self.from_cache or self.from_disk:
            return True
        if answer is None:
            return False
        # Content of which nothing was received: so Chrome wrote what its cache answered.
        if answer.body_size == 0 and self._is_unreceived and not self.is_by_worker:
            return True
        if answer.from_prefetch_cache or (answer.from_disk_cache and not answer.from_early_hints):
            return True
        return answer.status != 304 and _HIT.search(bytes(self.cache)[:_HIT_SIZE]) is not None

    @property
    def is_perhaps_cached(self) -> bool:
        """Whether a cache may have answered it: a worker's, or one that Chrome does not name."""
        if not self.is_by_worker:
            return self._is_unreceived
        return self.response is None or self.response.worker_source != "network"

    @property
    def _is_unreceived(self) -> bool:
        """Whether it has content, and nothing was received."""
        answer = self.response
        if answer is None or answer.transferred != 0 or not 200 <= (answer.status or 0) < 300:
            return False
        return answer.content is not None and (answer.content.size or 0) > 0

    @property
    def is_cached_in_firefox(self) -> bool:
        """The same, of an entry that Firefox wrote."""
        status = self.response.status if self.response is not None else None
        if not status or status == 304:  # the server was asked
            return False
        raw = bytes(self.cache)
        if b'"afterRequest"' in raw and b'"beforeRequest"' not in raw:
            return True
        # Of late it has no such member; what was received comes from an address, in some time.
        times = astuple(self.timings) if self.timings is not None else ()
        return not (self.server or self.time or any(ms is not None and ms > 0 for ms in times))

    @property
    def is_overridden(self) -> bool:
        """Whether the developer's own content stands in place of the server's response."""
        return self.fetch_type is not None and self.fetch_type.lower() == _OVERRIDE

    @property
    def is_by_worker(self) -> bool:
        """Whether a page's worker answered it, who may have sent a request of its own for it."""
        answer = self.response
        if answer is not None and (answer.via_worker or answer.from_service_worker):
            return True
        return bool(self.from_worker) or (self.fetch_type or "").lower() == _WORKER


_TYPED: Final = msgspec.json.Decoder(HarEntry)
_PIECE: Final = msgspec.json.Decoder(list[HarEntry])
_HEADERS: Final = msgspec.json.Decoder(list[Header])


def read_entries(raw: bytes) -> list[HarEntry] | None:
    """The entries in this JSON list, if each of them is valid."""
    try:
        return _PIECE.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read_entry(raw: bytes) -> HarEntry:
    """The entry in these JSON bytes.

    Raises `EntryError`: ``broken``: no valid JSON; ``incomplete``: without a start, a request, its
    URL or method.
    """
    try:
        return _TYPED.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    text = raw.decode("utf-8", "surrogateescape")
    try:
        plain = _plain(text)
    except (ValueError, RecursionError):
        # Files that people wrote have comments.
        without = _COMMENT.sub(r"\1", text)
        try:
            plain = _plain(without if without != text else "")
        except (ValueError, RecursionError):
            raise EntryError("broken") from None
    entry = _record(HarEntry, plain)
    if entry is None or entry.request is None or not entry.started:
        raise EntryError("incomplete")
    if not entry.request.url:
        raise EntryError("incomplete")
    return entry


def read_headers(raw: bytes) -> list[Header]:
    """The header fields in these JSON bytes. Raises `EntryError` (``broken``)."""
    try:
        return _HEADERS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _headers(_plain(raw.decode("utf-8", "surrogateescape")))
    except (ValueError, RecursionError):
        raise EntryError("broken") from None


def read_cookie(raw: msgspec.Raw) -> dict[str, str]:
    """What is said of a cookie, as texts; nothing if it is no object."""
    try:
        value = _plain(bytes(raw).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        value = None
    members = value.items() if isinstance(value, dict) else ()
    return {name: text for name, each in members if (text := _text(each)) is not None}


def _plain(text: str) -> Any:
    return json.loads(
        text,
        strict=False,
        parse_int=_number,
        parse_float=_number,
        parse_constant=lambda _: None,
    )


def _record[T: msgspec.Struct](kind: type[T], value: Any) -> T | None:
    """A record whose fields are converted one by one; `None` if the value is no object."""
    if not isinstance(value, dict):
        return None
    return kind(
        **{
            field.name: _convert(field, value.get(field.encode_name))
            for field in msgspec.structs.fields(kind)
            if field.required or field.encode_name in value
        }
    )


def _convert(field: msgspec.structs.FieldInfo, value: Any) -> Any:
    types = typing.get_args(field.type) or (field.type,)
    if field.encode_name == "headers":
        return _headers(value)
    if field.encode_name == "cookies":
        cookies = value if isinstance(value, list) else ()
        return [msgspec.Raw(json.dumps(each).encode()) for each in cookies]
    if msgspec.Raw in types:
        return msgspec.Raw(json.dumps(value).encode()) if isinstance(value, dict) else _NOTHING
    if field.encode_name in _FLAGS:
        return _flag(value)
    if field.encode_name == "status" and isinstance(value, str):
        status = _STATUS.match(value)  # some write "200 OK"
        return float(status[1]) if status else None
    if str in types:
        return _text(value)
    if float in types:
        return _real(value)
    return _record(types[0], value)


def _headers(value: Any) -> list[Header]:
    """The header fields; some writers use ``[name, value]`` pairs, or one object for all."""
    if isinstance(value, dict):
        value = [list(pair) for pair in value.items()]
    if not isinstance(value, list):
        return []
    headers = []
    for item in value:
        if isinstance(item, dict):
            pair = (item.get("name"), item.get("value"))
        elif isinstance(item, list) and len(item) == 2:
            pair = (item[0], item[1])
        else:
            continue
        name, text = _text(pair[0]), _text(pair[1])
        if name:
            headers.append(Header(name, text or ""))
    return headers


def _text(value: Any) -> str | None:
    """A scalar as text, else `None`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _flag(value: Any) -> str | None:
    """The content of a field that says that something is so; any value that is true does."""
    return value if isinstance(value, str) else "true" if value else None


def _real(value: Any) -> float | None:
    if isinstance(value, (str, int, float)):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
            return number if math.isfinite(number) else None
    return None


def _number(digits: str) -> int | float | None:
    """A number; `None` for one that is implausibly long."""
    if len(digits) > _MAX_DIGITS:
        return None
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)
