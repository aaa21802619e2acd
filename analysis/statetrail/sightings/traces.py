"""Traces: what looks like a token anywhere in a request, so that leaks to others can be told.

Enters: a request with its header fields and query. Leaves: fingerprints with their places, few and
bounded. State that a dialect knows is recorded as presented and is no trace.

A token that one origin issued and that turns up in a request to another has leaked: in the query,
in the path, in the ``Referer`` that a browser sends along, in any other header.
"""

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Final

from statetrail.sightings.claims import FieldLines, text, unquote
from statetrail.sightings.plan import Plan
from statetrail.sightings.pseudonyms import Pseudonymiser
from statetrail.sightings.records import Place, Trace
from statetrail.sightings.text import segment_kind

MAX_TRACES: Final = 16
"""Traces that one exchange may leave."""
MIN_LENGTH: Final = 10
"""Characters from which on a text may be a token."""
LONG_QUERY: Final = 20
"""Characters from which on a query's value may be one, whatever it looks like."""

_MAX_LENGTH: Final = 4096
_MAX_PARTS: Final = 64
_SEPARATORS: Final = re.compile(r"[;,\s]+")
# Fields that say what the client is and takes, or that frame the message: no place for tokens.
_DULL: Final = frozenset(
    (
        b"accept accept-charset accept-encoding accept-language access-control-request-headers "
        b"access-control-request-method cache-control connection content-encoding content-language "
        b"content-length content-md5 content-type date dnt expect host if-match if-modified-since "
        b"if-none-match if-range if-unmodified-since keep-alive max-forwards origin pragma "
        b"priority range referer sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest "
        b"sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc sec-websocket-extensions "
        b"sec-websocket-key sec-websocket-version te trailer transfer-encoding upgrade "
        b"upgrade-insecure-requests user-agent via x-requested-with"
    ).split()
)


def traces(
    target: bytes,
    lines: FieldLines,
    query: Iterable[tuple[bytes, bytes]],
    plans: Iterable[Plan],
    pseudonyms: Pseudonymiser,
    known: Iterable[int],
) -> tuple[Trace, ...]:
    """The traces of a request.

    Parameters
    ----------
    target, lines, query
        The request target, its header fields by name, its query's fields.
    plans
        The dialects' tables: what they know is left out.
    known
        Fingerprints that the request presents anyway.

    Returns
    -------
    tuple
        At most `MAX_TRACES`, each value and place once, in the order of the places: query, path,
        ``Referer``, other headers.
    """
    seen = set(known)
    found: dict[tuple[Place, int], None] = {}
    for place, value in _values(target, lines, query, tuple(plans)):
        fingerprint = pseudonyms.fingerprint(value)
        if fingerprint not in seen:
            found[place, fingerprint] = None
            if len(found) == MAX_TRACES:
                break
    return tuple(Trace(place, fingerprint) for place, fingerprint in found)


def _values(
    target: bytes,
    lines: FieldLines,
    query: Iterable[tuple[bytes, bytes]],
    plans: tuple[Plan, ...],
) -> Iterator[tuple[Place, str]]:
    for _, raw in query:
        if MIN_LENGTH <= len(raw) <= _MAX_LENGTH:
            for value in _query_values(text(unquote(raw))):
                yield "query", value
    for value in _path_values(text(target[:_MAX_LENGTH])):
        yield "path", value
    for referer in lines.get(b"referer", ())[:1]:
        for value in _url_values(text(referer[:_MAX_LENGTH])):
            yield "referer", value
    for name, values in lines.items():
        if name not in _DULL and not any(name in plan.headers for plan in plans):
            for line in values[:_MAX_PARTS]:
                if len(line) >= MIN_LENGTH:
                    for value in _header_values(text(line[:_MAX_LENGTH])):
                        yield "header", value


def _header_values(line: str) -> Iterator[str]:
    """A field value's parts, with and without a name before ``=``: cookies, schemes, lists."""
    for part in _SEPARATORS.split(line, _MAX_PARTS)[:_MAX_PARTS]:
        name, equals, value = part.partition("=")
        if _is_token(part):
            yield part
        if equals and name and _is_token(value := value.strip('"')):
            yield value


def _query_values(value: str) -> Iterator[str]:
    if "://" in value[:12]:
        # The address of a page, as analytics services get it.
        yield from _url_values(value)
    elif len(value) >= LONG_QUERY or _is_token(value):
        yield value


def _url_values(url: str) -> Iterator[str]:
    """The values in an address: of its query, and of its path."""
    rest = url.partition("://")[2] or url
    before, _, query = rest.partition("?")
    for field in query.partition("#")[0].split("&", _MAX_PARTS)[:_MAX_PARTS]:
        value = _decoded(field.partition("=")[2].replace("+", " "))
        if len(value) >= LONG_QUERY or _is_token(value):
            yield value
    yield from _path_values(before)


def _path_values(path: str) -> Iterator[str]:
    for segment in path.partition("?")[0].split("/", _MAX_PARTS)[1:_MAX_PARTS]:
        # Matrix parameters carry session ids as a rule.
        for part in segment.split(";", _MAX_PARTS):
            value = _decoded(part)
            if _is_token(value):
                yield value
            name, equals, value = value.partition("=")
            if equals and name and _is_token(value):
                yield value


def _is_token(value: str) -> bool:
    return MIN_LENGTH <= len(value) <= _MAX_LENGTH and segment_kind(value) == "opaque"


def _decoded(value: str) -> str:
    return urllib.parse.unquote(value, errors="surrogateescape") if "%" in value else value
