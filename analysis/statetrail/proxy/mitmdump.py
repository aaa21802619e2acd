"""This environment's mitmdump with the recorder: its command line, and one that runs.

Enters: mitmproxy options, upstream origins. Leaves: a command line; ports on the loopback address
that record what goes through them.
"""

import asyncio
import importlib.util
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from statetrail.errors import StatetrailError
from statetrail.proxy.processes import START_S, end_process, last_line

PRIVATE_LOG: Final = {"flow_detail": "0"}
"""mitmproxy's own log of flows shows whole URLs, and tokens with them."""
ASKED: Final = "STATETRAIL_ASKED"
"""Environment variable with the options that were asked for, as JSON; the recorder checks them."""
ATTEMPTS: Final = 3
"""How often a start is tried: another program may take a port that was free."""


def recorder_script() -> Path:
    """The recorder's script. It is found, not imported: the library does not know the addons."""
    spec = importlib.util.find_spec("statetrail_addons")
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        if (script := Path(folder) / "record_state.py").is_file():
            return script
    raise StatetrailError("the recorder is not installed with this statetrail: install it again")


def mitmdump_program() -> list[str]:
    """The program mitmdump of this environment, as the beginning of a command line."""
    beside = Path(sys.executable).with_name("mitmdump")
    if os.access(beside, os.X_OK):
        return [str(beside)]
    return [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()"]


def recorder_command(options: Mapping[str, str], arguments: Sequence[str] = ()) -> list[str]:
    """The command line of mitmdump with the recorder.

    `options` are mitmproxy options by name, those of the recorder among them. They come first: a
    filter among the further `arguments` would take all that follows for its own.
    """
    pairs = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    return [*mitmdump_program(), *pairs, "-s", str(recorder_script()), *arguments]


def reverse_command(
    upstreams: Sequence[str], ports: Sequence[int], options: Mapping[str, str]
) -> list[str]:
    """The command line of a recorder with a reverse listener an upstream origin."""
    modes = [
        part
        for upstream, port in zip(upstreams, ports, strict=True)
        for part in ("--mode", f"reverse:{upstream}@127.0.0.1:{port}")
    ]
    return recorder_command({**PRIVATE_LOG, **options}, modes)


@asynccontextmanager
async def recording(
    upstreams: Sequence[str], store: Path, private: Path
) -> AsyncIterator[list[int]]:
    """A mitmdump that records into `store`, one reverse listener an upstream origin.

    Yields the listeners' ports. Its log is ``mitmdump.log`` in the folder `private`.
    """
    log = private / "mitmdump.log"
    options = {"statetrail_store": f"{store}", "confdir": f"{private / 'mitmproxy'}"}
    for _ in range(ATTEMPTS):
        ports = free_ports(len(upstreams))
        command = reverse_command(upstreams, ports, options)
        async with AsyncExitStack() as stack:
            output = stack.enter_context(log.open("ab"))
            process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=output, stderr=output
            )
            stack.push_async_callback(end_process, process)
            # Another program may have taken a port in the meantime: then mitmdump ends by itself.
            if await _listening(process, ports):
                yield ports
                return
    raise StatetrailError(f"mitmdump did not start: {last_line(log)}", page="recorder")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


async def _listening(process: Process, ports: Sequence[int]) -> bool:
    """Wait until every port accepts a connection; `False` if the process ended or took too long."""
    deadline = asyncio.get_running_loop().time() + START_S
    pending = list(ports)
    while pending and process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", pending[0])
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.1)
        else:
            writer.close()
            await writer.wait_closed()
            del pending[0]
    return process.returncode is None
