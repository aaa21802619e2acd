"""What the header fields of a message say, cached, since clients and servers repeat theirs.

Enters: header fields as on the wire. Leaves: `RequestHeaders` or `ResponseHeaders`: the values that
dialects find in them, and the texts that are kept of them where no secret is near. Fields
that say nothing of state or of the client (dates, lengths, validators) do not tell heads apart.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec

from statetrail.extract.bodies import content_codings
from statetrail.extract.cache import BoundedCache
from statetrail.extract.compiled import CompiledDialect
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.masking import Secrets, writings
from statetrail.extract.records import MAX_TOKEN_CANDIDATES, MAX_VALUES, CandidatePlace, Fields
from statetrail.extract.text import clean
from statetrail.extract.token_candidates import DULL, header_candidates
from statetrail.extract.wire_values import (
    FieldLines,
    IssuedValue,
    PresentedValue,
    combined,
    field_lines,
    header_issues,
    presented_values,
)

MAX_USER_AGENT: Final = 256
REMEMBERED: Final = 2048
"""Heads of either kind that are remembered."""
MAX_REMEMBERED: Final = 2048
"""Bytes of a head that is remembered."""
MAX_NAMES: Final = 4096
MAX_NAME: Final = 64

# What a response's head is read for besides issues.
_READ: Final = frozenset(
    b"content-encoding content-type cache-control age access-control-expose-headers".split()
)
_CHARSET: Final = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]{0,15}://[A-Za-z0-9._:\[\]-]{1,255}")
_FIELD_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_DIRECTIVE: Final = re.compile(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
    r"|(?:no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|private|public|immutable"
    r"|must-understand)"
)
_SECONDS: Final = re.compile(r"[0-9]{1,10}")


class RequestTexts(msgspec.Struct, frozen=True, gc=False):
    """What may be kept of a request's head."""

    agent: str | None
    origin: str | None
    client: str | None


class RequestHeaders(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a request's head says; compared by identity.

    Attributes
    ----------
    presented
        The values that it presents, by plan.
    traces
        What may be a token in it; a few more than are kept, since presented ones are none.
    agent, origin, client
        ``User-Agent``, ``Origin`` and the header that tells clients apart.
    texts
        What may be kept of these where no secret is near.
    writings
        All of them, as secrets are looked for in them.
    """

    presented: tuple[tuple[PresentedValue, ...], ...]
    token_candidates: tuple[tuple[CandidatePlace, int], ...]
    agent: str | None
    origin: str | None
    client: str | None
    texts: RequestTexts
    writings: str


class ResponseTexts(msgspec.Struct, frozen=True, gc=False):
    """What may be kept of a response's head."""

    cache_control: str | None = None
    age_s: int | None = None
    exposed: str | None = None


class ResponseHeaders(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a response's head says; compared by identity.

    Attributes
    ----------
    issued
        The values that it issues, by plan.
    codings, charset
        How the body is written.
    cache_control, age, exposed
        ``Cache-Control``, ``Age`` and ``Access-Control-Expose-Headers``.
    texts
        What may be kept of these where no secret is near.
    writings, words
        All of them, as secrets are looked for in them: within, and as a whole.
    """

    issued: tuple[tuple[IssuedValue, ...], ...]
    codings: tuple[str, ...] = ()
    charset: str | None = None
    cache_control: str | None = None
    age: str | None = None
    exposed: str | None = None
    texts: ResponseTexts = ResponseTexts()
    writings: str = ""
    words: frozenset[str] = frozenset()


class _Dull(BoundedCache[bytes, bool]):
    """Names of fields, as they were written, by whether they say nothing."""

    __slots__ = ("_is_dull",)

    def __init__(self, is_dull: Callable[[bytes], bool]) -> None:
        super().__init__(MAX_NAMES)
        self._is_dull = is_dull

    def __missing__(self, name: bytes) -> bool:
        dull = self._is_dull(name.lower())
        return self.keep(name, dull) if len(name) <= MAX_NAME else dull


class HeaderReader:
    """The heads that were seen last.

    Parameters
    ----------
    plans
        What is looked for in them.
    pseudonyms
        Names the traces.
    client_header
        Lower-case name of the header that tells clients apart.
    hides_client
        Whether it carries a credential.
    """

    __slots__ = (
        "_client_header",
        "_dialects",
        "_dull_in_requests",
        "_dull_in_responses",
        "_fingerprinter",
        "_hides_client",
        "_nothing",
        "_presents",
        "_reads",
        "_requests",
        "_responses",
    )  # fmt: skip

    def __init__(
        self,
        compiled_dialects: tuple[CompiledDialect, ...],
        fingerprinter: Fingerprinter,
        client_header: str | None,
        *,
        hides_client: bool,
    ) -> None:
        self._dialects = compiled_dialects
        self._fingerprinter = fingerprinter
        self._client_header = client_header.encode() if client_header is not None else None
        self._hides_client = hides_client
        self._presents = frozenset(
            name for compiled in compiled_dialects for name in compiled.headers
        )
        self._reads = self._presents | {b"user-agent", b"origin", b"referer", self._client_header}
        self._requests: BoundedCache[Fields, RequestHeaders] = BoundedCache(REMEMBERED)
        self._responses: BoundedCache[Fields, ResponseHeaders] = BoundedCache(REMEMBERED)
        self._dull_in_requests = _Dull(self._is_dull_in_requests)
        self._dull_in_responses = _Dull(self._is_dull_in_responses)
        self._nothing = ResponseHeaders(tuple(() for _ in compiled_dialects))

    def request_headers(self, fields: Fields) -> RequestHeaders:
        """What a request's head says."""
        telling = _telling(fields, self._dull_in_requests)
        if (known := self._requests.get(telling)) is not None:
            return known
        request_headers = self._read_request(telling)
        return (
            self._requests.keep(telling, request_headers) if _is_small(telling) else request_headers
        )

    def response_headers(self, fields: Fields | None) -> ResponseHeaders:
        """What a response's head says; nothing, of no response."""
        if fields is None:
            return self._nothing
        telling = _telling(fields, self._dull_in_responses)
        if (known := self._responses.get(telling)) is not None:
            return known
        response_headers = self._read_response(telling)
        return (
            self._responses.keep(telling, response_headers)
            if _is_small(telling)
            else response_headers
        )

    def request_texts(self, request_headers: RequestHeaders, secrets: Secrets) -> RequestTexts:
        """What may be kept of a request's head, without the secrets of its exchange."""
        agent, origin, client = (
            request_headers.agent,
            request_headers.origin,
            request_headers.client,
        )
        if client is not None:
            client = (
                self._fingerprinter.pseudonym(client)
                if self._hides_client
                else clean(secrets.hide(client), 128)
            )
        if origin is not None:
            origin = secrets.hide(origin) if _ORIGIN.fullmatch(origin) else "(malformed)"
        return RequestTexts(
            None if agent is None else clean(secrets.hide(agent), MAX_USER_AGENT), origin, client
        )

    def _is_dull_in_requests(self, name: bytes) -> bool:
        return name in DULL and name not in self._reads

    def _is_dull_in_responses(self, name: bytes) -> bool:
        return name not in _READ and not any(name.startswith(p.prefixes) for p in self._dialects)

    def _read_request(self, fields: Fields) -> RequestHeaders:
        lines = field_lines(fields)
        agent, origin = combined(lines, b"user-agent"), combined(lines, b"origin")
        client = combined(lines, self._client_header) if self._client_header is not None else None
        heard = RequestHeaders(
            presented=tuple(
                tuple(presented_values(lines, (), compiled)) for compiled in self._dialects
            ),
            token_candidates=tuple(
                islice(
                    header_candidates(lines, self._presents, self._fingerprinter),
                    # Those that the request presents fall out later, of both places.
                    MAX_TOKEN_CANDIDATES + 2 * MAX_VALUES,
                )
            ),
            agent=agent,
            origin=origin,
            client=client,
            texts=RequestTexts(None, None, None),
            writings=_all_writings(agent, origin, client),
        )
        return msgspec.structs.replace(
            heard, texts=self.request_texts(heard, Secrets(self._fingerprinter))
        )

    def _read_response(self, fields: Fields) -> ResponseHeaders:
        lines = field_lines(fields)
        codings, charset = body_coding(lines)
        cache_control = combined(lines, b"cache-control")
        age, exposed = (
            combined(lines, b"age"),
            combined(lines, b"access-control-expose-headers"),
        )
        directives = _directives(cache_control)
        heard = ResponseHeaders(
            issued=tuple(tuple(header_issues(lines, compiled)) for compiled in self._dialects),
            codings=codings,
            charset=charset,
            cache_control=cache_control,
            age=age,
            exposed=exposed,
            writings=_all_writings(*directives, age, exposed),
            words=frozenset(text.casefold() for text in (*directives, (age or "").strip())),
        )
        return msgspec.structs.replace(
            heard, texts=response_texts(heard, Secrets(self._fingerprinter))
        )


def body_coding(lines: FieldLines) -> tuple[tuple[str, ...], str | None]:
    """The content codings of a body, and what the head says of its encoding."""
    charset = _CHARSET.search(combined(lines, b"content-type") or "")
    codings = content_codings(combined(lines, b"content-encoding") or "")
    return codings, charset[1] if charset else None


def response_texts(response_headers: ResponseHeaders, secrets: Secrets) -> ResponseTexts:
    """What may be kept of a response's head, without the secrets of its exchange."""
    directives = _directives(response_headers.cache_control)
    age = (response_headers.age or "").strip()
    exposed = response_headers.exposed
    if exposed is not None:
        names = (part.strip().lower() for part in exposed.split(","))
        exposed = clean(secrets.hide(",".join(n for n in names if _FIELD_NAME.fullmatch(n))), 1024)
    return ResponseTexts(
        ",".join(part for part in directives if not secrets.hold(part)) or None,
        int(age) if _SECONDS.fullmatch(age) and not secrets.hold(age) else None,
        exposed,
    )


def _directives(field: str | None) -> list[str]:
    """The known directives of a ``Cache-Control`` field, each once."""
    parts = (part.strip().lower() for part in (field or "").split(","))
    return list(dict.fromkeys(part for part in parts if _DIRECTIVE.fullmatch(part)))


def _telling(fields: Fields, dull: _Dull) -> Fields:
    """The fields that count."""
    return tuple([field for field in fields if not dull[field[0]]])


def _is_small(fields: Fields) -> bool:
    return sum([len(name) + len(value) for name, value in fields]) <= MAX_REMEMBERED


def _all_writings(*texts: str | None) -> str:
    return "\0".join([writing for text in texts if text for writing in writings(text)])
