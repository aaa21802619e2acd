"""What a request presents: each value with its place."""

import re
import urllib.parse
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from statetrail.extract.records import Request
from statetrail.extract.text import segment_kind, target_segments
from statetrail.extract.token_candidates import DULL_FIELDS
from statetrail.suggest.places import MAX_VALUE, MIN_OPAQUE, Place

MAX_FIELDS: Final = 200
"""Fields of a query or a body that are looked at."""
MAX_DEPTH: Final = 6

_DULL: Final = DULL_FIELDS | frozenset(
    b":authority :method :path :scheme alt-used content-disposition cookie cookie2 dpr ect "
    b"downlink forwarded from last-event-id proxy-authorization proxy-connection purpose "
    b"rtt save-data sec-ch-ua-arch sec-ch-ua-bitness sec-ch-ua-full-version "
    b"sec-ch-ua-full-version-list sec-ch-ua-model sec-ch-ua-platform-version sec-purpose "
    b"service-worker soapaction true-client-ip viewport-width x-client-data x-forwarded-for "
    b"x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip".split()
)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,15}) (\S+)")
_MADE_BY_CLIENTS: Final = frozenset(("basic", "digest", "negotiate", "ntlm", "aws4-hmac-sha256"))
_BOUNDARY: Final = re.compile(rb"boundary=\"?([^\";]{1,200})", re.IGNORECASE)
_PART_NAME: Final = re.compile(rb"\bname=\"([^\"]{1,200})\"", re.IGNORECASE)


def presented(request: Request, body: bytes) -> Iterator[tuple[Place, str]]:
    """The values that a request presents, in the order of its parts."""
    media = b""
    for raw_name, raw in request.headers:
        name = raw_name.lower()
        if name == b"cookie":
            yield from cookies(raw)
        elif name == b"content-type":
            media = raw.lower()
        elif name not in _DULL and raw and len(raw) <= MAX_VALUE:
            value = raw.decode("utf-8", "surrogateescape").strip()
            scheme = _SCHEME.fullmatch(value)
            if scheme is None:
                yield Place("header", _text(name)), value
            elif scheme[1].lower() not in _MADE_BY_CLIENTS:
                yield Place("header", _text(name), scheme[1]), scheme[2]
    yield from in_path(request.target)
    query = request.target.partition(b"?")[2]
    if query:
        for key, value in fields(query):
            yield Place("query", key), value
    if body:
        yield from in_body(body, media)


def cookies(raw: bytes) -> Iterator[tuple[Place, str]]:
    """The cookies of a ``Cookie`` field."""
    for pair in raw.decode("utf-8", "surrogateescape").split(";")[:MAX_FIELDS]:
        name, equals, value = pair.partition("=")
        if equals and value:
            yield Place("cookie", name.strip()), value.strip().strip('"')


def in_path(target: bytes) -> Iterator[tuple[Place, str]]:
    """Parameters of segments (``;jsessionid=…``), and segments that are no words.

    Those are named by the segment before: ``carts/{}``.
    """
    before = ""
    path = target.partition(b"?")[0]
    for segment in target_segments(path)[:32]:
        bare, *parameters = segment.split(";")
        for parameter in parameters:
            name, equals, value = parameter.partition("=")
            if equals and value:
                yield Place("path", f";{name}"), unquoted(value)
        if len(bare) >= MIN_OPAQUE and before and segment_kind(bare) == "opaque":
            yield Place("path", f"{before}/{{}}"), unquoted(bare)
        before = bare if segment_kind(bare) == "word" else ""


def in_body(body: bytes, media: bytes) -> Iterator[tuple[Place, str]]:
    """The fields of a form, or the members of a JSON document."""
    if b"json" in media or (b"form" not in media and body[:1] in b"{["):
        for pointer, value in leaves(parsed(body)):
            yield Place("json", pointer), value
    elif b"multipart" in media:
        for name, value in _parts(body, media):
            yield Place("form", name), value
    elif b"urlencoded" in media:
        for name, value in fields(body):
            yield Place("form", name), value


def fields(raw: bytes) -> Iterator[tuple[str, str]]:
    """The fields of a query or a form, decoded."""
    for pair in raw.split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        name, _, value = pair.partition(b"=")
        if value and len(value) <= 3 * MAX_VALUE:
            yield (
                unquoted(_text(name.replace(b"+", b" "))),
                unquoted(_text(value.replace(b"+", b" "))),
            )


def parsed(body: bytes) -> Any:
    """The JSON document in a body; `None` for another one."""
    try:
        return msgspec.json.decode(body.lstrip(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def leaves(document: Any, pointer: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The texts and numbers of a JSON document by pointer; those in lists are left out."""
    if isinstance(document, str):
        if document and len(document) <= MAX_VALUE:
            yield pointer, document
    elif isinstance(document, dict):
        if depth < MAX_DEPTH:
            for name, value in list(document.items())[:MAX_FIELDS]:
                step = name.replace("~", "~0").replace("/", "~1")
                yield from leaves(value, f"{pointer}/{step}", depth + 1)
    elif isinstance(document, int) and not isinstance(document, bool):
        yield pointer, str(document)


def unquoted(text: str) -> str:
    """A text, percent-decoded."""
    return urllib.parse.unquote(text, errors="surrogateescape") if "%" in text else text


def _parts(body: bytes, media: bytes) -> Iterator[tuple[str, str]]:
    boundary = _BOUNDARY.search(media)
    if boundary is None:
        return
    # The field is compared in lower case, the boundary is not.
    delimiter = b"--" + boundary[1]
    lowered = body[: len(delimiter) + 2].lower()
    delimiter = body[: len(delimiter)] if lowered.startswith(delimiter) else delimiter
    for part in body.split(delimiter, MAX_FIELDS)[1:]:
        head, separator, value = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if separator and name is not None and b"filename" not in head and len(value) <= MAX_VALUE:
            yield _text(name[1]), _text(value.removesuffix(b"\r\n"))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
