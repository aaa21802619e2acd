"""Clients of the Tornado shop."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import TORNADO_LOGIN_S

_SERVER: Final = "tornado"


async def login(agent: Any) -> str:
    """Log in as a browser does; returns the cart's token."""
    form = (await agent.get("/login")).expect(200)
    reply = await agent.post("/login", {"_xsrf": form.field("_xsrf"), "user": "ada"})
    return (await agent.follow(reply.expect(303))).expect(200).field("_xsrf")


async def add(agent: Any, token: str) -> str:
    """A line more in the cart; returns the next page's token."""
    reply = (await agent.post("/cart", {"_xsrf": token})).expect(303)
    return (await agent.follow(reply)).expect(200).field("_xsrf")


async def logout(agent: Any, token: str) -> str:
    """Log out; returns the token of the page that follows."""
    reply = (await agent.post("/logout", {"_xsrf": token})).expect(303)
    return (await agent.follow(reply)).expect(200).field("_xsrf")


async def shop(agent: Any) -> None:
    """Two visits: forms, a script's header from the cookie, an older tab, logout."""
    for _ in range(2):
        old = await login(agent)
        token = await add(agent, old)
        headers = {"x-xsrftoken": agent.cookies["_xsrf"].strip('"')}
        (await agent.send("DELETE", "/cart", headers=headers)).expect(303)
        await add(agent, old)
        await logout(agent, token)


async def shop_once(agent: Any) -> None:
    """A visit that ends with the logout: curl 7.88 keeps one of two cookies deleted at once."""
    token = await add(agent, await login(agent))
    (await agent.post("/logout", {"_xsrf": token})).expect(303)


async def come_back(agent: Any) -> None:
    """Look at the cart; log in again where the login is over."""
    cart = (await agent.get("/cart")).expect(200, 302)
    if cart.status == 302:
        await login(agent)


async def omits_token(agent: Any) -> None:
    """Sends two forms without the token, where it has sent one with it."""
    await add(agent, await login(agent))
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.post("/cart", {"item": "7"})).expect(403)


async def omits_header(agent: Any) -> None:
    """A script that forgets the header."""
    token = await login(agent)
    (await agent.send("DELETE", "/cart", headers={"x-xsrftoken": token})).expect(303)
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.send("DELETE", "/cart")).expect(403)


async def keeps_token(agent: Any) -> None:
    """Takes the token of before the logout, which cleared its cookie."""
    old = await login(agent)
    await logout(agent, old)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.post("/login", {"_xsrf": old, "user": "ada"})).expect(403)


async def keeps_login(agent: Any) -> None:
    """Goes on with the login that it has ended, which the signature still makes good."""
    old = (await login(agent), agent.cookies["user"])
    token = await logout(agent, old[0])
    await asyncio.sleep(BEYOND_GRACE_S)
    cookie = f"_xsrf={agent.cookies['_xsrf']}; user={old[1]}"
    (await agent.get("/cart", cookie=cookie)).expect(200)
    assert token


def _xsrf(verdict: str, reason: str | None = None, count: int = 1) -> tuple[Fault, ...]:
    return (Fault("tornado", "_xsrf", verdict, reason, count),)


CLIENTS: Final = (
    Client("tornado-shopper", _SERVER, shop),
    Client("tornado-curl", _SERVER, shop_once, "curl"),
    *returning("tornado", _SERVER, TORNADO_LOGIN_S, begin=login, come_back=come_back),
    Client("tornado-omits-token", _SERVER, omits_token, faults=_xsrf("omitted", count=2)),
    Client("tornado-omits-header", _SERVER, omits_header, "curl", faults=_xsrf("omitted")),
    Client("tornado-keeps-token", _SERVER, keeps_token, faults=_xsrf("stale", "deleted", 2)),
    Client(
        *("tornado-keeps-login", _SERVER, keeps_login),
        faults=(Fault("cookie", "user", "stale", "deleted"),),
    ),
)
