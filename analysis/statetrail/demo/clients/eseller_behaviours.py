"""Behaviours of clients of the 52eSELLER API: compliant ones, and others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from statetrail.demo.clients.behaviour import Stage, Truth, ask_in_waves, behaviour, require
from statetrail.demo.clients.eseller import EsellerClient, expect

_PRODUCTS = ("products", "products/1", "products/2")
_PATHS = (*_PRODUCTS, "menus", "favorites")
_BREAK_S = 0.2

type _Act = Callable[[EsellerClient], Awaitable[None]]


def _customer(
    name: str, description: str, *, innocent: bool = False, http2: bool = False
) -> Callable[[_Act], _Act]:
    """Register a behaviour of a client that has logged in."""

    def register(act: _Act) -> _Act:
        @behaviour(name, description, innocent=innocent)
        async def log_in(stage: Stage, truth: Truth) -> None:
            async with EsellerClient(stage, truth, http2=http2) as shop:
                await shop.log_in()
                await act(shop)

        return act

    return register


async def _visits(stage: Stage, paths: Sequence[str]) -> AsyncIterator[str]:
    """The paths of every round, with a short pause after each."""
    for _ in stage.rounds():
        for path in paths:
            yield path
            await asyncio.sleep(_BREAK_S)


async def _shop(shop: EsellerClient) -> None:
    """A customer's visit that uses the whole API."""
    for path in ("products", "menus", "campaigns"):
        await shop.send("GET", path)
    await shop.send("POST", "favorites", {"product": "4012"})
    await shop.send("GET", "favorites")
    basket = expect(await shop.send("POST", "baskets"), 201)["id"]
    for currency in ("208", "54"):
        await shop.send("PUT", f"baskets/{basket}/state", {"currency": currency})
        await shop.send("POST", f"baskets/{basket}/lines", {"product": "4012"})
    for party in ("sellto", "shipto"):
        await shop.send("PUT", f"baskets/{basket}/{party}", {"country": "752"})
    for path in (f"baskets/{basket}", "orders", "products/1"):
        await shop.send("GET", path)


@_customer("obedient-eseller", "sets all state in every request", innocent=True)
async def obedient(shop: EsellerClient) -> None:
    for _ in shop.stage.rounds():
        for _ in range(3):
            await _shop(shop)
            await asyncio.sleep(shop.stage.ticket_s * 0.4)


@_customer("obedient-http2", "the same over HTTP/2 and TLS", innocent=True, http2=True)
async def obedient_http2(shop: EsellerClient) -> None:
    for _ in shop.stage.rounds():
        await _shop(shop)
        await asyncio.sleep(shop.stage.ticket_s)


@_customer("ignores-langid", "never sends the LangId that was issued to it")
async def ignores_langid(shop: EsellerClient) -> None:
    async for path in _visits(shop.stage, _PATHS):
        await shop.send("GET", path, omit=("LangId",))
        shop.truth.did("omitted", "LangId")


@_customer("overrides-informational", "reads products in another language", innocent=True)
async def overrides_informational(shop: EsellerClient) -> None:
    async for path in _visits(shop.stage, _PRODUCTS):
        answer = await shop.send("GET", path, replace={"LangId": "2"})
        name = expect(answer, 200)["products"][0]["name"]
        require(name == "Stol", "an informational parameter could not be overridden")
        shop.truth.did("overridden", "LangId")


@_customer("defies-forced", "requests a price list that is not its own")
async def defies_forced(shop: EsellerClient) -> None:
    async for path in _visits(shop.stage, _PRODUCTS):
        answer = await shop.send("GET", path, replace={"PriceListId": "99"})
        price_list = expect(answer, 200)["products"][0]["priceList"]
        require(price_list == "7", "a forced parameter could be overridden")
        shop.truth.did("defied", "PriceListId")


@_customer("misplaces-state", "sends LangId as a header and LocId in the query")
async def misplaces_state(shop: EsellerClient) -> None:
    async for path in _visits(shop.stage, _PATHS):
        await shop.send("GET", path, swap=("LangId", "LocId"))
        shop.truth.did("misplaced", "LangId", "LocId")
        await shop.stage.settle()  # the menus issue a new LocId


@_customer("sends-implicit", "sends the customer's id, which is implicit")
async def sends_implicit(shop: EsellerClient) -> None:
    async for path in _visits(shop.stage, _PATHS):
        await shop.send("GET", path, reveal=("CustomerId",))
        shop.truth.did("implicit-set", "CustomerId")


@_customer("authentication-everywhere", "sends X-Authentication where it is an error")
async def authentication_everywhere(shop: EsellerClient) -> None:
    async for path in _visits(shop.stage, (*_PATHS[:2], "menus", "favorites", "orders")):
        allowed = path in ("favorites", "orders")
        answer = await shop.send("GET", path, authenticate=True)
        expect(answer, 200 if allowed else 400)
        shop.truth.findings["authentication-not-allowed"] += not allowed


@_customer("basket-currency-by-query", "sets a basket's currency by CurrId")
async def basket_currency_by_query(shop: EsellerClient) -> None:
    basket = expect(await shop.send("POST", "baskets"), 201)["id"]
    async for path in _visits(shop.stage, [f"baskets/{basket}"] * 4):
        answer = await shop.send("GET", path, replace={"CurrId": "840"})
        currency = expect(answer, 200)["currency"]
        require(currency == "54", "a context parameter changed a basket")
        shop.truth.did("overridden", "CurrId")
        shop.truth.findings["basket-state-by-context"] += 1


@_customer(
    "parallel-eseller", "sends many requests at once when its ticket is renewed", innocent=True
)
async def parallel(shop: EsellerClient) -> None:
    # Open the connections first, so that parallel requests arrive in parallel.
    await asyncio.gather(*(shop.send("GET", "products") for _ in range(6)))
    for _ in shop.stage.rounds():
        before = shop.held["Ticket"]
        await asyncio.sleep(shop.stage.ticket_s + 0.5)
        await ask_in_waves(lambda: shop.send("GET", "products/search"), (0.3, 0.3, 0.3))
        require(shop.held["Ticket"] != before, "a ticket was not renewed")
        await shop.stage.settle()
        await shop.send("GET", "products")
