"""Token candidates: what looks like a token anywhere in a request, so that leaks can be found.

Enters: a request's path, query and header fields. Leaves: fingerprints with their places, few and
bounded. State that a dialect knows is recorded as presented and is no candidate.

A token that one origin issued and that turns up in a request to another has leaked: in the query,
in the path, in the ``Referer`` that a browser sends along, in any other header.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final, Literal

import msgspec

from statetrail.dialects.wire import FieldLines, text, unquote
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import MAX_TOKEN_CANDIDATES
from statetrail.extract.text import MAX_TOKEN, MIN_TOKEN, is_token, unquoted

LONG_QUERY: Final = 20
"""Characters from which on a query's value may be a token, whatever it looks like."""
MAX_PARTS: Final = 64

_SEPARATORS: Final = re.compile(r"[;,\s]+")
# Fields that say what the client is and takes, or that frame the message: no place for tokens.
DULL_FIELDS: Final = frozenset(
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


type CandidatePlace = Literal["query", "path", "referer", "header"]
type Candidate = tuple[CandidatePlace, int]
"""A place of a request, and the fingerprint of what may be a token there."""


class TokenCandidate(msgspec.Struct, frozen=True, gc=False):
    """What looks like a token in a request: table `token_candidates` from its third column on."""

    place: CandidatePlace
    fingerprint: int


def token_candidates(
    query: Iterable[int],
    path: Iterable[int],
    headers: Iterable[Candidate],
    presented: Collection[int],
) -> tuple[TokenCandidate, ...]:
    """The token candidates of a request, of what may be tokens in its parts, by fingerprint.

    Those `presented` anyway are left out. At most `MAX_TOKEN_CANDIDATES`, each value and place
    once, in the order of the places: query, path, ``Referer``, other headers.
    """
    candidates: dict[Candidate, None] = {}
    for fingerprint in query:
        if fingerprint not in presented:
            candidates["query", fingerprint] = None
    for fingerprint in path:
        if fingerprint not in presented:
            candidates["path", fingerprint] = None
    for each in headers:
        if each[1] not in presented:
            candidates[each] = None
    if not candidates:
        return ()
    return tuple([TokenCandidate(*each) for each in islice(candidates, MAX_TOKEN_CANDIDATES)])


def header_candidates(
    lines: FieldLines, own_fields: frozenset[bytes], fingerprinter: Fingerprinter
) -> Iterator[Candidate]:
    """Fingerprints of what may be a token in a request's header fields, each place once.

    `own_fields` are the names of header fields that hold a dialect's state alone.
    """
    candidates: set[Candidate] = set()
    for place, value in _header_values(lines, own_fields):
        each = place, fingerprinter.fingerprint(value)
        if each not in candidates:
            candidates.add(each)
            yield each


def query_values(fields: Iterable[tuple[bytes, bytes]]) -> Iterator[str]:
    """What may be a token in a query; of the fields, the values are percent-encoded."""
    for _, raw in fields:
        if MIN_TOKEN <= len(raw) <= MAX_TOKEN:
            value = text(unquote(raw))
            if "://" in value[:12]:
                # The address of a page, as analytics services get it.
                yield from _url_values(value)
            elif len(value) >= LONG_QUERY or is_token(value):
                yield value


def path_values(path: str) -> Iterator[str]:
    """What may be a token in a path."""
    for segment in path.partition("?")[0].split("/", MAX_PARTS)[1:MAX_PARTS]:
        # Matrix parameters carry session ids as a rule.
        for part in segment.split(";", MAX_PARTS):
            value = unquoted(part)
            if is_token(value):
                yield value
            name, equals, value = value.partition("=")
            if equals and name and is_token(value):
                yield value


def _header_values(
    lines: FieldLines, own_fields: frozenset[bytes]
) -> Iterator[tuple[CandidatePlace, str]]:
    if (referers := lines.get(b"referer")) is not None:
        for value in _url_values(text(referers[0][:MAX_TOKEN])):
            yield "referer", value
    for name, values in lines.items():
        if name in DULL_FIELDS or name in own_fields:
            continue
        for line in values[:MAX_PARTS]:
            if len(line) >= MIN_TOKEN:
                for value in _line_values(text(line[:MAX_TOKEN])):
                    yield "header", value


def _line_values(line: str) -> Iterator[str]:
    """A field value's parts, with and without a name before ``=``: cookies, schemes, lists."""
    for part in _SEPARATORS.split(line, MAX_PARTS)[:MAX_PARTS]:
        name, equals, value = part.partition("=")
        if is_token(part):
            yield part
        if equals and name and is_token(value := value.strip('"')):
            yield value


def _url_values(url: str) -> Iterator[str]:
    """The values in an address: of its query, and of its path."""
    rest = url.partition("://")[2] or url
    before, _, query = rest.partition("?")
    for field in query.partition("#")[0].split("&", MAX_PARTS)[:MAX_PARTS]:
        value = unquoted(field.partition("=")[2].replace("+", " "))
        if len(value) >= LONG_QUERY or is_token(value):
            yield value
    yield from path_values(before)
