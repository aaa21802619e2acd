"""What was on the wire: an exchange, frozen, of plain values.

A `Request` and a `Response` hold secrets: they live for one call of `statetrail.extract.extract`
and have no readable `repr`. What may be stored, `ExchangeFacts`, is of the records that stand
beside their readers: `exchange_row`, `state` and `token_candidates`.
"""

from typing import Final

import msgspec

type Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields as on the wire, in order."""

MAX_VALUES: Final = 128
"""Issued and presented values each that one exchange may leave; more are counted in a note."""
MAX_TOKEN_CANDIDATES: Final = 16
"""Token candidates that one exchange may leave."""
PROXY_USER: Final = "proxy-user"
CLIENT_HEADER: Final = "client-header"
IDS: Final = "ids"
PERSONAL: Final = (PROXY_USER, CLIENT_HEADER, IDS)
"""What is a pseudonym unless it is asked for in clear: the name of the proxy's user, the header
that tells clients apart, and short ids in paths and agents."""
UNDER_WAY: Final = "under-way"
"""Note of an exchange whose response has begun; one that keeps it never ended."""
BODY_UNSEEN: Final = "body-unseen"
"""Note of an exchange whose response had a body that was not recorded."""
STATE_UNSEEN: Final = "state-unseen:"
"""What begins the note of an exchange in the scope of a dialect whose state may have been in a body
that was not recorded; the dialect's name follows."""
PLACEHOLDER: Final = "placeholder"
"""Note of an exchange in which a sanitiser has replaced values; also the kind of such a value that
was presented."""
UNKNOWN_METHOD: Final = "(unknown)"
"""The method of a request of which it was not recorded."""
REPLAYED: Final = ("replayed", "edited")
"""Notes of requests that the operator of the proxy sent again, or changed on their way: these are
not the client's doing."""
ANSWERED: Final = "answered-by-operator"
"""Note of an exchange whose response is the operator's."""
PERHAPS_CACHED: Final = "perhaps-cached"
"""Note of an exchange whose response may be that of a cache of the client: when it came is null."""
OPERATED: Final = (*REPLAYED, ANSWERED)
"""Notes of exchanges whose response tells nothing of what the client was given by the server."""


class _Unreadable(msgspec.Struct, frozen=True, gc=False):
    """Its `repr` shows nothing of what it holds."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class Request(_Unreadable, frozen=True, gc=False):
    """A request as the client sent it. Times in microseconds since the epoch, UTC.

    `body` is what it sent, or the beginning of it; it is read where a dialect asks for it.
    `composed_us` is when the client composed it, where that was before; by `time_error_us` the
    times of the exchange may be later than they say.
    """

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
    body: bytes = b""
    composed_us: int | None = None
    time_error_us: int | None = None


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
