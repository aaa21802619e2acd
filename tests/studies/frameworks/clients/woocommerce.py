"""Clients of the shop with WooCommerce's headers."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.agent import Reply
from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.servers.lifetimes import CART_TOKEN_S, NONCE_S

_SERVER: Final = "woocommerce"
_CART: Final = "/wp-json/wc/store/v1/cart"
_ITEM: Final = {"id": 7, "quantity": 1}


async def view(agent: Any) -> Reply:
    """The cart."""
    return (await agent.get(_CART)).expect(200)


async def add(agent: Any, status: int, **headers: str) -> Reply:
    """A line more."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await agent.post(f"{_CART}/add-item", json=_ITEM, headers=sent)).expect(status)


async def by_cookie(agent: Any) -> None:
    """A theme's script in a browser: the cookie has the cart, the newest nonce goes with writes."""
    reply = await view(agent)
    for _ in range(6):
        reply = await add(agent, 201, nonce=reply.headers["nonce"])
        await asyncio.sleep(NONCE_S / 5)


async def by_token(agent: Any) -> None:
    """A headless shop: the cart token has the cart, and no nonce is asked for."""
    token = (await view(agent)).headers["cart-token"]
    for number in range(6):
        reply = await add(agent, 201, cart_token=token)
        if number % 2:
            token = reply.headers["cart-token"]
        await asyncio.sleep(CART_TOKEN_S / 8)


async def both(agent: Any) -> None:
    """Sends both, the newest ones."""
    reply = await view(agent)
    for _ in range(4):
        kept = reply.headers
        reply = await add(agent, 201, nonce=kept["nonce"], cart_token=kept["cart-token"])


async def omits_nonce(agent: Any) -> None:
    """Writes without a nonce, twice, and has no cart token either."""
    await view(agent)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        reply = await add(agent, 401)
    await add(agent, 201, nonce=reply.headers["nonce"])


async def keeps_nonce(agent: Any) -> None:
    """Keeps its first nonce beyond its time."""
    first = (await view(agent)).headers["nonce"]
    await asyncio.sleep(NONCE_S)
    assert (await view(agent)).headers["nonce"] != first
    await asyncio.sleep(BEYOND_GRACE_S)
    await add(agent, 403, nonce=first)


async def keeps_token(agent: Any) -> None:
    """Keeps a cart token beyond the expiry that it states, twice; its cart is gone."""
    first = (await agent.get(_CART, cookie="")).expect(200).headers["cart-token"]
    headers = {"cart-token": first}
    added = await agent.post(f"{_CART}/add-item", json=_ITEM, headers=headers, cookie="")
    added.expect(201)
    # The token says so in whole seconds of the server's clock.
    await asyncio.sleep(CART_TOKEN_S + 2 + BEYOND_GRACE_S)
    for _ in range(2):
        (await agent.get(_CART, headers=headers, cookie="")).expect(200)
        await asyncio.sleep(BEYOND_GRACE_S)


async def omits_token(agent: Any) -> None:
    """Forgets the cart token once it has used it: its cart is not found."""
    token = (await agent.get(_CART, cookie="")).expect(200).headers["cart-token"]
    headers = {"cart-token": token}
    added = await agent.post(f"{_CART}/add-item", json=_ITEM, headers=headers, cookie="")
    added.expect(201)
    (await agent.get(_CART, headers=headers, cookie="")).expect(200)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        reply = (await agent.get(_CART, cookie="")).expect(200)
        assert reply.json()["items_count"] == 0


def _fault(param: str, verdict: str, reason: str | None = None, count: int = 1) -> Any:
    return {"faults": (Fault("woocommerce", param, verdict, reason, count),)}


CLIENTS: Final = (
    Client("woo-by-cookie", _SERVER, by_cookie),
    Client("woo-by-token", _SERVER, by_token),
    Client("woo-both", _SERVER, both),
    Client("woo-curl", _SERVER, by_cookie, "curl"),
    Client("woo-curl-token", _SERVER, by_token, "curl"),
    Client("woo-omits-nonce", _SERVER, omits_nonce, **_fault("Nonce", "omitted", count=2)),
    Client("woo-keeps-nonce", _SERVER, keeps_nonce, **_fault("Nonce", "stale", "superseded")),
    Client("woo-keeps-token", _SERVER, keeps_token, **_fault("Cart-Token", "stale", "expired", 2)),
    Client("woo-omits-token", _SERVER, omits_token, **_fault("Cart-Token", "omitted", count=2)),
)
