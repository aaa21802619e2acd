"""A run of the probe: rounds of pauses through a real mitmdump, until the interval is narrow.

Enters: `Settings`. Leaves: a recording and its row of table `expiry`. In each round a few tokens
pause in parallel, and one more is kept in use meanwhile, which distinguishes an idle timeout from
an age limit. Every use goes through the recorder and is judged like any traffic.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.dialects import Dialect, Param, select
from statetrail.errors import UsageError
from statetrail.probe.client import Prober
from statetrail.probe.rounds import TOKENS, is_enough, keep_alive_pauses, pauses
from statetrail.proxy.mitmdump import recording
from statetrail.recording.conversations import origin
from statetrail.recording.frames import open_recording

MAX_TOKENS: Final = 16
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user allows.

    Attributes
    ----------
    url
        The URL to GET.
    param
        ``DIALECT:PARAM``, or a parameter that only one dialect has.
    store
        SQLite store to record into.
    budget_s
        Maximum duration; no pause begins that would end later.
    requests
        Maximum number of requests; no round begins that could exceed it.
    width
        The interval is narrow enough if the policy is named and the width is at most this fraction
        of the lower end.
    tokens
        Number of tokens that pause in parallel.
    first_s
        The shortest pause of the first round.
    politeness_s
        Minimum time between two uses of one token.
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
class ProbeResult:
    """The result: the row of table `expiry`, the effort, and why the probe stopped."""

    row: dict[str, Any] | None
    requests: int
    rounds: int
    is_narrow: bool
    stop_reason: str


def probe(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> ProbeResult:
    """Probe a server; `progress` is called with a line for each round.

    Raises
    ------
    UsageError
        The URL, the parameter or a limit is invalid.
    StatetrailError
        The server does not answer, or issues no such token at that URL.
    """
    dialect, param = _parameter(settings.param)
    upstream = _origin(settings.url)
    if not 1 <= settings.tokens <= MAX_TOKENS:
        raise UsageError(f"{settings.tokens} tokens make no sense: 1 to {MAX_TOKENS}")
    if min(settings.budget_s, settings.width, settings.first_s, settings.politeness_s) <= 0:
        raise UsageError("the budget, the width and the pauses have to be greater than 0")
    return asyncio.run(_run(settings, upstream, dialect, param, progress))


def _parameter(name: str) -> tuple[Dialect, Param]:
    """The secret parameter that the user names."""
    dialect_name, _, bare = name.rpartition(":")
    tokens = [(d, param) for d in select() for param in d.params if param.clear is None]
    matches = [
        (dialect, param)
        for dialect, param in tokens
        if param.name == bare and dialect_name in ("", dialect.name)
    ]
    if len(matches) != 1:
        choices = ", ".join(f"{dialect.name}:{param.name}" for dialect, param in tokens)
        raise UsageError(f"{name!r} is not the name of one token: choose from {choices}")
    return matches[0]


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
    settings: Settings,
    upstream: str,
    dialect: Dialect,
    param: Param,
    progress: Callable[[str], None],
) -> ProbeResult:
    requests = rounds = 0
    row: dict[str, Any] | None = None
    stop_reason = "the interval is narrow enough"
    async with AsyncExitStack() as stack:
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="statetrail-")))
        (port,) = await stack.enter_async_context(recording([upstream], settings.store, private))
        end = time.monotonic() + settings.budget_s
        front = f"http://127.0.0.1:{port}"
        probers = [
            Prober(front, settings.url, dialect, param, f"statetrail-probe/{n}")
            for n in range(settings.tokens + 1)
        ]
        for prober in probers:
            await stack.enter_async_context(prober.http)
        while not is_enough(row, settings.width):
            left_s = end - time.monotonic()
            planned = [
                pause for pause in pauses(row, settings.first_s, settings.tokens) if pause < left_s
            ]
            uses = keep_alive_pauses(max(planned, default=0.0), settings.politeness_s)
            round_requests = 2 * len(planned) + len(uses) + 1
            if not planned:
                stop_reason = "the next pause is longer than the rest of the budget"
                break
            if requests + round_requests > settings.requests:
                stop_reason = "another round could exceed the maximum number of requests"
                break
            rounds += 1
            progress(f"round {rounds}: pauses of {', '.join(f'{p:.4g} s' for p in planned)}")
            await asyncio.gather(
                *(_use(prober, [pause]) for prober, pause in zip(probers, planned, strict=False)),
                _use(probers[-1], uses),
            )
            requests += round_requests
            row = _row(settings.store, upstream, dialect, param)
    return ProbeResult(row, requests, rounds, is_enough(row, settings.width), stop_reason)


async def _use(prober: Prober, pauses_s: Sequence[float]) -> None:
    """Establish a token and use it after each pause."""
    await prober.establish()
    for pause_s in pauses_s:
        await asyncio.sleep(pause_s)
        await prober.use()


def _row(store: Path, upstream: str, dialect: Dialect, param: Param) -> dict[str, Any] | None:
    rows = expiry(open_recording(store)).rows()
    key = (upstream, dialect.name, param.name)
    return next((r for r in rows if (r["origin"], r["dialect"], r["param"]) == key), None)
