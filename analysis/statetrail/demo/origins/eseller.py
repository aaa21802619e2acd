"""A small reference origin that issues state headers as the 52eSELLER text says.

Enters: `EsellerSettings`. Leaves: an ASGI application. A login issues every state parameter;
tickets are renewed by age, in responses of ``products``; ``X-Authentication`` is an error where it
is not allowed; a basket's state follows its own PUT methods and no context parameter. Some
responses are awkward on purpose: malformed state headers on ``campaigns``, and ``menus``, which
moves the client to another location but exposes no header to pages of other origins.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from statetrail.demo.origins.encoding import NO_STORE, respond
from statetrail.demo.origins.logins import Login, LoginBook, StateField
from statetrail.demo.origins.page import page_routes
from statetrail.demo.secrets_file import Remember, forget

PARAMS: Final = (
    *("LangId", "CounId", "CurrId", "LocId", "PriceListId", "PriceCalculationDate"),
    *("InventoryCheck", "CustomerId", "SalesPersonId", "VisitorId", "Ticket", "Authentication"),
)
_NAMES: Final = {"1": "Chair", "2": "Stol", "3": "Stuhl"}
_MALFORMED: Final = (
    (b"X-Set-LangId", b"9;cookie/informational"),
    (b"X-Set-CounId", b"46;uriquery/suggested"),
    (b"X-Set-PriceListId", b"8"),
    (b"X-Set-CurrId", b"840;uriquery/informational"),
    (b"X-Set-CurrId", b"978;uriquery/informational"),
    (b"X-Set-InventoryCheck", b"t\xf8mt;header/informational"),
    (b"X-Set-PriceCalculationDate", b" 2021-03-01 ; Header / Informational"),
    (b"X-Set-Season", b"spring;header/informational"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EsellerSettings:
    """How the 52eSELLER origin behaves.

    A ticket is renewed at the age of `ticket_s`, and the previous one is accepted for `overlap_s`.
    A response of ``products/search`` takes `slow_s`. The menus move a client to `menu_location`.
    """

    ticket_s: float = 6.0
    overlap_s: float = 20.0
    slow_s: float = 1.5
    menu_location: str = "5"


@dataclass(slots=True)
class _Basket:
    """A basket: its state is its own."""

    id: int
    currency: str
    language: str
    sell_to: str
    ship_to: str
    lines: int = 0


class _Eseller:
    """The methods of the API; one instance is one shop."""

    def __init__(self, settings: EsellerSettings, remember: Remember) -> None:
        self.settings = settings
        self.logins = LoginBook(
            ticket_s=settings.ticket_s, overlap_s=settings.overlap_s, remember=remember
        )
        self.baskets: dict[int, _Basket] = {}

    async def login(self, request: Request) -> Response:
        _refuse_authentication(request)
        login = self.logins.begin(time.monotonic())
        return _answer(request, {"customer": "welcome"}, login.issue(*PARAMS))

    async def products(self, request: Request) -> Response:
        presented, login = self._ticket(request)
        if "search" in request.url.path:
            await asyncio.sleep(self.settings.slow_s)
        # An informational parameter may be overridden, a forced one may not. Either way the state
        # headers carry the customer's own state, never the request's.
        language = request.query_params.get("LangId", "1")
        state: list[StateField] = []
        price_list = request.query_params.get("PriceListId", "7")
        if login is not None:
            price_list = login.state["PriceListId"][0]
            state = login.issue("LangId", "CurrId", "PriceListId")
            if self.logins.renew(login, presented, time.monotonic()):
                state += login.issue("Ticket")
        product = {"name": _NAMES.get(language, "?"), "priceList": price_list, "price": 20}
        return _answer(request, {"products": [product]}, state)

    async def menus(self, request: Request) -> Response:
        _, login = self._ticket(request)
        if login is not None:
            login.set("LocId", self.settings.menu_location)
        state = login.issue("LocId") if login is not None else ()
        return _answer(request, {"menus": ["Spring", "Sale"]}, state, expose=False)

    async def campaigns(self, request: Request) -> Response:
        """Behind a gateway that mangles the state headers."""
        self._ticket(request)
        response = _answer(request, {"campaigns": []}, expose=False)
        response.raw_headers.extend(_MALFORMED)
        return response

    async def favorites(self, request: Request) -> Response:
        login = self._authenticated(request)
        if request.method == "POST":
            login.favorites.append(str((await _body(request)).get("product", ""))[:32])
        return _answer(request, {"favorites": login.favorites})

    async def orders(self, request: Request) -> Response:
        self._authenticated(request)
        return _answer(request, {"orders": []})

    async def new_basket(self, request: Request) -> Response:
        login = self._authenticated(request)
        currency, language, country = (login.state[p][0] for p in ("CurrId", "LangId", "CounId"))
        basket = _Basket(4711 + len(self.baskets), currency, language, country, country)
        self.baskets[basket.id] = basket
        return _answer(request, asdict(basket), status=201)

    async def basket(self, request: Request) -> Response:
        self._authenticated(request)
        basket = self._basket(request)
        if request.method == "POST":
            basket.lines += 1
        # The context parameters of the request do not change the basket.
        return _answer(request, asdict(basket))

    async def basket_state(self, request: Request) -> Response:
        login, basket = self._authenticated(request), self._basket(request)
        fields = await _body(request)
        if "country" in fields:
            raise HTTPException(400, "the country of a basket is set by sellto and shipto")
        basket.currency = _code(fields.get("currency", basket.currency))
        basket.language = _code(fields.get("language", basket.language))
        login.set("CurrId", basket.currency)
        login.set("LangId", basket.language)
        return _answer(request, asdict(basket), login.issue("LangId", "CurrId"))

    async def basket_country(self, request: Request) -> Response:
        login, basket = self._authenticated(request), self._basket(request)
        country = _code((await _body(request)).get("country", basket.sell_to))
        if request.url.path.endswith("/shipto"):
            basket.ship_to = country
            return _answer(request, asdict(basket))
        basket.sell_to = country
        login.set("CounId", country)
        return _answer(request, asdict(basket), login.issue("CounId"))

    async def preflight(self, request: Request) -> Response:
        """The response to a CORS preflight (Fetch, 4.8)."""
        headers = {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "GET, POST, PUT",
            "access-control-allow-headers": request.headers.get(
                "access-control-request-headers", ""
            ),
        }
        return Response(status_code=204, headers=headers)

    def _ticket(self, request: Request) -> tuple[str, Login | None]:
        """The presented ticket, if any, and its login; without an authentication."""
        _refuse_authentication(request)
        ticket = request.headers.get("x-ticket", "")
        login = self.logins.by_ticket(ticket, time.monotonic())
        if ticket and login is None:
            raise HTTPException(401, "the ticket is not valid any more: log in")
        return ticket, login

    def _authenticated(self, request: Request) -> Login:
        login = self.logins.by_authentication.get(request.headers.get("x-authentication", ""))
        if login is None:
            raise HTTPException(401, "this method requires X-Authentication")
        return login

    def _basket(self, request: Request) -> _Basket:
        basket = self.baskets.get(request.path_params["basket"])
        if basket is None:
            raise HTTPException(404, "there is no such basket")
        return basket


def _refuse_authentication(request: Request) -> None:
    if "x-authentication" in request.headers:
        raise HTTPException(400, "X-Authentication is not allowed on this method")


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        raise HTTPException(400, "the body has to be a JSON object")
    return body


def _code(value: object) -> str:
    if isinstance(value, str) and value.isascii() and value.isalnum() and len(value) <= 3:
        return value
    raise HTTPException(400, "a currency, language or country is a short code")


def _answer(
    request: Request,
    data: object,
    state: Iterable[StateField] = (),
    *,
    status: int = 200,
    expose: bool = True,
) -> Response:
    response = respond(request, json.dumps(data).encode(), "application/json", status)
    if "origin" in request.headers:
        response.headers["access-control-allow-origin"] = "*"
        if expose:
            names = ", ".join(f"X-Set-{param}" for param in PARAMS)
            response.headers["access-control-expose-headers"] = names
    for param, value, tail in state:
        response.raw_headers.append((f"X-Set-{param}".encode(), f"{value};{tail}".encode()))
    return response


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = NO_STORE | {"access-control-allow-origin": "*"}
    return JSONResponse({"error": error.detail}, error.status_code, headers)


def eseller_app(
    settings: EsellerSettings | None = None, *, remember: Remember = forget
) -> Starlette:
    """The 52eSELLER origin as an ASGI application; `remember` is called with every secret."""
    shop = _Eseller(settings or EsellerSettings(), remember)
    base = "/services/v3"
    routes = [
        Route(f"{base}/{{any:path}}", shop.preflight, methods=["OPTIONS"]),
        Route(f"{base}/login", shop.login, methods=["POST"]),
        Route(f"{base}/products", shop.products),
        Route(f"{base}/products/search", shop.products),
        Route(f"{base}/products/{{product:int}}", shop.products),
        Route(f"{base}/menus", shop.menus),
        Route(f"{base}/campaigns", shop.campaigns),
        Route(f"{base}/favorites", shop.favorites, methods=["GET", "POST"]),
        Route(f"{base}/orders", shop.orders),
        Route(f"{base}/baskets", shop.new_basket, methods=["POST"]),
        Route(f"{base}/baskets/{{basket:int}}", shop.basket),
        Route(f"{base}/baskets/{{basket:int}}/lines", shop.basket, methods=["POST"]),
        Route(f"{base}/baskets/{{basket:int}}/state", shop.basket_state, methods=["PUT"]),
        Route(f"{base}/baskets/{{basket:int}}/sellto", shop.basket_country, methods=["PUT"]),
        Route(f"{base}/baskets/{{basket:int}}/shipto", shop.basket_country, methods=["PUT"]),
        *page_routes(),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})
