"""The reference origins to play with: `statetrail demo --serve`.

Enters: nothing. Leaves: two origins on the loopback address until the program is interrupted, and
lines that say how to talk to them and to record that.
"""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from statetrail.demo.serve import ORIGINS, serving


def serve_origins(write: Callable[[str], object]) -> None:
    """Serve every origin until an interrupt; `write` gets each line.

    Raises
    ------
    StatetrailError
        An origin did not start.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(write))


async def _serve(write: Callable[[str], object]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="statetrail-serve-")))
        ports = {
            name: await stack.enter_async_context(
                serving(name, {}, folder / "secrets", folder / f"{name}.log")
            )
            for name in ORIGINS
        }
        for line in _lines(ports["zest"], ports["52eseller"]):
            write(line)
        await stop.wait()


def _lines(zest: int, eseller: int) -> tuple[str, ...]:
    page = f"http://127.0.0.1:{zest}/shop?api=http://127.0.0.1:{eseller}&pause=500&seconds=20"
    return (
        f"zest       http://127.0.0.1:{zest}/API/V3/Cart?_session_token=1",
        "           each response has the session's token, which ends after 4 s without a request",
        f"52eseller  curl -i -X POST http://127.0.0.1:{eseller}/services/v3/login",
        "           X-Set-* headers issue state; a Ticket is renewed every 6 s",
        f"a page     {page}",
        "Record what you do, and talk to port 8081 instead:",
        f"  statetrail record --store play.sqlite -- --mode reverse:http://127.0.0.1:{zest}@8081",
        "Ctrl-C ends both.",
    )
