"""Clients that are other programs: curl, and a real browser with a page of the shop.

Both are subprocesses; the demo runs without a program that is not on PATH.
"""

import asyncio
import html
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from statetrail.demo.clients.behaviour import BEHAVIOURS, Stage, Truth, behaviour, require
from statetrail.demo.clients.zest import cart_item, session_of
from statetrail.errors import StatetrailError

LONGEST_S: Final = 300.0
"""How long a program may take."""
LONGEST_VISIT_S: Final = 300.0
"""How long a page repeats its visit; the proxy closes a silent connection after twice this."""
_LONGEST_FOLDER: Final = 48
"""Bytes. Chromium makes a socket 58 bytes below it, and a socket has 107 (unix(7))."""


async def _run(
    *command: str, longest_s: float = LONGEST_S, env: dict[str, str] | None = None
) -> str:
    """The standard output of a program, which is killed if this task ends first."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), longest_s)
    except TimeoutError:
        raise StatetrailError(f"{command[0]} took longer than {longest_s:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise StatetrailError(f"{command[0]} failed with exit code {process.returncode}")
    return out.decode("utf-8", "replace")


@behaviour("curl", "a shell script with curl, obedient", innocent=True, needs="curl")
async def curl(stage: Stage, truth: Truth) -> None:
    token = "1"

    async def ask(path: str, *options: str) -> str:
        query = urlencode({"_session_token": token})
        truth.requests += 1
        truth.sessions += token == "1"
        # -q comes first: it disables the user's own curl configuration.
        answer = await _run(
            *("curl", "-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "180"),
            *("--compressed", "--user-agent", truth.user_agent, *options),
            f"{stage.urls['zest']}/API/V3/{path}?{query}",
        )
        current = session_of(answer) or token
        truth.resets += token not in ("1", current)
        stage.remember(current)
        return current

    for _ in stage.rounds():
        token = await ask("BrowseCategory/00411")
        token = await ask("Cart", "--data", cart_item(4012), "--header", "Content-Type: text/xml")
        for path in ("Cart", "Catalogue", "Report"):
            token = await ask(path)
            await asyncio.sleep(0.5)


@behaviour(
    "browser", "a page that cannot read a header which is not exposed",
    innocent=True, needs="chromium",
)  # fmt: skip
async def browser(stage: Stage, truth: Truth) -> None:
    # One visit: a reloaded page has lost all state. The page repeats its requests instead.
    seconds = min(stage.left_s, LONGEST_VISIT_S)
    settings = {"api": stage.urls["52eseller"], "pause": round(stage.settle_s * 1000)}
    query = urlencode(settings | {"seconds": seconds})
    short = len(os.fsencode(stage.private)) <= _LONGEST_FOLDER
    folder = stage.private if short else Path("/tmp")
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as profile:
        page = await _run(
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", "--disable-dev-shm-usage", "--no-proxy-server"),
            *(f"--user-data-dir={profile}", f"--user-agent={truth.user_agent}"),
            *("--dump-dom", f"{stage.urls['zest']}/shop?{query}"),
            longest_s=LONGEST_S + seconds,
            env=os.environ | {"TMPDIR": profile},
        )
    output = re.search(r'<pre id="result">([^<]+)</pre>', page)
    if output is None:
        raise StatetrailError("the demo failed: the shop's page did not finish")
    result = json.loads(html.unescape(output[1]))
    require(result["problem"] is None, f"the shop's page failed: {result['problem']}")
    truth.requests += result["sent"]
    truth.sessions += 1
    truth.findings["state-header-not-exposed"] += result["unread"]


def missing_programs() -> dict[str, str]:
    """The behaviours whose program is not on PATH, and that program."""
    return {
        entry.name: entry.needs
        for entry in BEHAVIOURS.values()
        if entry.needs is not None and shutil.which(entry.needs) is None
    }
