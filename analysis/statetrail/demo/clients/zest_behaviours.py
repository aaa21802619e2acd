"""Behaviours of clients of the ZEST API: a compliant one, and five others."""

import asyncio

from statetrail.demo.clients.behaviour import Stage, Truth, behaviour, require
from statetrail.demo.clients.zest import TOKEN, ZestClient, cart_item

_FORGETFUL_REQUESTS = 5


@behaviour("obedient-zest", "zest", "asks once, keeps the token, shops and pauses", innocent=True)
async def obedient(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth) as shop:
        for _ in stage.rounds():
            await shop.get("BrowseCategory/00411")
            await shop.post("Cart", cart_item(4012))
            await shop.get("Cart")
            await shop.post("Cart", cart_item(4011), method="PUT")
            await shop.post("Login", "<Login><user>shopper</user></Login>")
            await shop.get("Order")
            for share in (0.1, 0.3, 0.6, 0.9):
                await asyncio.sleep(stage.idle_s * share)
                await shop.get("Product/4012")
            await shop.get("Catalogue")
            await shop.get("Broken")
            await shop.get("Report")
            await shop.post("Cart", method="DELETE")


@behaviour("keeps-stale-token", "zest", "keeps sending the token that a reset replaced")
async def keeps_stale_token(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth, accept="br") as shop:
        for _ in stage.rounds():
            await shop.get("Cart")
            await asyncio.sleep(stage.idle_s * 0.85)
            await shop.get("Cart")
            old = shop.token
            await asyncio.sleep(stage.idle_s + 0.5)
            await shop.send("GET", "Cart", old)  # the response carries the new token
            for number in range(_FORGETFUL_REQUESTS):
                await stage.settle()
                await shop.send("GET", f"Product/{4010 + number}", old)
                truth.did("stale", TOKEN)
            # The next round continues with the token of the latest response.


@behaviour("restarts-every-request", "zest", "asks for a new session with every request")
async def restarts_every_request(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth, accept="zstd") as shop:
        await shop.get("BrowseCategory/00411")
        await stage.settle()
        for _ in stage.rounds():
            for number in range(_FORGETFUL_REQUESTS):
                await shop.send("GET", f"Product/{4010 + number}", "1")
                truth.did("restarted", TOKEN)
                await asyncio.sleep(0.2)


@behaviour("drops-token", "zest", "goes on without the token halfway through")
async def drops_token(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth, accept="deflate") as shop:
        for _ in stage.rounds():
            await shop.get("BrowseCategory/00411")
            await shop.post("Cart", cart_item(4012))
            await asyncio.sleep(stage.idle_s * 0.7)
            await shop.get("Cart")
            await stage.settle()
            for number in range(_FORGETFUL_REQUESTS):
                await shop.send("GET", f"Product/{4010 + number}", None)
                truth.did("omitted", TOKEN)
                await asyncio.sleep(0.2)


@behaviour(
    "parallel-zest", "zest", "sends many requests at once when the session resets", innocent=True
)
async def parallel(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth) as shop:
        # Open the connections first, so that parallel requests arrive in parallel.
        await shop.get("BrowseCategory/00411")
        await asyncio.gather(*(shop.get("Product/4012") for _ in range(6)))
        for _ in stage.rounds():
            await asyncio.sleep(stage.idle_s + 0.7)
            waves = []
            # Each request carries the token held when it is sent: the old one until the first
            # response is complete, which takes the origin twice as long as this pause. The last
            # wave is sent while the first responses, with the new token, have begun.
            for pause_s in (0.3, 0.7, 0.0):
                waves += [asyncio.create_task(shop.get("Report")) for _ in range(3)]
                await asyncio.sleep(pause_s)
            await asyncio.gather(*waves)
            await stage.settle()
            await shop.get("Cart")


@behaviour(
    "comes-back", "zest", "leaves a full cart, comes back too late, takes the new token",
    innocent=True,
)  # fmt: skip
async def comes_back(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth, accept="identity") as shop:
        for _ in stage.rounds():
            for over_s in (0.2, 0.4, 1.5, 3.0):
                await shop.post("Cart", cart_item(4012))
                await asyncio.sleep(stage.idle_s * 0.5)
                await shop.get("Cart")
                held = shop.token
                await asyncio.sleep(stage.idle_s + over_s)
                cart = await shop.get("Cart")
                require(shop.token != held, "a session outlived its idle time")
                require("<sku>" not in cart.text, "a reset session kept its cart")
