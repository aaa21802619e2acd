"""Senders that hold several sessions at once: a shop's backend, and two people behind one address.

Each of their users is obedient. The proxy sees one address and one User-Agent.
"""

import asyncio
from typing import Final

from statetrail.demo.clients.behaviour import Stage, Truth, behaviour, require
from statetrail.demo.clients.eseller import EsellerClient
from statetrail.demo.clients.zest import TOKEN, ZestClient, cart_item

SHOPPERS: Final = 30
_NTH_RETURNS: Final = 10
"""One shopper in so many comes back too late, and another one as a new process."""
_VISITORS: Final = 5
"""Shoppers that act at the same time: few enough for connections that are open already, so that
parallel requests arrive in parallel on a busy machine, too."""


@behaviour("backend", f"a shop's backend, with a session for each of {SHOPPERS} shoppers",
           innocent=True)  # fmt: skip
async def backend(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth) as first:
        shoppers = [first, *(first.beside() for _ in range(SHOPPERS - 1))]
        truth.at_once = SHOPPERS
        # All sessions have begun before the first one goes on.
        await asyncio.gather(*(shopper.get("BrowseCategory/00411") for shopper in shoppers))
        busy = asyncio.Semaphore(_VISITORS)
        for _ in stage.rounds():
            visits = (_visit(*each, busy) for each in enumerate(shoppers))
            await asyncio.gather(*visits, _read(first.beside()))


async def _visit(number: int, shopper: ZestClient, busy: asyncio.Semaphore) -> None:
    """A visit with parallel reads and a cart, which is filled again if it was lost."""
    async with busy:
        # One request first: what comes in parallel comes to a session that has not just ended.
        await shopper.get("Product/4012")
        await asyncio.gather(*(shopper.get(f"Product/{sku}") for sku in (4010, 4011)))
        await shopper.post("Cart", cart_item(4012))
    match number % _NTH_RETURNS:
        case 0:
            held = shopper.token
            await asyncio.sleep(shopper.stage.idle_s + 0.5)
            # Slow responses: both requests are on their way before either is answered.
            await asyncio.gather(*(shopper.get("Report") for _ in range(2)))
            require(shopper.token != held, "a session outlived its idle time")
        case 1:
            await shopper.stage.settle()
            shopper.forget()
            # The proxy cannot tell which of the shoppers asks for a session.
            shopper.truth.did("many-sessions", TOKEN)
        case _:
            return
    async with busy:
        await shopper.post("Cart", cart_item(4012))
        await shopper.get("Cart")


async def _read(shop: ZestClient) -> None:
    """The backend's own reads, of no shopper and without a token."""
    for sku in (4010, 4011, 4012):
        await shop.stage.settle()
        await shop.send("GET", f"Product/{sku}", None)
        shop.truth.did("many-sessions", TOKEN)


@behaviour("two-people", "two people behind one address, each with a login of their own",
           innocent=True)  # fmt: skip
async def two_people(stage: Stage, truth: Truth) -> None:
    async with EsellerClient(stage, truth) as one:
        people = (one, one.beside())
        truth.at_once = len(people)
        await asyncio.gather(*(person.log_in() for person in people))
        for _ in stage.rounds():
            # Strictly in turns: each request follows one of the other person.
            for path in ("products", "menus", "favorites", "products/1", "orders"):
                for person in people:
                    await person.send("GET", path)
            await asyncio.gather(*(_buy(person) for person in people))


async def _buy(person: EsellerClient) -> None:
    """A person waits until the ticket is renewed, and then sets a basket's state."""
    before = person.held["Ticket"]
    await asyncio.sleep(person.stage.ticket_s)
    await person.send("GET", "products")
    require(person.held["Ticket"] != before, "a ticket was not renewed")
    answer = await person.send("POST", "baskets")
    basket = answer.json()["id"]
    await person.send("PUT", f"baskets/{basket}/state", {"currency": "208"})
    await asyncio.gather(*(person.send("GET", path) for path in ("favorites", "orders")))
