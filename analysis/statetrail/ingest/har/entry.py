"""One HAR entry as a typed record, however its writer wrote it.

Enters: the JSON bytes of one entry. Leaves: an `Entry`, or `EntryError` with a reason from a closed
list. A sound entry is decoded in one typed step that skips what is not looked at. Anything else
(lone surrogates, broken UTF-8, numbers beyond every machine's, strings where numbers belong) goes
the long way: plain objects first, then field by field.
"""

import contextlib
import json
import math
from typing import Any, Final

import msgspec

_MAX_DIGITS: Final = 40


class EntryError(ValueError):
    """An entry is no HTTP exchange or cannot be read; the message is a reason to count by."""


class Header(msgspec.Struct, gc=False):
    """A header field as HAR writes it."""

    name: str
    value: str


class HarRequest(msgspec.Struct, rename="camel"):
    """What is looked at of an entry's request."""

    method: str
    url: str
    http_version: str | None = None
    headers: list[Header] = []
    body_size: float | None = None


class Content(msgspec.Struct):
    """What is looked at of a response's content: decoded text, or base64 of decoded bytes."""

    size: float | None = None
    text: str | None = None
    encoding: str | None = None


class HarResponse(msgspec.Struct, rename="camel"):
    """What is looked at of an entry's response."""

    status: float | None = None
    headers: list[Header] = []
    content: Content | None = None
    body_size: float | None = None
    error: str | None = msgspec.field(default=None, name="_error")


class Timings(msgspec.Struct):
    """Milliseconds; a negative one does not apply."""

    blocked: float | None = None
    dns: float | None = None
    connect: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None


class Entry(msgspec.Struct):
    """What is looked at of an entry; the last fields are extensions of single writers."""

    started: str = msgspec.field(name="startedDateTime")
    request: HarRequest
    time: float | None = None
    response: HarResponse | None = None
    timings: Timings | None = None
    error: str | None = msgspec.field(default=None, name="_error")
    from_cache: str | None = msgspec.field(default=None, name="_fromCache")
    client_1: str | None = msgspec.field(default=None, name="_clientAddress")
    client_2: str | None = msgspec.field(default=None, name="_clientIPAddress")
    client_3: str | None = msgspec.field(default=None, name="clientIPAddress")
    client_4: str | None = msgspec.field(default=None, name="_client_address")

    @property
    def client(self) -> str | None:
        """The client's address, where a writer adds one."""
        return self.client_1 or self.client_2 or self.client_3 or self.client_4


_CLIENT: Final = {
    field.name: field.encode_name
    for field in msgspec.structs.fields(Entry)
    if field.name.startswith("client_")
}
_TYPED: Final = msgspec.json.Decoder(Entry)


def read_entry(raw: bytes) -> Entry:
    """The entry in these JSON bytes.

    Raises
    ------
    EntryError
        ``broken``: no sound JSON; ``incomplete``: without a start, a request, its URL or method.
    """
    try:
        return _TYPED.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        plain = json.loads(
            raw.decode("utf-8", "surrogateescape"),
            strict=False,
            parse_int=_number,
            parse_float=_number,
            parse_constant=lambda _: None,
        )
    except (ValueError, RecursionError):
        raise EntryError("broken") from None
    entry = _object(plain)
    request = _object(entry.get("request"))
    started, method, url = (
        _text(entry.get("startedDateTime")),
        _text(request.get("method")),
        _text(request.get("url")),
    )
    if not started or not method or not url:
        raise EntryError("incomplete")
    return Entry(
        started=started,
        request=HarRequest(
            method=method,
            url=url,
            http_version=_text(request.get("httpVersion")),
            headers=_headers(request.get("headers")),
            body_size=_real(request.get("bodySize")),
        ),
        time=_real(entry.get("time")),
        response=_response(entry.get("response")),
        timings=_timings(entry.get("timings")),
        error=_fault(entry.get("_error")),
        from_cache=_fault(entry.get("_fromCache")),
        **{name: _text(entry.get(written)) for name, written in _CLIENT.items()},
    )


def _response(value: Any) -> HarResponse | None:
    if not isinstance(value, dict):
        return None
    content = _object(value.get("content"))
    return HarResponse(
        status=_real(value.get("status")),
        headers=_headers(value.get("headers")),
        content=Content(
            size=_real(content.get("size")),
            text=_text(content.get("text")),
            encoding=_text(content.get("encoding")),
        ),
        body_size=_real(value.get("bodySize")),
        error=_fault(value.get("_error")),
    )


def _timings(value: Any) -> Timings | None:
    if not isinstance(value, dict):
        return None
    return Timings(**{name: _real(value.get(name)) for name in Timings.__struct_fields__})


def _headers(value: Any) -> list[Header]:
    """The header fields; some writers have ``[name, value]`` pairs, or one object for all."""
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


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """A scalar as text; nothing for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _fault(value: Any) -> str | None:
    """What stands in an error field: anything but nothing says that there was one."""
    return value if isinstance(value, str) else "error" if value else None


def _real(value: Any) -> float | None:
    if isinstance(value, (str, int, float)):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
            return number if math.isfinite(number) else None
    return None


def _number(digits: str) -> int | float | None:
    """A number; one that no writer means is none."""
    if len(digits) > _MAX_DIGITS:
        return None
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)
