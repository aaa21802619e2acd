"""The demo's subprocesses: the origins and one real mitmdump, begun and ended one by one.

Enters: settings and folders. Leaves: base URLs. Everything listens on the loopback address alone,
and what was begun here is ended here, by its process id, also when something fails.
"""

import asyncio
import json
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from statetrail.errors import StatetrailError

START_S: Final = 60.0
"""How long a subprocess may take until it listens; a cold and busy machine is slow."""
STOP_S: Final = 20.0
_ATTEMPTS: Final = 3


@asynccontextmanager
async def serving(
    name: str, settings: Mapping[str, object], secrets: Path, log: Path
) -> AsyncIterator[int]:
    """A reference origin as a subprocess, which appends to `secrets` and `log`. Yields its port."""
    options = [option for key, value in settings.items() for option in ("--set", f"{key}={value}")]
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "statetrail.demo.serve", name, "--until-eof"),
            *("--secrets", str(secrets), *options),
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_S)
            port = int(json.loads(line)["port"])
        except (TimeoutError, ValueError) as error:
            raise StatetrailError(f"the {name} origin did not start: {_last(log)}") from error
        yield port
    finally:
        await _end(process)


@asynccontextmanager
async def recording(
    upstreams: Sequence[str], store: Path, private: Path
) -> AsyncIterator[list[int]]:
    """A mitmdump with the recorder, one reverse listener an upstream origin. Yields their ports.

    Its log is ``mitmdump.log`` in the private folder.
    """
    log = private / "mitmdump.log"
    for _ in range(_ATTEMPTS):
        ports = _free_ports(len(upstreams))
        process = await _mitmdump(upstreams, ports, store, private, log)
        try:
            # Another program may have taken a port in the meantime: then mitmdump ends by itself.
            if await _listening(process, ports):
                yield ports
                return
        finally:
            await _end(process)
    raise StatetrailError(f"mitmdump did not start: {_last(log)}")


def _last(log: Path) -> str:
    """The last line of a log."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


async def _mitmdump(
    upstreams: Sequence[str], ports: Sequence[int], store: Path, private: Path, log: Path
) -> Process:
    script = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "statetrail_addons", "record_state"), stdout=PIPE
    )
    path, _ = await script.communicate()
    modes = [
        option
        for upstream, port in zip(upstreams, ports, strict=True)
        for option in ("--mode", f"reverse:{upstream}@127.0.0.1:{port}")
    ]
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("mitmdump")),
            *("-s", path.decode().strip(), "--set", f"statetrail_store={store}"),
            # mitmdump's own log of flows shows whole URLs, and tokens with them.
            *("--set", "flow_detail=0", "--set", f"confdir={private / 'mitmproxy'}"),
            *modes,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
        )


def _free_ports(count: int) -> list[int]:
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
    waiting = list(ports)
    while waiting and process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", waiting[0])
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.1)
        else:
            writer.close()
            await writer.wait_closed()
            del waiting[0]
    return process.returncode is None


async def _end(process: Process) -> None:
    """End a process: politely first. It has ended when this returns."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
