"""What a response issues, of the values that clients present.

Enters: a whole exchange and the hashes that are wanted. Leaves: each such value's hash with its
place. Text is searched by its runs of token characters, so that a page costs one look-up a run.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from statetrail.dialects.grammar import PRIORITIES, USAGES
from statetrail.dialects.xml_root import RootError, root_attributes
from statetrail.extract.records import Response
from statetrail.suggest.in_text import places_at
from statetrail.suggest.places import MAX_VALUE, MIN_OPAQUE, Place
from statetrail.suggest.presented import fields, in_path, leaves, parsed, unquoted
from statetrail.suggest.uses import RUN

MAX_OCCURRENCES: Final = 8
"""Occurrences of one run of characters in a text that are looked at."""
PERCENT: Final = "percent"
"""Scheme of a place whose values are percent-encoded."""
TAIL: Final = "value;usage/priority"
"""Scheme of a place whose values have a usage and a priority."""

_DULL: Final = frozenset(
    b"accept-ch accept-ranges access-control-allow-headers access-control-allow-methods "
    b"access-control-allow-origin access-control-expose-headers access-control-max-age age allow "
    b"alt-svc cache-control connection content-disposition content-encoding content-language "
    b"content-length content-location content-security-policy "
    b"content-security-policy-report-only content-type cross-origin-opener-policy date etag "
    b"expires keep-alive last-modified link nel p3p permissions-policy pragma "
    b"referrer-policy report-to retry-after server server-timing strict-transport-security "
    b"timing-allow-origin transfer-encoding trailer upgrade vary via www-authenticate "
    b"x-content-type-options x-frame-options x-powered-by x-ua-compatible x-xss-protection".split()
)
_TAIL: Final = re.compile(
    rf"(.*);\s*(?:{'|'.join(USAGES)})\s*/\s*(?:{'|'.join(PRIORITIES)})\s*", re.I
)
_SCHEME: Final = re.compile(r"([A-Z][A-Za-z0-9-]{1,15}) (\S{8,})")
_ELEMENT: Final = re.compile(
    r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]{0,100})[^<>]*>\s*([^<>\s]{8,4096})\s*</"
)
_DOCUMENT: Final = (b"<?xml", b"\xef\xbb\xbf<?xml")
_FIRST_LOOK: Final = 2048

type Found = Iterator[tuple[Place, int]]


def issued(
    response: Response, body: bytes, opaque: Collection[int], plain: Collection[int], runs: set[int]
) -> Found:
    """The wanted values that a response issues; short ones (`plain`) in header fields alone."""
    media = b""
    for raw_name, raw in response.headers:
        name = raw_name.lower()
        if name == b"set-cookie":
            yield from _cookie(raw, opaque)
        elif name == b"location":
            yield from _location(raw, opaque)
        elif name == b"content-type":
            media = raw.lower()
        elif name not in _DULL and raw and len(raw) <= MAX_VALUE:
            yield from _header(name.decode("latin-1"), raw, opaque, plain)
    if body:
        yield from _in_body(body, media, opaque, runs)


def _header(name: str, raw: bytes, opaque: Collection[int], plain: Collection[int]) -> Found:
    value = raw.decode("utf-8", "surrogateescape").strip()
    if (tail := _TAIL.fullmatch(value)) is not None:
        if (hashed := hash(tail[1].strip())) in opaque or hashed in plain:
            yield Place("header", name, TAIL), hashed
    elif (hashed := hash(value)) in opaque or hashed in plain:
        yield Place("header", name), hashed
    elif (scheme := _SCHEME.fullmatch(value)) is not None and hash(scheme[2]) in opaque:
        yield Place("header", name, scheme[1]), hash(scheme[2])


def _cookie(raw: bytes, opaque: Collection[int]) -> Found:
    pair = raw.partition(b";")[0].decode("utf-8", "surrogateescape")
    name, equals, value = pair.partition("=")
    value = value.strip().strip('"')
    if not equals or len(value) < MIN_OPAQUE:
        return
    if (hashed := hash(value)) in opaque:
        yield Place("cookie", name.strip()), hashed
    if "%" in value and (hashed := hash(unquoted(value))) in opaque:
        yield Place("cookie", name.strip(), PERCENT), hashed


def _location(raw: bytes, opaque: Collection[int]) -> Found:
    address = raw[: 2 * MAX_VALUE]
    for name, value in fields(address.partition(b"?")[2].partition(b"#")[0]):
        if (hashed := hash(value)) in opaque:
            yield Place("location", name), hashed
    for place, value in in_path(address):
        if place.name.startswith(";") and (hashed := hash(value)) in opaque:
            yield Place("location", place.name), hashed


def _in_body(body: bytes, media: bytes, opaque: Collection[int], runs: set[int]) -> Found:
    head = body[:5].lstrip()
    if b"json" in media or (head[:1] in (b"{", b"[", b'"') and b"html" not in media):
        for pointer, value in leaves(parsed(body)):
            if (hashed := hash(value)) in opaque:
                yield Place("json", pointer), hashed
        return
    if not (b"html" in media or b"xml" in media or media.startswith(b"text/") or not media):
        return
    text = body.decode("utf-8", "replace")
    hits = {run for run in set(RUN.findall(text)) if hash(run) in runs}
    if not hits:
        return
    if (b"xml" in media and b"xhtml" not in media) or body.startswith(_DOCUMENT):
        yield from _in_xml(body, text, opaque)
    if b"html" in media or b"xml" not in media:
        yield from _in_text(text, hits, opaque)


def _in_xml(body: bytes, text: str, opaque: Collection[int]) -> Found:
    try:
        attributes = root_attributes(body[:_FIRST_LOOK])
    except RootError:
        attributes = {}
    for name, value in attributes.items():
        if (hashed := hash(value)) in opaque:
            yield Place("xml", f"@{name}"), hashed
    for match in _ELEMENT.finditer(text):
        if (hashed := hash(match[2])) in opaque:
            yield Place("xml", match[1]), hashed


def _in_text(text: str, hits: set[str], opaque: Collection[int]) -> Found:
    for run in hits:
        at = text.find(run)
        for _ in range(MAX_OCCURRENCES):
            if at < 0:
                break
            for place, value in places_at(text, at):
                if (hashed := hash(value)) in opaque:
                    yield place, hashed
            at = text.find(run, at + len(run))
