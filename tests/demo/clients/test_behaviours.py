"""The demo's clients against the origins themselves: each does what its name says."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from statetrail.demo.clients import BEHAVIOURS, Stage, Truth
from statetrail.demo.origins.eseller import EsellerSettings, eseller_app
from statetrail.demo.origins.zest import ZestSettings, zest_app
from statetrail.demo.serve import listen, serve_app

FAST = [
    name
    for name, entry in BEHAVIOURS.items()
    if entry.needs is None and name != "obedient-http2"  # HTTP/2 is the proxy's
]


@asynccontextmanager
async def served(app):
    """An application on a real socket. Yields its base URL."""
    stop = asyncio.Event()
    sock = listen(0)
    port = sock.getsockname()[1]
    server = asyncio.create_task(serve_app(app, sock, stop))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await server


def act(names, tmp_path):
    """Let clients act against both origins for one round. The truths and all secrets."""
    truths = {name: Truth(BEHAVIOURS[name].user_agent) for name in names}
    issued, used = set(), set()

    async def run():
        zest = zest_app(ZestSettings(idle_s=0.8, slow_s=0.4), remember=issued.add)
        eseller = eseller_app(EsellerSettings(ticket_s=0.8, slow_s=0.4), remember=issued.add)
        async with served(zest) as zest_url, served(eseller) as eseller_url:
            urls = {"zest": zest_url, "52eseller": eseller_url}

            stage = Stage(
                urls=urls,
                settle_s=0.01,
                idle_s=0.8,
                ticket_s=0.8,
                until_s=time.monotonic(),
                private=tmp_path,
                remember=used.add,
            )
            await asyncio.gather(*(BEHAVIOURS[name].act(stage, truths[name]) for name in names))

    asyncio.run(run())
    return truths, issued, used - {""}


def test_every_client_does_what_its_name_says(tmp_path):
    """Counted by itself; the origins hold it to the protocol meanwhile."""
    truths, issued, used = act(FAST, tmp_path)
    assert {name: dict(truth.verdicts) for name, truth in truths.items() if truth.verdicts} == {
        "keeps-stale-token": {("_session_token", "stale"): 5},
        "restarts-every-request": {("_session_token", "restarted"): 5},
        "drops-token": {("_session_token", "omitted"): 5},
        "ignores-langid": {("LangId", "omitted"): 5},
        "overrides-informational": {("LangId", "overridden"): 3},
        "defies-forced": {("PriceListId", "defied"): 3},
        "misplaces-state": {("LangId", "misplaced"): 5, ("LocId", "misplaced"): 5},
        "sends-implicit": {("CustomerId", "implicit-set"): 5},
        "basket-currency-by-query": {("CurrId", "overridden"): 4},
        "backend": {("_session_token", "many-sessions"): 6},
    }
    assert {name: dict(truth.findings) for name, truth in truths.items() if truth.findings} == {
        "authentication-everywhere": {"authentication-not-allowed": 3},
        "basket-currency-by-query": {"basket-state-by-context": 4},
    }
    assert {name: (truth.sessions, truth.at_once) for name, truth in truths.items()} == {
        **dict.fromkeys(FAST, (1, 1)),
        "restarts-every-request": (6, 1),
        "backend": (33, 30),
        "two-people": (2, 2),
    }
    assert truths["comes-back"].resets == 4
    assert truths["backend"].resets >= 3
    assert truths["parallel-zest"].resets >= 1
    assert used <= issued
    assert len(used) > len(FAST)


def test_the_innocent_are_those_without_a_fault():
    """By name: obedient, parallel, overriding, back too late, many at once, and other programs."""
    assert {name for name, entry in BEHAVIOURS.items() if entry.innocent} == {
        *("obedient-zest", "obedient-eseller", "obedient-http2", "curl", "comes-back"),
        *("backend", "two-people", "browser"),
        *("parallel-zest", "parallel-eseller", "overrides-informational"),
    }


@pytest.mark.parametrize(("seconds", "least"), [(0, 1), (0.2, 2)])
def test_a_client_acts_once_and_then_as_long_as_there_is_time(seconds, least, tmp_path):
    """At least one round."""
    stage = Stage(
        urls={},
        settle_s=0,
        idle_s=0,
        ticket_s=0,
        until_s=time.monotonic() + seconds,
        private=tmp_path,
        remember=lambda _: None,
    )
    assert sum(1 for _ in stage.rounds()) >= least
