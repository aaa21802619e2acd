"""Traces: what looks like a token anywhere in a request, so that leaks to others can be told.

Enters: a request with its header fields and query. Leaves: fingerprints with their places, few and
bounded. State that a dialect knows is recorded as presented and is no trace.

A token that one origin issued and that turns up in a request to another has leaked: in the query,
in the path, in the ``Referer`` that a browser sends along, in any other header.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from statetrail.sightings.claims import FieldLines, text, unquote
from statetrail.sightings.paths import (
    MAX_LENGTH,
    MAX_PARTS,
    MIN_LENGTH,
    decoded_value,
    is_token,
    path_values,
)
from statetrail.sightings.pseudonyms import Pseudonymiser
from statetrail.sightings.records import Place, Trace

MAX_TRACES: Final = 16
"""Traces that one exchange may leave."""
LONG_QUERY: Final = 20
"""Characters from which on a query's value may be one, whatever it looks like."""

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
    path: Collection[str],
    lines: FieldLines,
    query: Collection[tuple[bytes, bytes]],
    presents: frozenset[bytes],
    pseudonyms: Pseudonymiser,
    known: Iterable[int],
) -> tuple[Trace, ...]:
    """The traces of a request.

    Parameters
    ----------
    path
        The values in its path that may be tokens.
    lines, query
        Its header fields by name, its query's fields.
    presents
        Names of headers that a dialect knows: what they present is left out.
    known
        Fingerprints that the request presents anyway.

    Returns
    -------
    tuple
        At most `MAX_TRACES`, each value and place once, in the order of the places: query, path,
        ``Referer``, other headers.
    """
    if not query and not path and not (lines.keys() - _DULL - presents) and b"referer" not in lines:
        return ()
    seen = set(known)
    found: dict[tuple[Place, int], None] = {}
    for place, value in _values(path, lines, query, presents):
        fingerprint = pseudonyms.fingerprint(value)
        if fingerprint not in seen:
            found[place, fingerprint] = None
            if len(found) == MAX_TRACES:
                break
    return tuple([Trace(place, fingerprint) for place, fingerprint in found])


def _values(
    path: Iterable[str],
    lines: FieldLines,
    query: Iterable[tuple[bytes, bytes]],
    presents: frozenset[bytes],
) -> Iterator[tuple[Place, str]]:
    for _, raw in query:
        if MIN_LENGTH <= len(raw) <= MAX_LENGTH:
            for value in _query_values(text(unquote(raw))):
                yield "query", value
    for value in path:
        yield "path", value
    if (referers := lines.get(b"referer")) is not None:
        for value in _url_values(text(referers[0][:MAX_LENGTH])):
            yield "referer", value
    telling = lines.keys() - _DULL - presents
    if not telling:
        return
    for name, values in lines.items():
        if name in telling:
            for line in values[:MAX_PARTS]:
                if len(line) >= MIN_LENGTH:
                    for value in _header_values(text(line[:MAX_LENGTH])):
                        yield "header", value


def _header_values(line: str) -> Iterator[str]:
    """A field value's parts, with and without a name before ``=``: cookies, schemes, lists."""
    for part in _SEPARATORS.split(line, MAX_PARTS)[:MAX_PARTS]:
        name, equals, value = part.partition("=")
        if is_token(part):
            yield part
        if equals and name and is_token(value := value.strip('"')):
            yield value


def _query_values(value: str) -> Iterator[str]:
    if "://" in value[:12]:
        # The address of a page, as analytics services get it.
        yield from _url_values(value)
    elif len(value) >= LONG_QUERY or is_token(value):
        yield value


def _url_values(url: str) -> Iterator[str]:
    """The values in an address: of its query, and of its path."""
    rest = url.partition("://")[2] or url
    before, _, query = rest.partition("?")
    for field in query.partition("#")[0].split("&", MAX_PARTS)[:MAX_PARTS]:
        value = decoded_value(field.partition("=")[2].replace("+", " "))
        if len(value) >= LONG_QUERY or is_token(value):
            yield value
    yield from path_values(before)
