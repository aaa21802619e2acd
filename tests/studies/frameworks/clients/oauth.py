"""Clients of the OAuth servers: a family of refresh tokens each, and its accidents."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

import httpx

from studies.frameworks.clients.agent import PATIENCE_S
from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.clients.returning import returning
from studies.frameworks.servers.ledger import CLIENT_HEADER, DELAY_HEADER
from studies.frameworks.servers.lifetimes import ACCESS_TOKEN_S

_LOGIN: Final = {
    "grant_type": "password",
    "client_id": "app",
    "username": "ada",
    "password": "analytical engine",
}
_REUSE_AGES_S: Final = {0: (1, 3), 10: (2, 5, 8, 9.3, 10.7, 13), 45: (5, 20, 40, 44, 46.5, 50)}
"""At which ages replaced refresh tokens are used again, by the server's window."""
_LATE_S: Final = (2.5, 3, 4, 7)


async def log_in(agent: Any) -> dict[str, Any]:
    """A new family; returns the answer."""
    return (await agent.post("/oauth/token", _LOGIN)).expect(200).json()


def _refresh(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "client_id": "app", "refresh_token": token}


async def refresh(agent: Any, token: str, *statuses: int, **more: Any) -> dict[str, Any]:
    """What a refresh token is answered with."""
    reply = await agent.post("/oauth/token", _refresh(token), **more)
    return reply.expect(*(statuses or (200,))).json()


async def revoke(agent: Any, token: str) -> None:
    """Take a token back."""
    (await agent.post("/oauth/revoke", {"client_id": "app", "token": token})).expect(200)


async def orders(agent: Any, token: str | None, *statuses: int) -> None:
    """Ask the API."""
    headers = {"authorization": f"Bearer {token}"} if token else None
    api = agent.origin.replace("//auth.", "//api.")
    (await agent.get(f"{api}/orders", headers=headers)).expect(*(statuses or (200,)))


async def fresh(agent: Any, issued: dict[str, Any]) -> dict[str, Any]:
    """The tokens; refreshed, where the access token has little time left."""
    if time.monotonic() < issued["arrived"] + issued["expires_in"] * 0.6:
        return issued
    return kept(await refresh(agent, issued["refresh_token"]))


def kept(issued: dict[str, Any]) -> dict[str, Any]:
    """The tokens, with the time at which they came."""
    return issued | {"arrived": time.monotonic()}


async def work(agent: Any) -> None:
    """Refreshes in time, by ``expires_in``; revokes at the end."""
    issued = kept(await log_in(agent))
    for _ in range(5):
        issued = await fresh(agent, issued)
        await orders(agent, issued["access_token"])
        await asyncio.sleep(issued["expires_in"] * 0.25)
    await revoke(agent, issued["refresh_token"])


async def parallel(agent: Any) -> None:
    """Two grants side by side: neither replaces the other."""
    issued = [kept(await log_in(agent)) for _ in range(2)]
    for number in (0, 1, 0, 1):
        issued[number] = await fresh(agent, issued[number])
        await orders(agent, issued[number]["access_token"])


async def challenged(agent: Any) -> None:
    """Asks without a token, is told to bring one, and does."""
    await orders(agent, None, 401)
    await orders(agent, (await log_in(agent))["access_token"])


async def race(agent: Any) -> None:
    """Two tabs refresh with one token at the same time; who loses logs in again."""
    issued = await log_in(agent)
    slow = {"headers": {DELAY_HEADER: "0.5"}}
    sent = _refresh(issued["refresh_token"])
    replies = [agent.post("/oauth/token", sent, **slow) for _ in range(2)]
    answers = [reply.expect(200, 400) for reply in await asyncio.gather(*replies)]
    taken = [answer.json() for answer in answers if answer.status == 200]
    if len(taken) == len(answers):
        await orders(agent, taken[-1]["access_token"])
    else:
        await orders(agent, (await log_in(agent))["access_token"])


async def lost_response(agent: Any) -> None:
    """The answer to a refresh never arrives, and the client asks again."""
    issued = await log_in(agent)
    sent = _refresh(issued["refresh_token"])
    impatient = httpx.Timeout(PATIENCE_S, read=1.0)
    with suppress(httpx.ReadTimeout, httpx.RemoteProtocolError):
        await agent.post("/oauth/token", sent, headers={DELAY_HEADER: "3"}, timeout=impatient)
    again = (await agent.post("/oauth/token", sent)).expect(200, 400)
    issued = again.json() if again.status == 200 else await log_in(agent)
    await orders(agent, issued["access_token"])


async def stolen(agent: Any) -> None:
    """Somebody else uses a refresh token after its owner has: both lose the family."""
    thief = {CLIENT_HEADER: f"{agent.name}-thief", "user-agent": "thief/1"}
    first = await log_in(agent)
    second = await refresh(agent, first["refresh_token"])
    await asyncio.sleep(BEYOND_GRACE_S)
    await refresh(agent, first["refresh_token"], 400, headers=thief)
    await refresh(agent, second["refresh_token"], 400)
    await orders(agent, (await log_in(agent))["access_token"])


def reuse(age_s: float, grace_s: float) -> Any:
    """Uses a refresh token again when it has been replaced for so long."""

    async def script(agent: Any) -> None:
        issued = await log_in(agent)
        await refresh(agent, issued["refresh_token"])
        await asyncio.sleep(age_s)
        await refresh(agent, issued["refresh_token"], *((200, 400) if grace_s else (400,)))

    return script


def late(late_s: float) -> Any:
    """Uses an access token so long after the end that it has stated."""

    async def script(agent: Any) -> None:
        issued = await log_in(agent)
        await orders(agent, issued["access_token"])
        await asyncio.sleep(ACCESS_TOKEN_S + late_s)
        await orders(agent, issued["access_token"], 401)

    return script


async def after_revocation(agent: Any) -> None:
    """Uses an access token that it has revoked, twice."""
    issued = await log_in(agent)
    await orders(agent, issued["access_token"])
    await revoke(agent, issued["access_token"])
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        await orders(agent, issued["access_token"], 401)


async def refused(agent: Any) -> None:
    """Does not hear that its family has ended: uses the refused access token again."""
    first = await log_in(agent)
    await orders(agent, first["access_token"])
    other = {CLIENT_HEADER: f"{agent.name}-elsewhere"}
    sent = {"client_id": "app", "token": first["refresh_token"]}
    (await agent.post("/oauth/revoke", sent, headers=other)).expect(200)
    await orders(agent, first["access_token"], 401)
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        await orders(agent, first["access_token"], 401)


async def omits(agent: Any) -> None:
    """Has been told to bring a token, and leaves it out twice."""
    await orders(agent, None, 401)
    issued = await log_in(agent)
    await orders(agent, issued["access_token"])
    for _ in range(2):
        await asyncio.sleep(BEYOND_GRACE_S)
        await orders(agent, None, 401)


async def begin(agent: Any) -> None:
    """A login, and a use."""
    agent.held = kept(await log_in(agent))
    await orders(agent, agent.held["access_token"])


async def come_back(agent: Any) -> None:
    """Uses the token while it says that it lives, and else gets another one first."""
    agent.held = await fresh(agent, agent.held)
    await orders(agent, agent.held["access_token"])


def _fault(param: str, verdict: str, reason: str | None = None, count: int = 1) -> Any:
    return {"faults": (Fault("bearer", param, verdict, reason, count),)}


_SERVER: Final = "oauth-0"

CLIENTS: Final = (
    *(
        Client(f"{server}-{script.__name__.replace('_', '-')}", server, script)
        for server in ("oauth-0", "oauth-10", "oauth-45")
        for script in (work, race, lost_response)
    ),
    Client("oauth-0-curl", _SERVER, parallel, "curl"),
    Client("oauth-0-parallel", _SERVER, parallel),
    Client("oauth-0-challenged", _SERVER, challenged),
    Client("oauth-0-stolen", _SERVER, stolen),
    *(
        Client(
            *(f"oauth-{grace_s}-reuse-{age_s:g}", f"oauth-{grace_s}", reuse(age_s, grace_s)),
            **_fault("refresh_token", "stale", "superseded"),
        )
        for grace_s, ages in _REUSE_AGES_S.items()
        for age_s in ages
    ),
    *returning(
        *("oauth-0", _SERVER, ACCESS_TOKEN_S),
        begin=begin,
        come_back=come_back,
        factors=(0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.2),
    ),
    *(
        Client(
            *(f"oauth-0-late-{late_s:g}", _SERVER, late(late_s)),
            **_fault("access_token", "stale", "expired"),
        )
        for late_s in _LATE_S
    ),
    Client(
        *("oauth-0-after-revocation", _SERVER, after_revocation),
        **_fault("access_token", "stale", "deleted", 2),
    ),
    Client(
        *("oauth-0-refused", _SERVER, refused),
        **_fault("access_token", "stale", "refused", 2),
    ),
    Client("oauth-0-omits", _SERVER, omits, **_fault("access_token", "omitted", count=2)),
)
