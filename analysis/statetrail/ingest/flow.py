"""A mitmproxy flow as an `Exchange`, live or from a flow file.

Enters: an `HTTPFlow`, which is only read. Leaves: an `Exchange` with the beginning of the response's
body as on the wire. Live, both heads are copied when they arrive (`request_of`, `answer_of`), since
later addons of mitmproxy (map remote, modify headers, sticky cookies) change them.
"""

import re
from collections.abc import Callable
from typing import Final

from mitmproxy import http
from mitmproxy.http import HTTPFlow
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.proxy import mode_specs

from statetrail.extract.bodies import MAX_ENCODED
from statetrail.extract.records import BODY_UNSEEN, UNDER_WAY, Exchange, Fields, Request, Response

ERRORS: Final = (
    ("killed", re.compile(r"\bkilled", re.IGNORECASE)),
    ("too-large", re.compile(r"body_size_limit|too large", re.IGNORECASE)),
    ("client-disconnected", re.compile(r"client (?:disconnected|closed)", re.IGNORECASE)),
    ("server-disconnected", re.compile(r"(?:server|peer) (?:disconnected|closed)|disconnected|reset", re.IGNORECASE)),
    ("timeout", re.compile(r"time[d ]?[ -]?out", re.IGNORECASE)),
    ("tls", re.compile(r"\btls\b|\bssl\b|certificate", re.IGNORECASE)),
    ("connect-failed", re.compile(r"connect|refused|unreachable|resolve|getaddrinfo|errno", re.IGNORECASE)),
    ("protocol-error", re.compile(r"", re.IGNORECASE)),
)  # fmt: skip
"""Why an exchange did not complete: a word, and a pattern of mitmproxy's message.

The message is never kept: it may quote the request line, and with it a token.
"""

# In these modes the target is the packet's address; the host name is in the request.
_ADDRESSED: Final = frozenset((
    mode_specs.TransparentMode,
    mode_specs.WireGuardMode,
    mode_specs.LocalMode,
    mode_specs.TunMode,
    mode_specs.Socks5Mode,
))  # fmt: skip

MANY_CHUNKS: Final = 64
"""Number of chunks at a body's beginning of which each is passed to the listener."""

type Answer = tuple[int, Fields]
"""A response's status code and header fields."""


def exchange_of(
    flow: HTTPFlow,
    request: Request | None = None,
    answer: Answer | None = None,
    body: bytes | None = None,
    *,
    body_bytes: int | None = None,
    under_way: bool = False,
) -> Exchange:
    """The exchange of a flow in its current state: with a response, an error, or both (cut short).

    Parameters
    ----------
    request, answer
        What `request_of` and `answer_of` gave before other addons changed the flow; `None`: read now.
    body, body_bytes
        The beginning of a streamed response's body, and its number of bytes so far; a buffered one is
        read from the flow.
    under_way
        Whether the response has not ended yet.
    """
    head = request if request is not None else request_of(flow)
    proxy_user = flow.metadata.get("proxyauth")
    sent = flow.request.data
    complete = Request(
        *(head.method, head.scheme, head.host, head.port, head.target, head.headers),
        *(head.http_version, head.start_us, _us(sent.timestamp_end)),
        body_size(sent.content, sent.headers.fields),
        head.peer,
        str(proxy_user[0])[:128] if proxy_user else None,
        sent.content or b"",
    )
    error = None if flow.error is None or flow.websocket else error_word(flow.error.msg)
    response, notes = None, _operators(flow)
    if flow.response is not None:
        data = flow.response.data
        status, headers = answer if answer is not None else answer_of(flow.response)
        content = body if body is not None else data.content
        if content is None:
            notes.append(BODY_UNSEEN)
        if under_way:
            notes.append(UNDER_WAY)
        response = Response(
            status=status,
            headers=headers,
            start_us=_us(data.timestamp_start),
            end_us=_us(data.timestamp_end) if error is None and not under_way else None,
            body=content or b"",
            body_bytes=body_size(data.content, headers) if body_bytes is None else body_bytes,
        )
    return Exchange(flow.id, complete, response, error, tuple(notes))


def _operators(flow: HTTPFlow) -> list[str]:
    """Notes of what the operator of the proxy did: `OPERATED`."""
    if flow.is_replay == "request":
        return ["replayed"]
    if flow.is_replay == "response":
        return ["answered-by-operator"]
    before = flow.get_state()["backup"] if getattr(flow, "_backup", None) else None
    if before is None:
        return []
    now = flow.get_state()
    return ["edited"] if any(before[part] != now[part] for part in ("request", "response")) else []


def request_of(flow: HTTPFlow) -> Request:
    """The head of a flow's request in its current state."""
    data = flow.request.data
    addressed = type(flow.client_conn.proxy_mode) in _ADDRESSED
    peer = flow.client_conn.peername
    return Request(
        method=data.method.decode("utf-8", "surrogateescape"),
        scheme=data.scheme.decode("utf-8", "surrogateescape"),
        host=flow.request.pretty_host if addressed else data.host,
        port=data.port,
        target=data.path,
        headers=data.headers.fields,
        http_version=data.http_version.decode("utf-8", "surrogateescape"),
        start_us=round(data.timestamp_start * 1_000_000),
        peer=str(peer[0]) if peer else None,
    )


def answer_of(response: http.Response) -> Answer:
    """The head of a response in its current state."""
    return response.data.status_code, response.data.headers.fields


def may_stream_later(flow: HTTPFlow) -> bool:
    """Whether mitmproxy may begin to stream a response when more of its body is there.

    So it does with a body whose size is not declared, without a further hook; see `watch_stream`.
    """
    response = flow.response
    if response is None or response.data.content is not None:
        return False
    try:
        size = expected_http_body_size(flow.request, response)
    except ValueError:
        return False
    return size is None or size < 0


type Stream = Callable[[bytes], object] | bool
"""What mitmproxy streams a body through; `True`: nothing, `False`: it does not stream."""


class WatchedResponse(http.Response):
    """A response that reports when mitmproxy begins to stream it."""

    @property  # type: ignore[override]
    def stream(self) -> Stream:
        """See `mitmproxy.http.Message.stream`."""
        stream: Stream = self.__dict__.get("stream", False)
        return stream

    @stream.setter
    def stream(self, value: Stream) -> None:
        begins = self.__dict__.pop("_begins", None) if value else None
        self.__dict__["stream"] = value if begins is None else begins(value)


def watch_stream(response: http.Response, begins: Callable[[Stream], Stream]) -> None:
    """Let `begins` say what a response is streamed through, if mitmproxy comes to stream it.

    Until then it is buffered as without us, so that other addons can change it, and one that is
    broken off becomes an error.
    """
    response.__class__ = WatchedResponse
    response.__dict__["_begins"] = begins


class BodySniffer:
    """A mitmproxy ``stream`` callable that copies a streamed body's beginning.

    Chunks are returned unchanged (or through `inner`, the previous callable, if any). Nothing here
    may raise: an exception inside a stream callable would break the transfer. `size` is the number of
    bytes so far. `listener` is called with the copied beginning before a chunk is returned: at each of
    the first chunks, then whenever the copy has doubled, until it returns `True` or the copy is full.
    """

    __slots__ = ("_calls", "_inner", "_kept", "_next", "listener", "size")

    def __init__(
        self,
        inner: Callable[[bytes], object] | bool = False,
        listener: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._inner = inner if callable(inner) else None
        self._kept = bytearray()
        self._calls = self._next = 0
        self.listener = listener
        self.size = 0

    def __call__(self, chunk: bytes) -> object:
        self.size += len(chunk)
        room = MAX_ENCODED - len(self._kept)
        if room > 0 and chunk:
            self._kept += chunk[:room]
            if self.listener is not None:
                self._notify(self.listener)
        return chunk if self._inner is None else self._inner(chunk)

    def _notify(self, listener: Callable[[bytes], bool]) -> None:
        self._calls += 1
        kept = len(self._kept)
        if self._calls <= MANY_CHUNKS or kept >= self._next or kept == MAX_ENCODED:
            self._next = 2 * kept
            try:
                if listener(bytes(self._kept)) or kept == MAX_ENCODED:
                    self.listener = None
            except Exception:  # the transfer continues
                self.listener = None

    @property
    def body(self) -> bytes:
        """The copied beginning: at most `MAX_ENCODED` bytes."""
        return bytes(self._kept)


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def body_size(content: bytes | None, headers: Fields) -> int | None:
    """The size of a body: of the buffered content, else the declared one."""
    if content is not None:
        return len(content)
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit() and len(value) < 16:
            return int(value)
    return None


def error_word(message: str) -> str:
    """The word of `ERRORS` for a message of mitmproxy."""
    return next(name for name, pattern in ERRORS if pattern.search(message))
