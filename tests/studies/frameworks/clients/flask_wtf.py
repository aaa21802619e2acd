"""Clients of the Flask-WTF shop."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import FLASK_SESSION_S

_SERVER: Final = "flask-wtf"


async def login(agent: Any) -> str:
    """Log in as a browser does; returns the cart's CSRF token."""
    form = (await agent.get("/login")).expect(200)
    sent = {"csrf_token": form.field("csrf_token"), "user": "ada"}
    cart = await agent.follow((await agent.post("/login", sent)).expect(302))
    return cart.expect(200).field("csrf_token")


async def add(agent: Any, token: str) -> str:
    """A line more in the cart, with a form; returns the next page's token."""
    reply = (await agent.post("/cart", {"csrf_token": token})).expect(302)
    return (await agent.follow(reply)).expect(200).field("csrf_token")


async def logout(agent: Any, token: str) -> str:
    """Log out; returns the token of the page that follows."""
    reply = (await agent.post("/logout", {"csrf_token": token})).expect(302)
    return (await agent.follow(reply)).expect(200).field("csrf_token")


async def shop(agent: Any) -> None:
    """Two visits: forms, a script's header, an older tab whose token is as good, logout."""
    for _ in range(2):
        old = await login(agent)
        token = await add(agent, old)
        (await agent.post("/cart", headers={"x-csrftoken": token})).expect(302)
        await add(agent, old)
        await logout(agent, token)


async def come_back(agent: Any) -> None:
    """Look at the cart; log in again where the session is over."""
    cart = (await agent.get("/cart")).expect(200, 302)
    if cart.status == 302:
        await login(agent)


async def omits_token(agent: Any) -> None:
    """Sends two forms without the token, where it has sent one with it."""
    token = await add(agent, await login(agent))
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.post("/cart", {"item": "7"})).expect(400)
    await add(agent, token)


async def omits_header(agent: Any) -> None:
    """A script that forgets the header."""
    token = await login(agent)
    (await agent.post("/cart", headers={"x-csrftoken": token})).expect(302)
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.post("/cart", json={"item": 7})).expect(400)


async def keeps_token(agent: Any) -> None:
    """Takes the token of the session that it has ended."""
    old = await login(agent)
    await logout(agent, old)
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.post("/login", {"csrf_token": old, "user": "ada"})).expect(400)


def _fault(verdict: str, reason: str | None = None, count: int = 1) -> tuple[Fault, ...]:
    return (Fault("flask-wtf", "csrf_token", verdict, reason, count),)


CLIENTS: Final = (
    Client("flask-shopper", _SERVER, shop),
    Client("flask-curl", _SERVER, shop, "curl"),
    *returning("flask", _SERVER, FLASK_SESSION_S, begin=login, come_back=come_back),
    Client("flask-omits-token", _SERVER, omits_token, faults=_fault("omitted", count=2)),
    Client("flask-omits-header", _SERVER, omits_header, "curl", faults=_fault("omitted")),
    Client("flask-keeps-token", _SERVER, keeps_token, faults=_fault("stale", "deleted")),
)
