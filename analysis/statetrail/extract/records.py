"""The records that pass between capture, extractor and store; all frozen, all plain values.

A `Request` and a `Response` hold what was on the wire and therefore secrets: they live for one call
of `statetrail.extract.extract` and have no readable `repr`. `ExchangeFacts` are what may be stored.
"""

from typing import Final, Literal, NamedTuple

import msgspec

type Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields as on the wire, in order."""

type Kind = Literal["value", "establish", "empty"]
type CandidatePlace = Literal["query", "path", "referer", "header"]

MAX_VALUES: Final = 64
"""Issued and presented values each that one exchange may leave; more are counted in a note."""
MAX_TOKEN_CANDIDATES: Final = 16
"""Token candidates that one exchange may leave."""
UNDER_WAY: Final = "under-way"
"""Note of an exchange whose response has begun; one that keeps it never ended."""


class _Unreadable(msgspec.Struct, frozen=True, gc=False):
    """Its `repr` shows nothing of what it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class Request(_Unreadable, frozen=True, gc=False):
    """A request as the client sent it. Times in microseconds since the epoch, UTC."""

    method: str
    scheme: str
    host: str
    port: int
    target: bytes
    headers: Fields
    http_version: str
    start_us: int
    end_us: int | None = None
    body_bytes: int | None = None
    peer: str | None = None
    proxy_user: str | None = None


class Response(_Unreadable, frozen=True, gc=False):
    """A response as the origin sent it, with its body or the beginning of it.

    `codings` are the content codings still on `body` in the order they were applied; `None` reads
    them from the header fields. `end_us` is `None` for a response that was cut short.
    """

    status: int
    headers: Fields
    start_us: int | None
    end_us: int | None
    body: bytes = b""
    body_bytes: int | None = None
    codings: tuple[str, ...] | None = None


class Exchange(_Unreadable, frozen=True, gc=False):
    """One request with its response or the reason why there is none."""

    flow_id: str
    request: Request
    response: Response | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


class StorableValue(NamedTuple):
    """A value as it may be stored: clear text only where allowed, fingerprints always."""

    value: str | None
    fingerprint: int
    normal_fingerprint: int
    prefix_fingerprint: int | None


class Issued(msgspec.Struct, frozen=True, gc=False):
    """A value that a response issued: table `issued` from its third column on, in their order."""

    dialect: str
    param: str
    value: str | None
    fingerprint: int
    normal_fingerprint: int
    prefix_fingerprint: int | None
    usage: str | None
    priority: str | None
    channel: str
    problem: str | None
    length: int
    alphabet: str
    declared_s: int | None = None


class Presented(msgspec.Struct, frozen=True, gc=False):
    """A value that a request presented: table `presented` from its third column on, in order."""

    dialect: str
    param: str
    value: str | None
    fingerprint: int
    normal_fingerprint: int
    prefix_fingerprint: int | None
    channel: str
    kind: Kind


class TokenCandidate(msgspec.Struct, frozen=True, gc=False):
    """What looks like a token in a request: table `token_candidates` from its third column on."""

    place: CandidatePlace
    fingerprint: int


class ExchangeRow(msgspec.Struct, frozen=True, gc=False):
    """The storable facts of an exchange: table `exchanges` without its id, in column order."""

    flow_id: str
    request_start_us: int
    request_end_us: int | None
    response_start_us: int | None
    response_end_us: int | None
    peer: str | None
    user_agent: str | None
    proxy_user: str | None
    client_header: str | None
    method: str
    scheme: str
    host: str
    port: int
    path: str
    endpoint: str
    status: int | None
    http_version: str
    request_bytes: int | None
    response_bytes: int | None
    error: str | None
    cache_control: str | None
    age_s: int | None
    request_origin: str | None
    exposed_headers: str | None
    dialects: str
    notes: str


class ExchangeFacts(msgspec.Struct, frozen=True, gc=False):
    """What one exchange leaves: its row, and the values in it. Holds no secret."""

    exchange: ExchangeRow
    issued: tuple[Issued, ...] = ()
    presented: tuple[Presented, ...] = ()
    token_candidates: tuple[TokenCandidate, ...] = ()
