"""Behaviours of clients of the ZEST API: a compliant one, and five others."""

import asyncio
from collections.abc import Awaitable, Callable

from statetrail.demo.clients.behaviour import Stage, Truth, ask_in_waves, behaviour, require
from statetrail.demo.clients.zest import TOKEN, ZestClient, cart_item

type _Act = Callable[[ZestClient], Awaitable[None]]


def _shopper(
    name: str, description: str, *, innocent: bool = False, accept: str = "gzip, deflate, br, zstd"
) -> Callable[[_Act], _Act]:
    """Register a behaviour of a client that accepts these content codings."""

    def register(act: _Act) -> _Act:
        @behaviour(name, description, innocent=innocent)
        async def shop(stage: Stage, truth: Truth) -> None:
            async with ZestClient(stage, truth, accept=accept) as client:
                await act(client)

        return act

    return register


async def _insist(shop: ZestClient, token: str | None, verdict: str) -> None:
    """Ask for five products with this token, whatever the responses carry; each is a fault."""
    for sku in range(4010, 4015):
        await shop.stage.settle()
        await shop.send("GET", f"Product/{sku}", token)
        shop.truth.did(verdict, TOKEN)


@_shopper("obedient-zest", "asks once, keeps the token, shops and pauses", innocent=True)
async def obedient(shop: ZestClient) -> None:
    for _ in shop.stage.rounds():
        await shop.get("BrowseCategory/00411")
        await shop.post("Cart", cart_item(4012))
        await shop.get("Cart")
        await shop.post("Cart", cart_item(4011), method="PUT")
        await shop.post("Login", "<Login><user>shopper</user></Login>")
        await shop.get("Order")
        for share in (0.1, 0.3, 0.6, 0.9):
            await asyncio.sleep(shop.stage.idle_s * share)
            await shop.get("Product/4012")
        for path in ("Catalogue", "Broken", "Report"):
            await shop.get(path)
        await shop.post("Cart", method="DELETE")


@_shopper("keeps-stale-token", "keeps sending the token that a reset replaced", accept="br")
async def keeps_stale_token(shop: ZestClient) -> None:
    for _ in shop.stage.rounds():
        await shop.get("Cart")
        await asyncio.sleep(shop.stage.idle_s * 0.85)
        await shop.get("Cart")
        old = shop.token
        await asyncio.sleep(shop.stage.idle_s + 0.5)
        await shop.send("GET", "Cart", old)  # the response carries the new token
        await _insist(shop, old, "stale")
        # The next round continues with the token of the latest response.


@_shopper("restarts-every-request", "asks for a new session with every request", accept="zstd")
async def restarts_every_request(shop: ZestClient) -> None:
    await shop.get("BrowseCategory/00411")
    for _ in shop.stage.rounds():
        await _insist(shop, "1", "restarted")


@_shopper("drops-token", "goes on without the token halfway through", accept="deflate")
async def drops_token(shop: ZestClient) -> None:
    for _ in shop.stage.rounds():
        await shop.get("BrowseCategory/00411")
        await shop.post("Cart", cart_item(4012))
        await asyncio.sleep(shop.stage.idle_s * 0.7)
        await shop.get("Cart")
        await _insist(shop, None, "omitted")


@_shopper("parallel-zest", "sends many requests at once when the session resets", innocent=True)
async def parallel(shop: ZestClient) -> None:
    # Open the connections first, so that parallel requests arrive in parallel.
    await shop.get("BrowseCategory/00411")
    await asyncio.gather(*(shop.get("Product/4012") for _ in range(6)))
    for _ in shop.stage.rounds():
        await asyncio.sleep(shop.stage.idle_s + 0.7)
        # Each request carries the token held when it is sent: the old one until the first response
        # is complete, which takes the origin twice as long as the first pause. The last wave is
        # sent while the first responses, with the new token, have begun.
        await ask_in_waves(lambda: shop.get("Report"), (0.3, 0.7, 0.0))
        await shop.stage.settle()
        await shop.get("Cart")


@_shopper(
    "comes-back", "leaves a full cart, comes back too late, takes the new token",
    innocent=True, accept="identity",
)  # fmt: skip
async def comes_back(shop: ZestClient) -> None:
    for _ in shop.stage.rounds():
        for over_s in (0.2, 0.4, 1.5, 3.0):
            await shop.post("Cart", cart_item(4012))
            await asyncio.sleep(shop.stage.idle_s * 0.5)
            await shop.get("Cart")
            held = shop.token
            await asyncio.sleep(shop.stage.idle_s + over_s)
            cart = await shop.get("Cart")
            require(shop.token != held, "a session outlived its idle time")
            require("<sku>" not in cart, "a reset session kept its cart")
