"""Subprocesses: their last line of log, and their end.

Enters: a running process. Leaves: one that has ended, also when something fails meanwhile.
"""

import asyncio
import signal
import subprocess
from asyncio.subprocess import Process
from pathlib import Path
from types import FrameType
from typing import Final

START_S: Final = 60.0
"""How long a subprocess may take until it listens; a cold and busy machine is slow."""
STOP_S: Final = 20.0

_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def last_line(log: Path) -> str:
    """The last line of a log."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"


async def end_process(process: Process) -> None:
    """End a process, with SIGTERM first. It has ended when this returns."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def run_forwarding(command: list[str]) -> int:
    """Run a program to its end, forwarding the signals that this process gets; its exit code."""
    children: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)

    previous = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        children.append(subprocess.Popen(command))
        code = children[0].wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
