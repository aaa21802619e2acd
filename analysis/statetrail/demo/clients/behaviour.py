"""A client of the demo: a named behaviour, its connections, and its own account of what it did.

Enters: a `Stage`, on which a behaviour acts. Leaves: requests over real sockets, and its `Truth`,
exact counts that the audit is checked against. A client counts what it does on purpose: nothing
here is derived from the traffic by the rules that the audit follows.
"""

import asyncio
import copy
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

import httpx

from statetrail.demo.secrets_file import Remember
from statetrail.errors import StatetrailError

type OriginName = Literal["zest", "52eseller"]

USER_AGENT: Final = "statetrail-demo/"
"""The beginning of every client's user agent."""


@dataclass(slots=True)
class Truth:
    """A client's own account of what it did.

    `verdicts` counts exactly each verdict that is a fault or an override, by parameter, and
    `findings` the occurrences of each named rule; `resets` the responses to a held token that
    carried another one. It began `sessions`, and held `at_once` of them at the same time.
    """

    user_agent: str
    requests: int = 0
    sessions: int = 0
    at_once: int = 1
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    resets: int = 0

    def did(self, verdict: str, *params: str) -> None:
        """Count one verdict for each of the parameters."""
        for param in params:
            self.verdicts[param, verdict] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a client acts, and at what pace.

    Attributes
    ----------
    urls
        Base URLs of the origins.
    settle_s
        A pause after which a response counts as received: the audit's grace period and a margin.
    until_s
        Time (monotonic) until which rounds begin.
    remember
        Called with every secret that a client sends.
    """

    urls: dict[OriginName, str]
    settle_s: float
    idle_s: float
    ticket_s: float
    until_s: float
    private: Path
    remember: Remember

    async def settle(self) -> None:
        """Wait until earlier responses count as received."""
        await asyncio.sleep(self.settle_s)

    @property
    def left_s(self) -> float:
        """Seconds during which rounds still begin; 0 if that time is over."""
        return max(0.0, self.until_s - time.monotonic())

    def rounds(self) -> Iterator[int]:
        """The rounds: at least one, and more while there is time."""
        number = 0
        while number == 0 or self.left_s > 0:
            yield number
            number += 1


def require(condition: bool, problem: str) -> None:
    """Raise `StatetrailError` if an origin deviates from the protocol: the truth is void then."""
    if not condition:
        raise StatetrailError(f"the demo failed: {problem}")


class Client:
    """Sends requests to the stage's origin; a context manager.

    `headers` are those of every request, `options` further ones of `httpx.AsyncClient`.
    """

    def __init__(
        self,
        stage: Stage,
        truth: Truth,
        url: str,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.stage = stage
        self.truth = truth
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"user-agent": truth.user_agent} | (headers or {}),
            timeout=180,
            trust_env=False,
            **options,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def forget(self) -> None:
        """Hold no state any more, as a new process does."""
        raise NotImplementedError

    def beside(self) -> Self:
        """Another user of the same program: over the same connections, without any state yet."""
        other = copy.copy(self)
        other.forget()
        return other


async def ask_in_waves(ask: Callable[[], Awaitable[object]], pauses_s: Iterable[float]) -> None:
    """Ask three times at once before each pause, and wait for all responses in the end."""
    requests: list[asyncio.Future[object]] = []
    for pause_s in pauses_s:
        requests += [asyncio.ensure_future(ask()) for _ in range(3)]
        await asyncio.sleep(pause_s)
    await asyncio.gather(*requests)


type Act = Callable[[Stage, Truth], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A named way to behave.

    `name` is part of the client's user agent; of an `innocent` one the audit must find no fault;
    `needs` is a program on PATH that it requires.
    """

    name: str
    description: str
    innocent: bool
    act: Act
    needs: str | None = None

    @property
    def user_agent(self) -> str:
        """The user agent that identifies the client in a report."""
        return USER_AGENT + self.name


BEHAVIOURS: Final[dict[str, Behaviour]] = {}
"""Every behaviour by its name."""


def behaviour(
    name: str, description: str, *, innocent: bool = False, needs: str | None = None
) -> Callable[[Act], Act]:
    """Register a function in `BEHAVIOURS`."""

    def register(act: Act) -> Act:
        assert name not in BEHAVIOURS
        BEHAVIOURS[name] = Behaviour(name, description, innocent, act, needs)
        return act

    return register
