"""Behaviours of clients of the 52eSELLER API: compliant ones, and others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from statetrail.demo.clients.behaviour import Stage, Truth, behaviour, require
from statetrail.demo.clients.eseller import EsellerClient, expect

_PRODUCTS = ("products", "products/1", "products/2")
_PATHS = (*_PRODUCTS, "menus", "favorites")
_BREAK_S = 0.2


@asynccontextmanager
async def _logged_in(
    stage: Stage, truth: Truth, *, http2: bool = False
) -> AsyncIterator[EsellerClient]:
    async with EsellerClient(stage, truth, http2=http2) as shop:
        await shop.log_in()
        yield shop


async def _visits(stage: Stage, paths: Sequence[str]) -> AsyncIterator[str]:
    """The paths of every round, with a short pause after each."""
    for _ in stage.rounds():
        for path in paths:
            yield path
            await asyncio.sleep(_BREAK_S)


async def _shop(shop: EsellerClient) -> None:
    """A customer's visit that uses the whole API."""
    await shop.send("GET", "products")
    await shop.send("GET", "menus")
    await shop.send("GET", "campaigns")
    await shop.send("POST", "favorites", {"product": "4012"})
    await shop.send("GET", "favorites")
    basket = expect(await shop.send("POST", "baskets"), 201)["id"]
    for currency in ("208", "54"):
        await shop.send("PUT", f"baskets/{basket}/state", {"currency": currency})
        await shop.send("POST", f"baskets/{basket}/lines", {"product": "4012"})
    for party in ("sellto", "shipto"):
        await shop.send("PUT", f"baskets/{basket}/{party}", {"country": "752"})
    await shop.send("GET", f"baskets/{basket}")
    await shop.send("GET", "orders")
    await shop.send("GET", "products/1")


@behaviour("obedient-52eseller", "52eseller", "sets all state in every request", innocent=True)
async def obedient(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        for _ in stage.rounds():
            for _ in range(3):
                await _shop(shop)
                await asyncio.sleep(stage.ticket_s * 0.4)


@behaviour("obedient-http2", "52eseller", "the same over HTTP/2 and TLS", innocent=True)
async def obedient_http2(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth, http2=True) as shop:
        for _ in stage.rounds():
            await _shop(shop)
            await asyncio.sleep(stage.ticket_s)


@behaviour("ignores-langid", "52eseller", "never sends the LangId that was issued to it")
async def ignores_langid(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        async for path in _visits(stage, _PATHS):
            await shop.send("GET", path, omit=("LangId",))
            truth.did("omitted", "LangId")


@behaviour(
    "overrides-informational", "52eseller", "reads products in another language", innocent=True
)
async def overrides_informational(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        async for path in _visits(stage, _PRODUCTS):
            answer = await shop.send("GET", path, replace={"LangId": "2"})
            name = expect(answer, 200)["products"][0]["name"]
            require(name == "Stol", "an informational parameter could not be overridden")
            truth.did("overridden", "LangId")


@behaviour("defies-forced", "52eseller", "requests a price list that is not its own")
async def defies_forced(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        async for path in _visits(stage, _PRODUCTS):
            answer = await shop.send("GET", path, replace={"PriceListId": "99"})
            price_list = expect(answer, 200)["products"][0]["priceList"]
            require(price_list == "7", "a forced parameter could be overridden")
            truth.did("defied", "PriceListId")


@behaviour("misplaces-state", "52eseller", "sends LangId as a header and LocId in the query")
async def misplaces_state(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        for _ in stage.rounds():
            for path in _PATHS:
                await shop.send("GET", path, swap=("LangId", "LocId"))
                truth.did("misplaced", "LangId", "LocId")
                await stage.settle()  # the menus issue a new LocId


@behaviour("sends-implicit", "52eseller", "sends the customer's id, which is implicit")
async def sends_implicit(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        async for path in _visits(stage, _PATHS):
            await shop.send("GET", path, reveal=("CustomerId",))
            truth.did("implicit-set", "CustomerId")


@behaviour("authentication-everywhere", "52eseller", "sends X-Authentication where it is an error")
async def authentication_everywhere(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        async for path in _visits(
            stage, ("products", "menus", "products/1", "favorites", "orders")
        ):
            allowed = path in ("favorites", "orders")
            answer = await shop.send("GET", path, authenticate=True)
            expect(answer, 200 if allowed else 400)
            truth.findings["authentication-not-allowed"] += not allowed


@behaviour("basket-currency-by-query", "52eseller", "sets a basket's currency by CurrId")
async def basket_currency_by_query(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        basket = expect(await shop.send("POST", "baskets"), 201)["id"]
        async for path in _visits(stage, [f"baskets/{basket}"] * 4):
            answer = await shop.send("GET", path, replace={"CurrId": "840"})
            currency = expect(answer, 200)["currency"]
            require(currency == "54", "a context parameter changed a basket")
            truth.did("overridden", "CurrId")
            truth.findings["basket-state-by-context"] += 1


@behaviour(
    "parallel-52eseller", "52eseller", "sends many requests at once when its ticket is renewed",
    innocent=True,
)  # fmt: skip
async def parallel(stage: Stage, truth: Truth) -> None:
    async with _logged_in(stage, truth) as shop:
        # Open the connections first, so that parallel requests arrive in parallel.
        await asyncio.gather(*(shop.send("GET", "products") for _ in range(6)))
        for _ in stage.rounds():
            before = shop.held["Ticket"]
            await asyncio.sleep(stage.ticket_s + 0.5)
            waves = []
            for _wave in range(3):
                waves += [
                    asyncio.create_task(shop.send("GET", "products/search")) for _ in range(3)
                ]
                await asyncio.sleep(0.3)
            await asyncio.gather(*waves)
            require(shop.held["Ticket"] != before, "a ticket was not renewed")
            await stage.settle()
            await shop.send("GET", "products")
