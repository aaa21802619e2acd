"""The probe's run: rounds of pauses through a real mitmdump, until the interval is narrow enough.

Enters: `Settings`. Leaves: a recording and what it says of the limits. In each round a few tokens
rest side by side, each for its pause, and one more is kept in use meanwhile, which tells an idle
timeout from a limit on the age. Every use goes through the recorder and is judged as any traffic.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.dialects import Dialect, Param, select
from statetrail.errors import UsageError
from statetrail.probe.client import Prober
from statetrail.probe.rounds import TOKENS, is_enough, pauses, steps
from statetrail.proxy.processes import recording
from statetrail.recording.frames import open_recording, origin

MAX_TOKENS: Final = 16
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user allows.

    Attributes
    ----------
    url
        The one URL that is asked, by GET.
    param
        ``DIALECT:PARAM``, or a parameter that only one dialect has.
    store
        SQLite store to record into.
    budget_s
        No pause begins that would end later.
    requests
        No round begins that could make more.
    width
        The interval is narrow enough when the policy is named and it is no wider than this part
        of its lower end.
    tokens
        Tokens that rest side by side.
    first_s
        The shortest pause of the first round.
    politeness_s
        Least time between two uses of one token.
    """

    url: str
    param: str
    store: Path
    budget_s: float
    requests: int = 500
    width: float = 0.05
    tokens: int = TOKENS
    first_s: float = 1.0
    politeness_s: float = 0.2


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of it: the row of table `expiry`, requests made, rounds, and why it ended."""

    row: dict[str, Any] | None
    requests: int
    rounds: int
    narrow: bool
    ended: str


def probe(settings: Settings, told: Callable[[str], None] = lambda _: None) -> Probed:
    """Probe a server; `told` hears of each round.

    Raises
    ------
    UsageError
        The URL, the parameter or a bound makes no sense.
    StatetrailError
        The server does not answer, or issues no such token at that URL.
    """
    dialect, param = _chosen(settings.param)
    asked = _origin(settings.url)
    if not 1 <= settings.tokens <= MAX_TOKENS:
        raise UsageError(f"{settings.tokens} tokens make no sense: 1 to {MAX_TOKENS}")
    if min(settings.budget_s, settings.width, settings.first_s, settings.politeness_s) <= 0:
        raise UsageError("the budget, the width and the pauses have to be more than nothing")
    return asyncio.run(_run(settings, asked, dialect, param, told))


def _chosen(name: str) -> tuple[Dialect, Param]:
    """The parameter that the user means."""
    wanted, _, bare = name.rpartition(":")
    found = [
        (dialect, param)
        for dialect in select()
        for param in dialect.params
        if param.name == bare and wanted in ("", dialect.name) and param.clear is None
    ]
    if len(found) != 1:
        known = [
            f"{dialect.name}:{param.name}"
            for dialect in select()
            for param in dialect.params
            if param.clear is None
        ]
        raise UsageError(f"{name!r} names no one token: choose from {', '.join(known)}")
    return found[0]


def _origin(url: str) -> str:
    """The origin of the URL as recordings write it."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise UsageError(f"{url!r} is no URL to probe: name one like https://shop.example/API/V3")
    return origin(parts.scheme, parts.hostname.lower(), port)


async def _run(
    settings: Settings, asked: str, dialect: Dialect, param: Param, told: Callable[[str], None]
) -> Probed:
    made = rounds = 0
    row: dict[str, Any] | None = None
    ended = "the interval is as narrow as asked"
    async with AsyncExitStack() as stack:
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="statetrail-")))
        (port,) = await stack.enter_async_context(recording([asked], settings.store, private))
        end = time.monotonic() + settings.budget_s
        front = f"http://127.0.0.1:{port}"
        names = [f"statetrail-probe/{n}" for n in range(settings.tokens + 1)]
        probers = [
            await stack.enter_async_context(Prober(front, settings.url, dialect, param, name))
            for name in names
        ]
        while not is_enough(row, settings.width):
            planned = pauses(row, settings.first_s, settings.tokens)
            left = end - time.monotonic()
            planned = tuple(pause for pause in planned if pause < left)
            uses = steps(max(planned, default=0.0), settings.politeness_s)
            if not planned:
                ended = "the next pause would be longer than what is left of the budget"
                break
            if made + 2 * len(planned) + len(uses) + 1 > settings.requests:
                ended = f"{made} requests were made, and a round more could exceed the limit"
                break
            rounds += 1
            told(f"round {rounds}: pauses of {', '.join(f'{p:.4g} s' for p in planned)}")
            resting = [_rest(p, pause) for p, pause in zip(probers, planned, strict=False)]
            await asyncio.gather(*resting, _keep(probers[-1], uses))
            made += 2 * len(planned) + len(uses) + 1
            row = _found(settings.store, asked, dialect, param)
    return Probed(row, made, rounds, ended.startswith("the interval"), ended)


async def _rest(prober: Prober, pause_s: float) -> None:
    await prober.establish()
    await asyncio.sleep(pause_s)
    await prober.use()


async def _keep(prober: Prober, uses: list[float]) -> None:
    await prober.establish()
    for pause_s in uses:
        await asyncio.sleep(pause_s)
        await prober.use()


def _found(store: Path, asked: str, dialect: Dialect, param: Param) -> dict[str, Any] | None:
    rows = expiry(open_recording(store)).rows()
    wanted = (asked, dialect.name, param.name)
    return next((r for r in rows if (r["origin"], r["dialect"], r["param"]) == wanted), None)
