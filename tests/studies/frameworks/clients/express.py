"""Clients of the shop on express-session: an API in JSON behind a session cookie."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import EXPRESS_SESSION_S, REMEMBER_S

_SERVER: Final = "express"
_COOKIE: Final = "connect.sid"


async def login(agent: Any) -> None:
    """Log in, and look at the cart."""
    (await agent.post("/api/login", json={"user": "ada"})).expect(200)
    (await agent.get("/api/cart")).expect(200)


async def logout(agent: Any) -> None:
    """Log out."""
    (await agent.post("/api/logout", json={})).expect(204)


async def shop_once(agent: Any) -> None:
    """A visit that ends with the logout: curl 7.88 keeps some of the cookies deleted at once."""
    await login(agent)
    for _ in range(3):
        (await agent.post("/api/cart", json={"item": 7})).expect(201)
    (await agent.get("/api/account")).expect(200)
    await logout(agent)


async def shop(agent: Any) -> None:
    """Two visits, with a logout."""
    for _ in range(2):
        await shop_once(agent)


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
    cookie = f"{_COOKIE}={old}; remember={agent.cookies['remember']}"
    (await agent.get("/api/cart", cookie=cookie)).expect(401)


async def keeps_expired(agent: Any) -> None:
    """Keeps a cookie beyond the expiry that it states, twice."""
    await login(agent)
    old = agent.cookies["remember"]
    await asyncio.sleep(REMEMBER_S + 2 + BEYOND_GRACE_S)
    for _ in range(2):
        cookie = f"{_COOKIE}={agent.cookies[_COOKIE]}; remember={old}"
        (await agent.get("/api/cart", cookie=cookie)).expect(200, 401)


async def sends_everywhere(agent: Any) -> None:
    """Sends the cookie of one path to another, twice."""
    await login(agent)
    (await agent.get("/api/account")).expect(200)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        held = agent.cookies
        cookie = "; ".join(f"{name}={held[name]}" for name in (_COOKIE, "remember", "account"))
        (await agent.get("/api/cart", cookie=cookie)).expect(200)


def _cookie(
    verdict: str, reason: str | None = None, count: int = 1, name: str = _COOKIE
) -> tuple[Fault, ...]:
    return (Fault("cookie", name, verdict, reason, count),)


CLIENTS: Final = (
    Client("express-shopper", _SERVER, shop),
    Client("express-curl", _SERVER, shop_once, "curl"),
    *returning("express", _SERVER, EXPRESS_SESSION_S, begin=login, come_back=come_back),
    Client("express-after-logout", _SERVER, after_logout, faults=_cookie("stale", "deleted", 2)),
    Client("express-keeps-session", _SERVER, keeps_session, faults=_cookie("stale", "superseded")),
    Client(
        *("express-keeps-expired", _SERVER, keeps_expired),
        faults=_cookie("stale", "expired", 2, "remember"),
    ),
    Client(
        *("express-sends-everywhere", _SERVER, sends_everywhere),
        faults=_cookie("misplaced", None, 2, "account"),
    ),
)
