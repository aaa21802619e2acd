"""Traces: what looks like a token anywhere in a request, so that leaks to others can be told.

Enters: a request with its header fields and query. Leaves: fingerprints with their places, few and
bounded. State that a dialect knows is recorded as presented and is no trace.

A token that one origin issued and that turns up in a request to another has leaked: in the query,
in the path, in the ``Referer`` that a browser sends along, in any other header.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final

from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import MAX_REMEMBERED, REMEMBERED, Fingerprinter
from statetrail.extract.path import (
    MAX_LENGTH,
    MAX_PARTS,
    MIN_LENGTH,
    decoded_value,
    is_token,
    path_values,
)
from statetrail.extract.records import (
    MAX_TOKEN_CANDIDATES,
    MAX_VALUES,
    CandidatePlace,
    TokenCandidate,
)
from statetrail.extract.wire_values import FieldLines, text, unquote

LONG_QUERY: Final = 20
"""Characters from which on a query's value may be one, whatever it looks like."""

_SEPARATORS: Final = re.compile(r"[;,\s]+")
# Fields that say what the client is and takes, or that frame the message: no place for tokens.
DULL: Final = frozenset(
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


def token_candidates(
    query: Iterable[int],
    path: Iterable[int],
    headers: Iterable[tuple[CandidatePlace, int]],
    known: Collection[int],
) -> tuple[TokenCandidate, ...]:
    """The traces of a request.

    Parameters
    ----------
    query, path
        Fingerprints of the values in its query and its path that may be tokens.
    heads
        Those in its header fields, with their places (`header_candidates`).
    known
        Fingerprints that the request presents anyway.

    Returns
    -------
    tuple
        At most `MAX_TOKEN_CANDIDATES`, each value and place once, in the order of the places:
        query, path, ``Referer``, other headers.
    """
    found: dict[tuple[CandidatePlace, int], None] = {}
    for print_ in query:
        if print_ not in known:
            found["query", print_] = None
    for print_ in path:
        if print_ not in known:
            found["path", print_] = None
    for each in headers:
        if each[1] not in known:
            found[each] = None
    if not found:
        return ()
    return tuple([TokenCandidate(*each) for each in islice(found, MAX_TOKEN_CANDIDATES)])


def header_candidates(
    lines: FieldLines, presents: frozenset[bytes], fingerprinter: Fingerprinter
) -> Iterator[tuple[CandidatePlace, int]]:
    """Fingerprints of what may be a token in a request's header fields, each place once.

    `presents` are the names of headers that a dialect knows: what they present is left out.
    """
    seen: set[tuple[CandidatePlace, int]] = set()
    for place, value in _values(lines, presents):
        each = place, fingerprinter.fingerprint(value)
        if each not in seen:
            seen.add(each)
            yield each


class QueryPrints:
    """Fingerprints of what may be a token in a query's value, remembered."""

    __slots__ = ("_fingerprinter", "_known")

    def __init__(self, fingerprinter: Fingerprinter) -> None:
        self._fingerprinter = fingerprinter
        self._known: BoundedCache[bytes, tuple[int, ...]] = BoundedCache(REMEMBERED)

    def __call__(self, raw: bytes) -> tuple[int, ...]:
        if (known := self._known.get(raw)) is not None:
            return known
        values = islice(_query_values(text(unquote(raw))), MAX_TOKEN_CANDIDATES + MAX_VALUES)
        candidates = tuple([self._fingerprinter.fingerprint(value) for value in values])
        return self._known.keep(raw, candidates) if len(raw) <= MAX_REMEMBERED else candidates


def _values(lines: FieldLines, presents: frozenset[bytes]) -> Iterator[tuple[CandidatePlace, str]]:
    if (referers := lines.get(b"referer")) is not None:
        for value in _url_values(text(referers[0][:MAX_LENGTH])):
            yield "referer", value
    telling = lines.keys() - DULL - presents
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
