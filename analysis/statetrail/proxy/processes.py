"""Subprocesses: their last line of log, and their end.

Enters: a running process. Leaves: one that has ended, also when something fails meanwhile.
"""

import asyncio
from asyncio.subprocess import Process
from pathlib import Path
from typing import Final

START_S: Final = 60.0
"""How long a subprocess may take until it listens; a cold and busy machine is slow."""
STOP_S: Final = 20.0


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
