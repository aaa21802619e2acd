"""A client of the 52eSELLER V3 API: holds the state that was issued, sets it in every request.

Enters: a `Stage`. Leaves: requests over real sockets. It complies unless its caller deviates.
"""

import ssl
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from statetrail.demo.clients.behaviour import Client, Stage, Truth, require

_SECRET: Final = ("CustomerId", "SalesPersonId", "VisitorId", "Ticket", "Authentication")
_PARAMS: Final = (
    *("LangId", "CounId", "CurrId", "LocId", "PriceListId", "PriceCalculationDate"),
    *("InventoryCheck", *_SECRET),
)
_MAY_AUTHENTICATE: Final = ("baskets", "favorites", "orders")


@dataclass(frozen=True, slots=True)
class State:
    """A parameter as it was issued."""

    value: str
    usage: str


def read_state(fields: list[tuple[bytes, bytes]]) -> dict[str, State]:
    """The well-formed state in a response's header fields, by the client's own parser.

    Malformed and repeated fields are ignored, as a careful client does.
    """
    names = {f"x-set-{param}".lower().encode(): param for param in _PARAMS}
    states: dict[str, State | None] = {}
    for name, field in fields:
        if (param := names.get(name.lower())) is None:
            continue
        value, _, tail = field.rpartition(b";")
        usage, _, priority = (part.strip().lower() for part in tail.partition(b"/"))
        well_formed = (
            usage in (b"header", b"uriquery", b"implicit")
            and priority in (b"informational", b"forced")
            and value.isascii()
            and param not in states
        )
        states[param] = State(value.strip().decode(), usage.decode()) if well_formed else None
    return {param: state for param, state in states.items() if state is not None}


class _Http2Only(ssl.SSLContext):
    """TLS that offers HTTP/2 alone: httpx offers HTTP/1.1 first, and the proxy takes the first."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols([name for name in alpn_protocols if name == "h2"])


def _http2_context() -> ssl.SSLContext:
    context = _Http2Only(ssl.PROTOCOL_TLS_CLIENT)
    # The proxy generates its certificate, on this machine.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class EsellerClient(Client):
    """A compliant client; `held` is the newest value of every issued parameter."""

    def __init__(self, stage: Stage, truth: Truth, *, http2: bool = False) -> None:
        url, options = stage.urls["52eseller"], dict[str, Any]()
        if http2:
            url = url.replace("http://", "https://")
            options = {"http1": False, "http2": True, "verify": _http2_context()}
        super().__init__(stage, truth, url, **options)
        self.held: dict[str, State] = {}

    def forget(self) -> None:
        self.held = {}

    async def log_in(self) -> None:
        """Log in, and wait until the issued state counts as received."""
        self.truth.sessions += 1
        await self.send("POST", "login", {"user": "shopper", "password": "-"})
        require(len(self.held) == len(_PARAMS), "a login did not issue every parameter")
        await self.stage.settle()

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
        """Send a request with all expected state, and adopt the state of the response.

        Parameters to leave out (`omit`), to give another value (`replace`), to send in the other
        channel, query for header and header for query (`swap`), and implicit ones to send as
        headers (`reveal`). ``X-Authentication`` is sent by default where the protocol allows it.
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
                self.stage.remember(value)
        self.truth.requests += 1
        response = await self._http.request(
            method, f"/services/v3/{path}", params=query, headers=headers, json=body
        )
        self.held |= read_state(response.headers.raw)
        return response


def expect(response: httpx.Response, status: int) -> Any:
    """The response's data. Raises `StatetrailError` if its status is another one."""
    require(response.status_code == status, f"status {response.status_code}, not {status}")
    return response.json()
