"""A mitmdump with the recorder for code without an event loop of its own, such as a test's.

Enters: upstream origins and mitmproxy options. Leaves: ports on the loopback address that record
what goes through them, until the context ends.
"""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Final

from statetrail.errors import StatetrailError
from statetrail.proxy.mitmdump import ATTEMPTS, free_ports, reverse_command
from statetrail.proxy.processes import START_S, STOP_S, last_line

_POLL_S: Final = 0.02


@contextmanager
def recording(
    upstreams: Sequence[str], options: Mapping[str, str], log: Path
) -> Iterator[list[int]]:
    """A mitmdump with the recorder, one reverse listener an upstream origin. Yields the ports.

    Raises
    ------
    StatetrailError
        It did not start; with the last line of its `log`.
    """
    for _ in range(ATTEMPTS):
        ports = free_ports(len(upstreams))
        with ExitStack() as stack:
            output = stack.enter_context(log.open("ab"))
            process = Popen(
                reverse_command(upstreams, ports, options),
                stdin=DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
            stack.callback(_end, process)
            if _listening(process, ports):
                yield ports
                return
    raise StatetrailError(f"mitmdump did not start: {last_line(log)}", page="recorder")


def _listening(process: Popen[bytes], ports: Sequence[int]) -> bool:
    """Wait until every port accepts a connection; `False` if the process ended or took too long."""
    deadline = time.monotonic() + START_S
    pending = list(ports)
    while pending and process.poll() is None:
        if _accepts(pending[0]):
            del pending[0]
        elif time.monotonic() > deadline:
            return False
        else:
            time.sleep(_POLL_S)
    return process.poll() is None


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as probe:
            # Where nobody listens, a connection that comes from the very port meets itself.
            return bool(probe.getsockname() != probe.getpeername())
    except OSError:
        return False


def _end(process: Popen[bytes]) -> None:
    """End a process, with SIGTERM first. It has ended when this returns."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
