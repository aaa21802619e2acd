"""Clients of the PHP shop."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import PHP_SESSION_S

_SERVER: Final = "php"


async def login(agent: Any) -> None:
    """Log in: the session goes on under another name."""
    (await agent.get("/login")).expect(200)
    reply = (await agent.post("/login", {"user": "ada"})).expect(303)
    (await agent.follow(reply)).expect(200)


async def shop(agent: Any) -> None:
    """Two visits, with a logout."""
    for _ in range(2):
        await login(agent)
        for _ in range(3):
            await agent.follow((await agent.post("/cart", {"item": "7"})).expect(303))
        await agent.follow((await agent.post("/logout", {})).expect(303))


async def come_back(agent: Any) -> None:
    """Look at the cart; log in again where the session is over."""
    if (await agent.get("/cart")).expect(200, 303).status == 303:
        await login(agent)


async def keeps_session(agent: Any) -> None:
    """Goes on with the session of before its login, twice."""
    (await agent.get("/")).expect(200)
    old = agent.cookies["PHPSESSID"]
    await login(agent)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.get("/cart", cookie=f"PHPSESSID={old}")).expect(303)


async def after_logout(agent: Any) -> None:
    """Goes on with the session that it has ended."""
    await login(agent)
    old = agent.cookies["PHPSESSID"]
    (await agent.post("/logout", {})).expect(303)
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.get("/cart", cookie=f"PHPSESSID={old}")).expect(303)


def _cookie(verdict: str, reason: str | None = None, count: int = 1) -> tuple[Fault, ...]:
    return (Fault("cookie", "PHPSESSID", verdict, reason, count),)


CLIENTS: Final = (
    Client("php-shopper", _SERVER, shop),
    Client("php-curl", _SERVER, shop, "curl"),
    *returning("php", _SERVER, PHP_SESSION_S, begin=login, come_back=come_back),
    Client("php-keeps-session", _SERVER, keeps_session, faults=_cookie("stale", "superseded", 2)),
    Client("php-after-logout", _SERVER, after_logout, faults=_cookie("stale", "deleted")),
)
