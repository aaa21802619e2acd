"""Clients of the shop on Tomcat: with a cookie, or with the session in the path."""

import asyncio
from typing import Any, Final

from lxml import html

from studies.frameworks.clients.agent import Reply
from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import TOMCAT_SESSION_S

_SERVER: Final = "tomcat"
_TOKEN: Final = "org.apache.struts.taglib.html.TOKEN"


def link(reply: Reply, path: str) -> str:
    """Where a page's link to the path leads, with the session in it."""
    links = html.fromstring(reply.text).xpath("//a/@href | //form/@action")
    return next(str(each) for each in links if str(each).split(";")[0] == path)


async def login(agent: Any) -> Reply:
    """Log in with cookies; returns the cart."""
    (await agent.get("/login")).expect(200)
    reply = (await agent.post("/login", {"user": "ada"})).expect(302)
    return (await agent.follow(reply)).expect(200)


async def shop(agent: Any) -> None:
    """A browser that keeps the cookie: an order with its token, a logout."""
    for _ in range(2):
        await login(agent)
        form = (await agent.get("/order")).expect(200)
        (await agent.post("/order", {_TOKEN: form.field(_TOKEN)})).expect(200)
        reply = (await agent.post("/logout", {})).expect(302)
        assert reply.headers["location"].endswith("/goodbye.html")


async def login_by_path(agent: Any) -> Reply:
    """Log in without cookies; returns the cart, whose links have the session."""
    page = (await agent.get("/login", cookie="")).expect(200)
    reply = await agent.post(link(page, "/login"), {"user": "ada"}, cookie="")
    return (await agent.get(reply.expect(302).headers["location"], cookie="")).expect(200)


async def order_by_path(agent: Any, page: Reply) -> Reply:
    """Order without cookies; returns the last page."""
    form = (await agent.get(link(page, "/order"), cookie="")).expect(200)
    sent = {_TOKEN: form.field(_TOKEN)}
    return (await agent.post(link(form, "/order"), sent, cookie="")).expect(200)


async def by_path(agent: Any) -> None:
    """A client without cookies follows the links as they stand."""
    page = await login_by_path(agent)
    for _ in range(2):
        page = await order_by_path(agent, page)
        page = (await agent.get(link(page, "/cart"), cookie="")).expect(200)


async def come_back(agent: Any) -> None:
    """Look at the cart; log in again where the session is over."""
    if (await agent.get("/cart")).expect(200, 302).status == 302:
        await login(agent)


async def omits_path(agent: Any) -> None:
    """Builds its addresses itself, without the session, twice: it is logged out."""
    page = await login_by_path(agent)
    await agent.get(link(page, "/cart"), cookie="")
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.get("/cart", cookie="")).expect(302)


async def keeps_path(agent: Any) -> None:
    """Goes on with the address of before its login, which gave the session another name."""
    page = (await agent.get("/login", cookie="")).expect(200)
    old = link(page, "/cart")
    await agent.get(old, cookie="")
    reply = await agent.post(link(page, "/login"), {"user": "ada"}, cookie="")
    await agent.get(reply.expect(302).headers["location"], cookie="")
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.get(old, cookie="")).expect(302)


async def sends_twice(agent: Any) -> None:
    """Sends a form of one use again, twice."""
    page = await login_by_path(agent)
    form = (await agent.get(link(page, "/order"), cookie="")).expect(200)
    sent = {_TOKEN: form.field(_TOKEN)}
    (await agent.post(link(form, "/order"), sent, cookie="")).expect(200)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.post(link(form, "/order"), sent, cookie="")).expect(409)


def _fault(param: str, verdict: str, reason: str | None = None, count: int = 1) -> Any:
    return {"faults": (Fault("jsessionid", param, verdict, reason, count),)}


CLIENTS: Final = (
    Client("tomcat-shopper", _SERVER, shop),
    Client("tomcat-curl", _SERVER, by_path, "curl"),
    Client("tomcat-by-path", _SERVER, by_path),
    *returning("tomcat", _SERVER, TOMCAT_SESSION_S, begin=login, come_back=come_back),
    Client("tomcat-omits-path", _SERVER, omits_path, **_fault("jsessionid", "omitted", count=2)),
    Client("tomcat-keeps-path", _SERVER, keeps_path, **_fault("jsessionid", "stale", "superseded")),
    Client(
        "tomcat-sends-twice", _SERVER, sends_twice, **_fault("struts.TOKEN", "stale", "used", 2)
    ),
)
