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
_STAGGER_S: Final = 0.1


@behaviour("backend", f"a shop's backend, with a session for each of {SHOPPERS} shoppers",
           innocent=True)  # fmt: skip
async def backend(stage: Stage, truth: Truth) -> None:
    async with ZestClient(stage, truth) as first:
        shoppers = [first, *(first.beside() for _ in range(SHOPPERS - 1))]
        truth.at_once = SHOPPERS
        # All sessions have begun before the first one goes on.
        await asyncio.gather(*(shopper.get("BrowseCategory/00411") for shopper in shoppers))
        for _ in stage.rounds():
            await asyncio.gather(*(_visit(*each) for each in enumerate(shoppers)), _read(first.beside()))


async def _visit(number: int, shopper: ZestClient) -> None:
    """One visit: products in parallel, then the cart, which is filled again if it was lost."""
    await asyncio.sleep(number % _NTH_RETURNS * _STAGGER_S)
    await asyncio.gather(*(shopper.get(f"Product/{sku}") for sku in (4010, 4011, 4012)))
    await shopper.post("Cart", cart_item(4012))
    match number % _NTH_RETURNS:
        case 0:
            held = shopper.token
            await asyncio.sleep(shopper.stage.idle_s + 0.5)
            await asyncio.gather(*(shopper.get("Cart") for _ in range(2)))
            require(shopper.token != held, "a session outlived its idle time")
            await shopper.post("Cart", cart_item(4012))
        case 1:
            await shopper.stage.settle()
            shopper.forget()
            # The proxy cannot tell who asks for a session.
            shopper.truth.did("many-sessions", TOKEN)
            await shopper.post("Cart", cart_item(4012))
    await shopper.get("Cart")


async def _read(shop: ZestClient) -> None:
    """The backend's own reads, of no shopper and without a token."""
    await shop.stage.settle()
    for sku in (4010, 4011, 4012):
        await asyncio.sleep(2 * _STAGGER_S)
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
    await asyncio.gather(*(person.send("GET", path) for path in ("products", "products/2")))
