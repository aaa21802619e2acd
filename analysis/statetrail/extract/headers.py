"""What the header fields of a message say, cached, since clients and servers repeat theirs.

Enters: header fields as on the wire. Leaves: `RequestHeaders` or `ResponseHeaders`: the values that
dialects find in them, and the texts that are kept of them where no secret is near. Fields that say
nothing of state or of the client (dates, lengths, validators) are left out first.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec
from msgspec.structs import astuple

from statetrail.dialects.caches import CACHE_FIELDS, age_of
from statetrail.dialects.wire import COOKIE, SET_COOKIE, FieldLines
from statetrail.extract.bodies import content_codings
from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.masking import Secrets, writings
from statetrail.extract.records import MAX_TOKEN_CANDIDATES, MAX_VALUES, Fields
from statetrail.extract.text import clean, mask_agent, mask_free_text, mask_host, mask_word
from statetrail.extract.token_candidates import DULL_FIELDS, Candidate, header_candidates
from statetrail.extract.wire_values import (
    CompiledDialect,
    IssuedValue,
    PresentedValue,
    combined,
    field_lines,
    issued_in_fields,
    presented_in_fields,
)

MAX_USER_AGENT: Final = 256
CACHED: Final = 2048
"""Header sections of either kind that are cached."""
MAX_CACHED: Final = 2048
"""Bytes of a header section that is cached."""
MAX_NAME: Final = 64
"""Bytes of a field name that is cached."""
MAX_CANDIDATES: Final = MAX_TOKEN_CANDIDATES + 2 * MAX_VALUES
"""Token candidates of a header section: those that the request presents fall out later."""
# Response header fields that are read besides those that issue state.
_READ: Final = CACHE_FIELDS.union(
    b"content-encoding content-type cache-control location access-control-expose-headers".split()
)
_CHARSET: Final = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]{0,15}://[A-Za-z0-9._:\[\]-]{1,255}")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")
_FIELD_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_DIRECTIVE: Final = re.compile(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
    r"|(?:no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|private|public|immutable"
    r"|must-understand)"
)
_FETCH: Final = (
    b"sec-fetch-dest", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-storage-access",
)  # fmt: skip
# The other words of Fetch Metadata and of the Storage Access API.
_SITES: Final = frozenset(("cross-site", "same-origin", "same-site", "none"))
_MODES: Final = frozenset(("cors", "navigate", "no-cors", "same-origin", "websocket"))
_ACCESS: Final = frozenset(("active", "inactive", "none"))
# The destinations of the Fetch Standard (Fetch Metadata Request Headers, section 2.1).
_DESTS: Final = frozenset(
    "audio audioworklet document embed empty fencedframe font frame iframe image json manifest "  # noqa: SIM905
    "object paintworklet report script serviceworker sharedworker style text track video "
    "webidentity worker xslt".split()
)
_ENDS: Final = re.compile(rb"expires", re.IGNORECASE)
_SECONDS: Final = re.compile(r"[0-9]{1,10}")


class _FieldNames(dict[bytes, bool]):
    """Whether a header field of a name is read, by the name as it stands; cached."""

    __slots__ = ("_is_read",)

    def __init__(self, is_read: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._is_read = is_read

    def __missing__(self, name: bytes) -> bool:
        read = self._is_read(name.lower())
        if len(name) <= MAX_NAME:
            if len(self) >= CACHED:
                self.clear()
            self[name] = read
        return read


class ByDialect[Value](msgspec.Struct, frozen=True, gc=False, eq=False):
    """What each dialect finds in header fields: as a rule one object for equal fields."""

    values: tuple[tuple[Value, ...], ...]


class RequestTexts(msgspec.Struct, frozen=True, gc=False):
    """What may be kept of a request's header fields."""

    agent: str | None
    origin: str | None
    client: str | None


class RequestHeaders(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a request's header fields say; compared by identity.

    `candidates` are a few more than are kept, since presented ones are none. `texts` is what may be
    kept of `agent`, `origin` and `client` where no secret is near, and `kept` the same as one text;
    `writings` are all of them, as secrets are looked for in them.
    """

    presented: ByDialect[PresentedValue]
    candidates: tuple[Candidate, ...]
    agent: str | None
    origin: str | None
    client: str | None
    fetch_dest: str | None
    fetch_site: str | None
    fetch_mode: str | None
    fetch_storage_access: str | None
    has_cookies: bool
    codings: tuple[str, ...]
    media_type: str
    texts: RequestTexts
    writings: str
    kept: str = ""


type _ReadRequest = tuple[RequestHeaders, tuple[Candidate, ...]]


class ResponseTexts(msgspec.Struct, frozen=True, gc=False):
    """What may be kept of a response's header fields."""

    cache_control: str | None = None
    age_s: int | None = None
    exposed: str | None = None


class ResponseHeaders(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a response's header fields say; compared by identity.

    `texts` is what may be kept of `cache_control`, `age` and `exposed` where no secret is near, and
    `kept` the same as one text; `writings` and `words` are all of them, as secrets are looked for
    in them: within, and as a whole.
    """

    issued: ByDialect[IssuedValue]
    codings: tuple[str, ...] = ()
    charset: str | None = None
    media_type: str = ""
    cache_control: str | None = None
    age: str | None = None
    exposed: str | None = None
    location: str | None = None
    texts: ResponseTexts = ResponseTexts()
    writings: str = ""
    words: frozenset[str] = frozenset()
    kept: str = ""


class HeaderReader:
    """Reads the header fields of messages; those read last are cached.

    `client_header` is the lower-case name of the header that tells clients apart; with
    `hides_client` its value is a pseudonym. With `shows_ids`, short ids in agents are shown.
    """

    __slots__ = (
        "_agents", "_candidates", "_client_header", "_dated", "_dialects", "_exposable",
        "_fingerprinter", "_hides_client", "_issued", "_issuing", "_mask_agent", "_nothing",
        "_other", "_own_fields", "_presented", "_presenting", "_received", "_requests",
        "_responses", "_sections", "_sent",
    )  # fmt: skip

    def __init__(
        self,
        dialects: tuple[CompiledDialect, ...],
        fingerprinter: Fingerprinter,
        client_header: str | None,
        *,
        hides_client: bool,
        shows_ids: bool = False,
    ) -> None:
        self._dialects = dialects
        self._fingerprinter = fingerprinter
        self._client_header = client_header.encode() if client_header is not None else None
        self._hides_client = hides_client
        self._mask_agent = mask_free_text if shows_ids else mask_agent
        self._own_fields = frozenset(name for each in dialects for name in each.own_fields)
        self._presenting = frozenset(name for each in dialects for name in each.fields)
        read = {
            *self._presenting,
            b"user-agent",
            b"origin",
            b"referer",
            *_FETCH,
            b"content-type",
            b"content-encoding",
            COOKIE,
            self._client_header or b"origin",
        }
        self._sent = _FieldNames(lambda name: name in read)
        self._other = _FieldNames(lambda name: name not in read and name not in DULL_FIELDS)
        self._exposable = frozenset(
            f"{start.decode('latin-1')}{name.lower()}"
            for each in dialects
            for start in each.issuing_fields
            for name in each.params
        )
        starts = tuple(start for each in dialects for start in each.issuing_fields)
        self._received = _FieldNames(lambda name: name in _READ or name.startswith(starts))
        self._dated = SET_COOKIE in starts
        self._agents: BoundedCache[str, str] = BoundedCache(CACHED)
        self._sections: BoundedCache[Fields, _ReadRequest] = BoundedCache(CACHED)
        self._requests: BoundedCache[Fields, RequestHeaders] = BoundedCache(CACHED)
        self._candidates: BoundedCache[Fields, tuple[Candidate, ...]] = BoundedCache(CACHED)
        self._responses: BoundedCache[Fields, ResponseHeaders] = BoundedCache(CACHED)
        self._issuing = (*starts, b"date")
        self._presented: BoundedCache[Fields, ByDialect[PresentedValue]] = BoundedCache(CACHED)
        self._issued: BoundedCache[Fields, ByDialect[IssuedValue]] = BoundedCache(CACHED)
        self._nothing = ResponseHeaders(self._issues({}, ()))

    def read_request(self, fields: Fields) -> _ReadRequest:
        """What a request's header fields say, and what may be a token in those not read for it."""
        if (known := self._sections.get(fields)) is not None:
            return known
        relevant = tuple([field for field in fields if self._sent[field[0]]])
        # Apart, since ids of requests and traces are new in each.
        others = tuple([field for field in fields if self._other[field[0]]])
        if (headers := self._requests.get(relevant)) is None:
            headers = self._request(relevant)
            if _is_small(relevant):
                self._requests.keep(relevant, headers)
        if (candidates := self._candidates.get(others)) is None:
            found = header_candidates(field_lines(others), self._own_fields, self._fingerprinter)
            candidates = tuple(islice(found, MAX_CANDIDATES))
            if _is_small(others):
                self._candidates.keep(others, candidates)
        read = headers, candidates
        return self._sections.keep(fields, read) if _is_small(fields) else read

    def read_response(self, fields: Fields | None) -> ResponseHeaders:
        """What a response's header fields say; nothing, of no response."""
        if fields is None:
            return self._nothing
        relevant = tuple([field for field in fields if self._received[field[0]]])
        ends = [f for f in relevant if f[0].lower() == SET_COOKIE and _ENDS.search(f[1])]
        if self._dated and ends:
            # What `Expires` is measured against.
            relevant += tuple([field for field in fields if field[0].lower() == b"date"])
        if (cached := self._responses.get(relevant)) is not None:
            return cached
        headers = self._response(relevant)
        return self._responses.keep(relevant, headers) if _is_small(relevant) else headers

    def request_texts(self, headers: RequestHeaders, secrets: Secrets) -> RequestTexts:
        """What may be kept of a request's header fields, without the secrets of its exchange."""
        agent, origin, client = headers.agent, headers.origin, headers.client
        if client is not None:
            client = (
                self._fingerprinter.pseudonym(client)
                if self._hides_client
                else clean(secrets.hide(client), 128)
            )
        if origin is not None:
            origin = self._origin(secrets.hide(origin))
        if agent is not None:
            agent = self._agent(secrets.hide(agent))
        return RequestTexts(agent, origin, client)

    def _agent(self, agent: str) -> str:
        if (known := self._agents.get(agent)) is not None:
            return known
        shown = clean(self._mask_agent(agent, self._fingerprinter), MAX_USER_AGENT)
        return self._agents.keep(agent, shown) if len(agent) <= MAX_CACHED else shown

    def _origin(self, origin: str) -> str:
        if "~" in origin:
            return origin
        if not _ORIGIN.fullmatch(origin):
            return "(malformed)"
        scheme, separator, host = origin.partition("://")
        host, colon, port = host.rpartition(":") if _PORT.search(host) else (host, "", "")
        scheme = mask_word(scheme, self._fingerprinter)
        return f"{scheme}{separator}{mask_host(host, self._fingerprinter)}{colon}{port}"

    def response_texts(self, headers: ResponseHeaders, secrets: Secrets) -> ResponseTexts:
        """What may be kept of a response's header fields, without the secrets of its exchange."""
        directives = _directives(headers.cache_control)
        age = (headers.age or "").strip()
        exposed = headers.exposed
        if exposed is not None:
            names = (part.strip().lower() for part in exposed.split(","))
            exposed = ",".join(
                name if name in self._exposable else mask_word(name, self._fingerprinter)
                for name in secrets.hide(
                    ",".join(name for name in names if _FIELD_NAME.fullmatch(name))
                ).split(",")
            )
            exposed = clean(exposed, 1024)
        return ResponseTexts(
            ",".join(part for part in directives if not secrets.hold(part)) or None,
            int(age) if _SECONDS.fullmatch(age) and not secrets.hold(age) else None,
            exposed,
        )

    def _request(self, fields: Fields) -> RequestHeaders:
        lines = field_lines(fields)
        agent, origin = combined(lines, b"user-agent"), combined(lines, b"origin")
        dest, site, mode, access = (combined(lines, name) for name in _FETCH)
        client = combined(lines, self._client_header) if self._client_header is not None else None
        candidates = header_candidates(lines, self._own_fields, self._fingerprinter)
        headers = RequestHeaders(
            presented=self._presents(lines, fields),
            candidates=tuple(islice(candidates, MAX_CANDIDATES)),
            agent=agent,
            origin=origin,
            client=client,
            fetch_dest=dest if dest in _DESTS else None,
            fetch_site=site if site in _SITES else None,
            fetch_mode=mode if mode in _MODES else None,
            fetch_storage_access=access if access in _ACCESS else None,
            has_cookies=COOKIE in lines,
            codings=content_codings(combined(lines, b"content-encoding") or ""),
            media_type=media_type(lines),
            texts=RequestTexts(None, None, None),
            writings=_all_writings(agent, origin, client),
        )
        texts = self.request_texts(headers, Secrets(self._fingerprinter))
        return msgspec.structs.replace(headers, texts=texts, kept=_kept(*astuple(texts)))

    def _presents(self, lines: FieldLines, fields: Fields) -> ByDialect[PresentedValue]:
        own = tuple([field for field in fields if field[0].lower() in self._presenting])
        if (found := self._presented.get(own)) is not None:
            return found
        found = ByDialect(tuple([presented_in_fields(lines, each) for each in self._dialects]))
        return self._presented.keep(own, found) if _is_small(own) else found

    def _issues(self, lines: FieldLines, fields: Fields) -> ByDialect[IssuedValue]:
        own = tuple([field for field in fields if field[0].lower().startswith(self._issuing)])
        if (found := self._issued.get(own)) is not None:
            return found
        found = ByDialect(tuple([issued_in_fields(lines, each) for each in self._dialects]))
        return self._issued.keep(own, found) if _is_small(own) else found

    def _response(self, fields: Fields) -> ResponseHeaders:
        lines = field_lines(fields)
        codings, charset, media = body_coding(lines)
        cache_control, age = combined(lines, b"cache-control"), age_of(lines)
        exposed = combined(lines, b"access-control-expose-headers")
        directives = _directives(cache_control)
        headers = ResponseHeaders(
            issued=self._issues(lines, fields),
            codings=codings,
            charset=charset,
            media_type=media,
            cache_control=cache_control,
            age=age,
            exposed=exposed,
            location=combined(lines, b"location"),
            writings=_all_writings(*directives, age, exposed),
            words=frozenset(text.casefold() for text in (*directives, (age or "").strip())),
        )
        texts = self.response_texts(headers, Secrets(self._fingerprinter))
        return msgspec.structs.replace(headers, texts=texts, kept=_kept(*astuple(texts)))


def body_coding(lines: FieldLines) -> tuple[tuple[str, ...], str | None, str]:
    """The content codings of a body, its encoding, and its media type, by the head."""
    media = media_type(lines)
    charset = _CHARSET.search(media)
    codings = content_codings(combined(lines, b"content-encoding") or "")
    return codings, charset[1] if charset else None, media.casefold()


def media_type(lines: FieldLines) -> str:
    """The media type of a message, with its parameters."""
    return combined(lines, b"content-type") or "" if b"content-type" in lines else ""


def _directives(field: str | None) -> list[str]:
    """The known directives of a ``Cache-Control`` field, each once."""
    parts = (part.strip().lower() for part in (field or "").split(","))
    return list(dict.fromkeys(part for part in parts if _DIRECTIVE.fullmatch(part)))


def _is_small(fields: Fields) -> bool:
    return sum([len(name) + len(value) for name, value in fields]) <= MAX_CACHED


def _kept(*texts: str | int | None) -> str:
    return "\0".join([str(text) for text in texts if text is not None])


def _all_writings(*texts: str | None) -> str:
    return "\0".join([writing for text in texts if text for writing in writings(text)])
