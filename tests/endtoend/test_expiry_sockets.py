"""Expiry over real sockets: origins with known limits, clients for a minute, and what is found.

Five reference origins behind one real mitmdump. Their clients pause for random times; some, like a
shop that keeps a token in two places, go on using a replaced token for a while.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

import statetrail as st
from statetrail.demo.clients.zest import session_of
from statetrail.demo.serve import serving
from statetrail.proxy.mitmdump import recording

pytestmark = pytest.mark.e2e

SECONDS = 60.0
CLIENTS = 8
ORIGINS: dict[str, Mapping[str, object]] = {
    "idle": {"policy": "idle", "idle_s": 2.0, "overlap_s": 0.0},
    "absolute": {"policy": "absolute", "absolute_s": 6.0, "overlap_s": 0.0},
    "both": {"policy": "both", "idle_s": 2.0, "absolute_s": 6.0, "overlap_s": 0.0},
    "periodic": {"policy": "absolute", "absolute_s": 6.0, "overlap_s": 5.0},
    "per-request": {"policy": "per-request", "overlap_s": 0.0},
}
# By origin: the names that are right, and the limits that the intervals must hold.
RIGHT: dict[str, tuple[set[str], dict[str, float]]] = {
    "idle": ({"idle"}, {"idle": 2.0}),
    "absolute": ({"age", "absolute"}, {"age": 6.0}),
    "both": ({"idle+absolute"}, {"idle": 2.0, "age": 6.0}),
    "periodic": ({"age", "periodic"}, {"age": 6.0}),
    "per-request": ({"per-request"}, {}),
}


async def shopper(url: str, agent: str, chance: random.Random, end: float) -> None:
    """A client that takes the newest token, pauses, and sometimes uses the one before again."""
    async with httpx.AsyncClient(
        base_url=url, headers={"user-agent": agent}, timeout=30, trust_env=False
    ) as http:
        token, before = "1", None
        while (now := time.monotonic()) < end:
            old = before is not None and chance.random() < 0.1
            shown = before if old else token
            answer = await http.get("/API/V3/Cart", params={"_session_token": shown})
            found = session_of(answer.text)
            if not old and found and found != token:
                before, token = token if token != "1" else None, found
            pause = 0.05 * 80 ** chance.random()
            await asyncio.sleep(min(pause, max(end - now, 0.01)))


async def minute(folder: Path) -> dict[str, int]:
    """Let the clients of all origins act; the port at which the recorder knows each origin."""
    async with contextlib.AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(
                serving("zest", settings, folder / "secrets.txt", folder / "origins.log")
            )
            for settings in ORIGINS.values()
        ]
        fronts = await stack.enter_async_context(
            recording(
                [f"http://127.0.0.1:{port}" for port in ports], folder / "recording.sqlite", folder
            )
        )
        end = time.monotonic() + SECONDS
        await asyncio.gather(
            *(
                shopper(f"http://127.0.0.1:{front}", f"shopper/{n}", random.Random(7 * n), end)
                for front in fronts
                for n in range(CLIENTS)
            )
        )
    return dict(zip(ORIGINS, ports, strict=True))


def test_policies_are_named_and_their_limits_found(tmp_path: Path) -> None:
    """Each origin's policy, or its family, is named, and the interval holds its limit."""
    ports = asyncio.run(minute(tmp_path))
    found = {row["origin"]: row for row in st.expiry(st.open(tmp_path / "recording.sqlite")).rows()}
    for name, (policies, limits) in RIGHT.items():
        row = found[f"http://127.0.0.1:{ports[name]}"]
        assert row["policy"] in policies, name
        for kind, limit in limits.items():
            assert row[f"{kind}_low_s"] < limit <= row[f"{kind}_high_s"], name
