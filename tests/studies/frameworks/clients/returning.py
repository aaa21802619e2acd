"""Visitors that come back after a pause: what the lifetimes are measured with."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from studies.frameworks.clients.label import Client

_FACTORS: Final = (
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.87,
    1.06,
    1.13,
    1.2,
    1.3,
    1.4,
    1.5,
    1.6,
    1.8,
)

type Visit = Callable[[Any], Awaitable[None]]


def returning(
    name: str,
    server: str,
    lifetime_s: float,
    *,
    begin: Visit,
    come_back: Visit,
    factors: Sequence[float] = _FACTORS,
) -> tuple[Client, ...]:
    """Clients that begin a session, pause, and come back.

    Their pauses are the lifetime times the factors. `come_back` accepts both answers.
    """

    def script(pause_s: float) -> Visit:
        async def visits(agent: Any) -> None:
            await begin(agent)
            await asyncio.sleep(pause_s)
            await come_back(agent)

        return visits

    return tuple(
        Client(f"{name}-return-{number}", server, script(lifetime_s * factor))
        for number, factor in enumerate(factors)
    )
