"""The demo's traffic: every client acts against the origins, through the recording proxy.

Enters: a store to record into and a private folder. Leaves: the truth of every client.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

import httpx

from statetrail.demo.clients import Behaviour, Stage, Truth
from statetrail.demo.origins.eseller import EsellerSettings
from statetrail.demo.origins.zest import ZestSettings
from statetrail.demo.secrets_file import SecretsFile
from statetrail.demo.serve import serving
from statetrail.errors import StatetrailError
from statetrail.proxy.mitmdump import recording
from statetrail.recording.conversations import DEFAULT_GRACE_MS

_MARGIN_S: Final = 0.25
"""A client's pause on top of the grace period; the proxy's clock may lag behind a client's."""
_PATIENCE_S: Final = 600.0

type Progress = Callable[[str], None]
"""Called with the name of a behaviour that has finished."""


async def drive(
    behaviours: list[Behaviour], store: Path, private: Path, seconds: float, progress: Progress
) -> dict[str, Truth]:
    """Start everything, let the clients act for `seconds` at least, stop everything.

    Returns the truths by the behaviours' names. Raises `StatetrailError` if a part of the demo
    fails. SIGTERM is handled as an interrupt, so that no subprocess is left behind.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    with contextlib.suppress(RuntimeError, ValueError):  # only a main thread can
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    zest, eseller = ZestSettings(), EsellerSettings()
    secrets = SecretsFile(private / "secrets.txt")
    try:
        async with AsyncExitStack() as stack:
            upstreams = [
                await stack.enter_async_context(
                    serving(name, settings, secrets.path, private / f"{name}.log")
                )
                for name, settings in (("zest", asdict(zest)), ("52eseller", asdict(eseller)))
            ]
            ports = await stack.enter_async_context(
                recording([f"http://127.0.0.1:{port}" for port in upstreams], store, private)
            )
            zest_url, eseller_url = (f"http://127.0.0.1:{port}" for port in ports)
            stage = Stage(
                urls={"zest": zest_url, "52eseller": eseller_url},
                settle_s=DEFAULT_GRACE_MS / 1000 + _MARGIN_S,
                idle_s=zest.idle_s,
                ticket_s=eseller.ticket_s,
                until_s=time.monotonic() + seconds,
                private=private,
                remember=secrets,
            )
            truths = {
                entry.name: Truth(entry.user_agent)
                for entry in sorted(behaviours, key=lambda entry: entry.name)
            }
            async with asyncio.timeout(seconds + _PATIENCE_S), asyncio.TaskGroup() as group:
                for entry in behaviours:
                    group.create_task(_act(entry, stage, truths[entry.name], progress))
            return truths
    except TimeoutError:
        raise StatetrailError(
            "the demo's clients did not finish; is the machine too busy?"
        ) from None
    except BaseExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        secrets.close()


async def _act(entry: Behaviour, stage: Stage, truth: Truth, progress: Progress) -> None:
    try:
        await entry.act(stage, truth)
    except httpx.HTTPError as error:
        # The name only: a message may quote what was sent.
        raise StatetrailError(
            f"the client {entry.name} could not continue ({type(error).__name__})"
        ) from None
    progress(entry.name)
