"""Clients of the shop on express-session: an API in JSON behind a session cookie."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import EXPRESS_SESSION_S

_SERVER: Final = "express"
_COOKIE: Final = "connect.sid"


async def login(agent: Any) -> None:
    """Log in, and look at the cart."""
    (await agent.post("/api/login", json={"user": "ada"})).expect(200)
    (await agent.get("/api/cart")).expect(200)


async def logout(agent: Any) -> None:
    """Log out."""
    (await agent.post("/api/logout", json={})).expect(204)


async def shop(agent: Any) -> None:
    """Two visits, with a logout."""
    for _ in range(2):
        await login(agent)
        for _ in range(3):
            (await agent.post("/api/cart", json={"item": 7})).expect(201)
        await logout(agent)


async def come_back(agent: Any) -> None:
    """Look at the cart; log in again where the session is over."""
    if (await agent.get("/api/cart")).expect(200, 401).status == 401:
        await login(agent)


async def after_logout(agent: Any) -> None:
    """Goes on with the session that it has ended, twice."""
    await login(agent)
    old = agent.cookies[_COOKIE]
    await logout(agent)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.get("/api/cart", cookie=f"{_COOKIE}={old}")).expect(401)


async def keeps_session(agent: Any) -> None:
    """Goes on with the session that a second login has replaced."""
    await login(agent)
    old = agent.cookies[_COOKIE]
    await login(agent)
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.get("/api/cart", cookie=f"{_COOKIE}={old}")).expect(401)


def _cookie(verdict: str, reason: str | None = None, count: int = 1) -> tuple[Fault, ...]:
    return (Fault("cookie", _COOKIE, verdict, reason, count),)


CLIENTS: Final = (
    Client("express-shopper", _SERVER, shop),
    Client("express-curl", _SERVER, shop, "curl"),
    *returning("express", _SERVER, EXPRESS_SESSION_S, begin=login, come_back=come_back),
    Client("express-after-logout", _SERVER, after_logout, faults=_cookie("stale", "deleted", 2)),
    Client("express-keeps-session", _SERVER, keeps_session, faults=_cookie("stale", "superseded")),
)
