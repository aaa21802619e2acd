"""Servers, a real mitmdump with the recorder, and clients: started, driven, stopped.

Enters: servers and clients. Leaves: in a folder the store ``recording.sqlite``, mitmproxy's flows
``traffic.flows``, a ledger and a log a server.
"""

import asyncio
import json
import os
import signal
import ssl
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from statetrail.proxy.processes import end_process, last_line
from studies.frameworks.clients.agent import CurlAgent, HttpxAgent, Sends
from studies.frameworks.clients.chromium import chromium
from studies.frameworks.clients.label import Client
from studies.frameworks.route import ROUTES
from studies.frameworks.servers.catalogue import BY_NAME, Server
from studies.frameworks.servers.ledger import CLIENT_HEADER
from studies.frameworks.servers.lifetimes import GRACE_WINDOWS_S, PACE
from support.certificates import certificate
from support.proxy import BIN, free_port, listens

TESTS: Final = Path(__file__).parents[2]
_START_S: Final = 180.0
_CURLS: Final = 3
"""Clients whose requests are processes, at one time."""
_BROWSERS: Final = 1
"""Browsers at one time."""
_IN_FLIGHT: Final = 8
"""While more requests wait for an answer no client begins."""
_SLOWEST: Final = f"oauth-{max(GRACE_WINDOWS_S)}"
"""The server whose clients begin first."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The files that a run leaves; the ledgers may be in another folder."""

    folder: Path
    ledgers: Path | None = None

    @property
    def store(self) -> Path:
        """The recording."""
        return self.folder / "recording.sqlite"

    @property
    def flows(self) -> Path:
        """All of it, for ``statetrail suggest``."""
        return self.folder / "traffic.flows"

    @property
    def pace(self) -> Path:
        """What the lifetimes were multiplied with."""
        return self.folder / "pace.txt"

    def files(self) -> list[Path]:
        """Those of a recording that are there."""
        return [path for path in (self.store, self.flows) if path.exists()]

    def ledger(self, server: str) -> Path:
        """The server's own account."""
        return (self.ledgers or self.folder) / f"{server}.ledger.jsonl"


async def drive(
    servers: Sequence[Server],
    clients: Sequence[Client],
    folder: Path,
    dialects: str = "all",
    arrivals_s: float = 12.0 * PACE,
) -> tuple[Traffic, dict[str, str]]:
    """Run all of it; also returns the clients that failed, with their errors.

    Clients begin in `arrivals_s` seconds, later where the machine is busy.

    Raises `RuntimeError` where a server or mitmdump does not start.
    """
    traffic = Traffic(folder)
    traffic.pace.write_text(str(PACE))
    key, certified = certificate(folder)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certified, key)
    async with AsyncExitStack() as stack:
        routes: dict[str, int] = {}
        serving = [stack.enter_async_context(_serving(server, traffic)) for server in servers]
        ports = await asyncio.gather(*serving, return_exceptions=True)
        for server, port in zip(servers, ports, strict=True):
            if isinstance(port, BaseException):
                raise port
            front = await stack.enter_async_context(_tls_front(port, tls))
            for host in server.hosts:
                routes |= {f"{host}:80": port, f"{host}:443": front}
        proxy = await stack.enter_async_context(_recording(traffic, routes, dialects))
        failures = await _clients(clients, proxy, folder, arrivals_s)
    return traffic, failures


async def _clients(
    clients: Sequence[Client], proxy: int, folder: Path, arrivals_s: float
) -> dict[str, str]:
    """All clients, one after the other begun; the errors of those that failed.

    Nobody begins while many requests wait: on a busy machine sessions would end between two clicks.
    """
    curls, browsers = asyncio.Semaphore(_CURLS), asyncio.Semaphore(_BROWSERS)
    failures: dict[str, str] = {}
    authority = folder / "mitmproxy" / "mitmproxy-ca-cert.pem"
    address = f"http://127.0.0.1:{proxy}"
    tls = ssl.create_default_context(cafile=str(authority))

    async def one(client: Client) -> None:
        origin = BY_NAME[client.server].origin
        agent: HttpxAgent | CurlAgent
        try:
            if client.program == "chromium":
                async with browsers:
                    await asyncio.to_thread(_browse, client, address)
            elif client.program == "curl":
                async with curls:
                    agent = CurlAgent(client.name, origin, address, authority, folder)
                    await client.script(agent)
            else:
                agent = HttpxAgent(client.name, origin, address, tls)
                await client.script(agent)
                await agent.close()
        except Exception as error:
            failures[client.name] = f"{type(error).__name__}: {error}"[:300]

    order = Random(1).sample(clients, len(clients))
    async with asyncio.TaskGroup() as group:
        for client in sorted(order, key=lambda client: client.server != _SLOWEST):
            group.create_task(one(client))
            await asyncio.sleep(arrivals_s / len(clients))
            while Sends.in_flight > _IN_FLIGHT:
                await asyncio.sleep(0.05)
    return failures


def _browse(client: Client, proxy: str) -> None:
    with chromium(client.name, proxy) as browser:
        client.script(browser)


@asynccontextmanager
async def _serving(server: Server, traffic: Traffic) -> AsyncIterator[int]:
    """A server on a port of its own."""
    port, log = free_port(), traffic.folder / f"{server.name}.log"
    command = server.command(port, traffic.ledger(server.name))
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            start_new_session=True,
        )
    try:
        await _listening(process, port, log, server.name)
        yield port
    finally:
        await end_process(process)
        # PHP's workers outlive the process that was started.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


@asynccontextmanager
async def _recording(traffic: Traffic, routes: dict[str, int], dialects: str) -> AsyncIterator[int]:
    """``statetrail record`` on a port, with the hosts of the study."""
    port, log = free_port(), traffic.folder / "mitmdump.log"
    command = [
        *(str(BIN / "statetrail"), "record", "--store", str(traffic.store)),
        *("--client-header", CLIENT_HEADER, "--clear", "client-header", "--dialects", dialects),
        *("--", "--mode", f"regular@127.0.0.1:{port}", "-w", str(traffic.flows)),
        *("-s", str(Path(__file__).with_name("route.py")), "--set", "ssl_insecure=true"),
        *("--set", f"confdir={traffic.folder / 'mitmproxy'}"),
        *("--set", "connection_strategy=lazy"),
    ]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {ROUTES: json.dumps(routes)},
        )
    try:
        await _listening(process, port, log, "mitmdump")
        yield port
    finally:
        await end_process(process)


async def _listening(process: Process, port: int, log: Path, name: str) -> None:
    """Wait until a process listens."""
    end = asyncio.get_running_loop().time() + _START_S
    while not listens(port):
        if process.returncode is not None or asyncio.get_running_loop().time() > end:
            raise RuntimeError(f"{name} did not start: {last_line(log)}")
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _tls_front(port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS for a server that does not."""

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await source.read(65_536):
                target.write(part)
                await target.drain()
        with suppress(OSError, RuntimeError):
            target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, back_writer), copy(back_reader, writer))

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield front.sockets[0].getsockname()[1]
    finally:
        front.close()
