"""Clients of the Django shop."""

import asyncio
from typing import Any, Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.lifetimes import DJANGO_SESSION_S

_SERVER: Final = "django"
_TOKEN: Final = "csrfmiddlewaretoken"
_CREDENTIALS: Final = {"username": "ada", "password": "analytical engine"}
_FORM: Final = {"referer": "https://django.test/"}
"""Django wants to know where a form was."""


async def login(agent: Any) -> str:
    """Log in as a browser does; returns the cart's CSRF token."""
    form = (await agent.get("/login")).expect(200)
    sent = {_TOKEN: form.field(_TOKEN), **_CREDENTIALS}
    reply = (await agent.post("/login", sent, headers=_FORM)).expect(302)
    return (await agent.follow(reply)).expect(200).field(_TOKEN)


async def add(agent: Any, token: str) -> str:
    """A line more in the cart; returns the next page's token."""
    sent = {_TOKEN: token, "item": "7"}
    reply = (await agent.post("/cart", sent, headers=_FORM)).expect(302)
    return (await agent.follow(reply)).expect(200).field(_TOKEN)


async def logout(agent: Any, token: str) -> None:
    """Log out, and look at the catalogue."""
    reply = (await agent.post("/logout", {_TOKEN: token}, headers=_FORM)).expect(302)
    (await agent.follow(reply)).expect(200)


async def shop(agent: Any) -> None:
    """Two visits: forms, a script's header, an older tab whose token is as good, logout."""
    for _ in range(2):
        old = await login(agent)
        token = await add(agent, old)
        headers = _FORM | {"x-csrftoken": token}
        (await agent.post("/cart", {"item": "8"}, headers=headers)).expect(302)
        await add(agent, old)
        headers = _FORM | {"x-csrftoken": agent.cookies["csrftoken"]}
        (await agent.post("/cart", {"item": "8"}, headers=headers)).expect(302)
        await logout(agent, token)


async def come_back(agent: Any) -> None:
    """Look at the cart; log in again where the session is over."""
    cart = (await agent.get("/cart")).expect(200, 302)
    if cart.status == 302:
        await login(agent)


async def omits_token(agent: Any) -> None:
    """Sends two forms without the token, where it has sent one with it."""
    await add(agent, await login(agent))
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        (await agent.post("/cart", {"item": "7"}, headers=_FORM)).expect(403)


async def omits_header(agent: Any) -> None:
    """A script that forgets the header."""
    token = await login(agent)
    headers = _FORM | {"x-csrftoken": token}
    (await agent.post("/cart", {"item": "7"}, headers=headers)).expect(302)
    await asyncio.sleep(BEYOND_GRACE_S)
    (await agent.post("/cart", json={"item": 7}, headers=_FORM)).expect(403)


async def keeps_token(agent: Any) -> None:
    """Takes the token of the form from before the login, which the login has replaced."""
    form = (await agent.get("/")).expect(200)
    token = form.field(_TOKEN)
    await login(agent)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        sent = {_TOKEN: token, "item": "7"}
        (await agent.post("/cart", sent, headers=_FORM)).expect(403)


async def keeps_cookies(agent: Any) -> None:
    """Goes on with the session that it has ended, twice."""
    token = await login(agent)
    old = agent.cookies
    await logout(agent, token)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        csrf = agent.cookies["csrftoken"]
        cookie = f"csrftoken={csrf}; sessionid={old['sessionid']}"
        (await agent.get("/cart", cookie=cookie)).expect(302)


async def keeps_session(agent: Any) -> None:
    """Goes on with the session of before its login, which the login has replaced."""
    await agent.get("/")
    old = agent.cookies["sessionid"]
    await login(agent)
    await asyncio.sleep(BEYOND_GRACE_S)
    csrf = agent.cookies["csrftoken"]
    (await agent.get("/cart", cookie=f"csrftoken={csrf}; sessionid={old}")).expect(302)


async def omits_session(agent: Any) -> None:
    """Leaves the session out, and sends the other cookie of the jar."""
    token = await login(agent)
    token = await add(agent, token)
    await asyncio.sleep(BEYOND_GRACE_S)
    csrf = agent.cookies["csrftoken"]
    (await agent.get("/cart", cookie=f"csrftoken={csrf}")).expect(302)


def _csrf(verdict: str, reason: str | None = None, count: int = 1) -> tuple[Fault, ...]:
    return (Fault("django", "csrftoken", verdict, reason, count),)


def _cookie(verdict: str, reason: str | None = None, count: int = 1) -> tuple[Fault, ...]:
    return (Fault("cookie", "sessionid", verdict, reason, count),)


CLIENTS: Final = (
    Client("django-shopper", _SERVER, shop),
    Client("django-curl", _SERVER, shop, "curl"),
    *returning("django", _SERVER, DJANGO_SESSION_S, begin=login, come_back=come_back),
    Client("django-omits-token", _SERVER, omits_token, faults=_csrf("omitted", count=2)),
    Client("django-omits-header", _SERVER, omits_header, "curl", faults=_csrf("omitted")),
    Client("django-keeps-token", _SERVER, keeps_token, faults=_csrf("stale", "superseded", 2)),
    Client("django-keeps-cookies", _SERVER, keeps_cookies, faults=_cookie("stale", "deleted", 2)),
    Client("django-keeps-session", _SERVER, keeps_session, faults=_cookie("stale", "superseded")),
    Client("django-omits-session", _SERVER, omits_session, faults=_cookie("omitted")),
)
