"""A run of the probe: rounds of pauses through a real mitmdump, until the interval is narrow.

Enters: `Settings`. Leaves: a recording and its row of table `expiry`. In each round a few tokens
pause in parallel, and one more is kept in use meanwhile, which distinguishes an idle timeout from
an age limit. Each token is that of a client of its own. Every use goes through the recorder and is
judged like any traffic.

Whatever ends the run, an interrupt or a server that no longer answers, what was found so far is its
result.
"""

import asyncio
import itertools
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.dialects import Dialect, Param, select
from statetrail.errors import StatetrailError, UsageError
from statetrail.extract.wire_values import CompiledDialect
from statetrail.probe.client import Prober
from statetrail.probe.login import Field, log_in, login_arguments
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
    fields
        Header fields of every request.
    login
        A command that is run for each token before it is established; it prints further header
        fields of that token's requests (`statetrail.probe.login.log_in`).
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
    fields: Sequence[Field] = field(default=(), repr=False)
    login: str | None = field(default=None, repr=False)


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

    SIGINT and SIGTERM end the run, with what was found so far as its result.

    Raises
    ------
    UsageError
        The URL, the parameter, the login command or a limit is invalid.
    StatetrailError
        In the first round the server does not answer, issues no such token at that URL, or the
        login fails.
    """
    dialect, param = _parameter(settings.param)
    upstream = _origin(settings.url)
    if not 1 <= settings.tokens <= MAX_TOKENS:
        raise UsageError(f"{settings.tokens} tokens make no sense: 1 to {MAX_TOKENS}")
    if min(settings.budget_s, settings.width, settings.first_s, settings.politeness_s) <= 0:
        raise UsageError("the budget, the width and the pauses have to be greater than 0")
    if settings.login is not None:
        login_arguments(settings.login)
    return asyncio.run(_Run(settings, upstream, dialect, param, progress).result())


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


class _Run:
    """A run of the probe, and what it has done so far."""

    def __init__(
        self,
        settings: Settings,
        upstream: str,
        dialect: Dialect,
        param: Param,
        progress: Callable[[str], None],
    ) -> None:
        self._settings, self._upstream, self._progress = settings, upstream, progress
        self._dialect, self._param = dialect, param
        self._compiled = CompiledDialect(dialect)
        self._numbers = itertools.count(1)
        self._requests = self._rounds = 0
        self._row: dict[str, Any] | None = None

    async def result(self) -> ProbeResult:
        """The result of the rounds, however they ended."""
        try:
            with _interruptible():
                stop_reason = await self._recorded()
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            stop_reason = "it was interrupted"
            self._read()
        except StatetrailError as error:
            if self._row is None:
                raise
            stop_reason = str(error)
        is_narrow = is_enough(self._row, self._settings.width)
        return ProbeResult(self._row, self._requests, self._rounds, is_narrow, stop_reason)

    async def _recorded(self) -> str:
        """Run rounds until there is a reason to stop, which is returned."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="statetrail-")))
            (port,) = await stack.enter_async_context(
                recording([self._upstream], settings.store, private)
            )
            end = time.monotonic() + settings.budget_s
            while not is_enough(self._row, settings.width):
                left_s = end - time.monotonic()
                longest = pauses(self._row, settings.first_s, settings.tokens)
                planned = [pause for pause in longest if pause < left_s]
                uses = keep_alive_pauses(max(planned, default=0.0), settings.politeness_s)
                round_requests = 2 * len(planned) + len(uses) + 1
                if not planned:
                    return "the next pause is longer than the rest of the budget"
                if self._requests + round_requests > settings.requests:
                    return "another round could exceed the maximum number of requests"
                self._rounds += 1
                self._progress(
                    f"round {self._rounds}: pauses of {', '.join(f'{p:.4g} s' for p in planned)}"
                )
                await self._round(port, [*([pause] for pause in planned), uses])
                self._read()
        return "the interval is narrow enough"

    async def _round(self, port: int, clients: Sequence[Sequence[float]]) -> None:
        """Let clients with these pauses use their tokens at the same time."""
        try:
            async with asyncio.TaskGroup() as group:
                for pauses_s in clients:
                    group.create_task(self._use(port, pauses_s))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _use(self, port: int, pauses_s: Sequence[float]) -> None:
        """Establish a token as a new client and use it after each pause."""
        settings, name = self._settings, f"statetrail-probe/{next(self._numbers)}"
        fields = [*settings.fields, *(await log_in(settings.login) if settings.login else ())]
        prober = Prober(
            f"http://127.0.0.1:{port}", settings.url, self._compiled, self._param, name, fields
        )
        async with prober.http:
            self._requests += 1
            await prober.establish()
            for pause_s in pauses_s:
                await asyncio.sleep(pause_s)
                self._requests += 1
                await prober.use()

    def _read(self) -> None:
        """Take the parameter's row from what was recorded; the last one stays if there is none."""
        if self._rounds:
            self._row = _row(self._settings.store, self._upstream, self._dialect, self._param)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM cancel this task, as SIGINT does."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _row(store: Path, upstream: str, dialect: Dialect, param: Param) -> dict[str, Any] | None:
    rows = expiry(open_recording(store)).rows()
    key = (upstream, dialect.name, param.name)
    return next((r for r in rows if (r["origin"], r["dialect"], r["param"]) == key), None)
