"""The connections of one client of the demo.

Enters: a `Stage`. Leaves: requests over real sockets, counted in the client's `Truth`.
"""

from types import TracebackType
from typing import Any, Self

import httpx

from statetrail.demo.clients.behaviour import Stage, Truth


class Client:
    """Sends requests to the stage's origin; a context manager.

    Parameters
    ----------
    stage, truth
        Where it acts, and its account.
    headers, options
        Header fields of every request, and further options of `httpx.AsyncClient`.
    """

    def __init__(
        self,
        stage: Stage,
        truth: Truth,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self._stage = stage
        self._truth = truth
        self._http = httpx.AsyncClient(
            headers={"user-agent": truth.user_agent} | (headers or {}),
            timeout=60,
            trust_env=False,
            **{"base_url": stage.url} | options,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()
