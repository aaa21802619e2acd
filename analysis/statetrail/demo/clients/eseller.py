"""A client of the 52eSELLER V3 API: holds the state it was handed, sets it in every request.

Enters: a `Stage`. Leaves: requests over real sockets. It obeys unless its caller says otherwise.
"""

import ssl
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx

from statetrail.demo.clients.behaviour import Stage, Truth, sure

_SECRET: Final = ("CustomerId", "SalesPersonId", "VisitorId", "Ticket", "Authentication")
_PARAMS: Final = (
    *("LangId", "CounId", "CurrId", "LocId", "PriceListId", "PriceCalculationDate"),
    *("InventoryCheck", *_SECRET),
)
_MAY_AUTHENTICATE: Final = ("baskets", "favorites", "orders")


@dataclass(frozen=True, slots=True)
class State:
    """A parameter as it was handed out."""

    value: str
    usage: str


def read_state(fields: list[tuple[bytes, bytes]]) -> dict[str, State]:
    """The well-formed state in an answer's header fields: the client's own reading of them.

    What is malformed or said twice is left alone, as a careful client does.
    """
    names = {f"x-set-{param}".lower().encode(): param for param in _PARAMS}
    seen: dict[str, State | None] = {}
    for name, field in fields:
        if (param := names.get(name.lower())) is None:
            continue
        value, _, tail = field.rpartition(b";")
        usage, _, priority = (part.strip().lower() for part in tail.partition(b"/"))
        known = usage in (b"header", b"uriquery", b"implicit") and priority in (
            b"informational",
            b"forced",
        )
        fine = known and value.isascii() and param not in seen
        seen[param] = State(value.strip().decode(), usage.decode()) if fine else None
    return {param: state for param, state in seen.items() if state is not None}


class _Http2Only(ssl.SSLContext):
    """TLS that offers HTTP/2 alone: httpx offers HTTP/1.1 first, and the proxy takes the first."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols([name for name in alpn_protocols if name == "h2"])


def _http2_context() -> ssl.SSLContext:
    context = _Http2Only(ssl.PROTOCOL_TLS_CLIENT)
    # The proxy makes its certificate up, on this very machine.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class EsellerClient:
    """A client that obeys; a context manager.

    Attributes
    ----------
    held
        The state held: the newest value of every parameter that was handed out.
    """

    def __init__(self, stage: Stage, truth: Truth, *, http2: bool = False) -> None:
        self.held: dict[str, State] = {}
        self._stage = stage
        self._truth = truth
        url = stage.url.replace("http://", "https://") if http2 else stage.url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"user-agent": truth.user_agent},
            http1=not http2,
            http2=http2,
            verify=_http2_context() if http2 else True,
            timeout=60,
            trust_env=False,
        )

    async def log_in(self) -> None:
        """Log in, and wait until the state that was handed out counts as received."""
        await self.send("POST", "login", {"user": "shopper", "password": "-"})
        sure(len(self.held) == len(_PARAMS), "a login did not hand out every parameter")
        await self._stage.settle()

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        *,
        omit: Collection[str] = (),
        replace: Mapping[str, str] | None = None,
        swap: Collection[str] = (),
        reveal: Collection[str] = (),
        authenticate: bool | None = None,
    ) -> httpx.Response:
        """Send a request with all state that is due, and adopt what the answer hands out.

        Parameters
        ----------
        omit
            Parameters to leave out.
        replace
            Parameters to give another value.
        swap
            Parameters to send in the other channel: query for header, header for query.
        reveal
            Implicit parameters to send nevertheless, as headers.
        authenticate
            Whether to send ``X-Authentication``; by default where the protocol allows it.
        """
        headers: dict[str, str] = {}
        query: dict[str, str] = {}
        if authenticate is None:
            authenticate = path.split("/")[0] in _MAY_AUTHENTICATE
        for param, state in self.held.items():
            value = (replace or {}).get(param, state.value)
            implicit = state.usage == "implicit"
            if param in omit or (implicit and param not in reveal):
                continue
            if param == "Authentication" and not authenticate:
                continue
            if (state.usage == "uriquery") != (param in swap):
                query[param] = value
            else:
                headers[f"X-{param}"] = value
            if param in _SECRET:
                self._stage.remember(value)
        self._truth.requests += 1
        response = await self._http.request(
            method, f"/services/v3/{path}", params=query, headers=headers, json=body
        )
        self.held |= read_state(response.headers.raw)
        return response

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()


def expect(response: httpx.Response, status: int) -> Any:
    """The answer's data; an error where the origin did not answer with that status."""
    sure(response.status_code == status, f"answered {response.status_code} instead of {status}")
    return response.json()
