"""Visitors that come back after a pause: what the lifetimes are measured with.

Who pauses for less than the lifetime comes back several times: an idle timeout lets a session grow
older than that, a limit on its age does not.
"""

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

_VISITS: Final = 3
"""Visits after pauses that are shorter than the lifetime."""

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

    def script(factor: float) -> Visit:
        async def visits(agent: Any) -> None:
            await begin(agent)
            for _ in range(_VISITS if factor < 1 else 1):
                await asyncio.sleep(lifetime_s * factor)
                await come_back(agent)

        return visits

    return tuple(
        Client(f"{name}-return-{number}", server, script(factor))
        for number, factor in enumerate(factors)
    )
