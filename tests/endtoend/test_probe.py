"""`statetrail probe` against reference origins whose limits are known."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import statetrail as st
from support.proxy import BIN, free_port

pytestmark = pytest.mark.e2e


@contextmanager
def serving(name: str, *settings: str) -> Iterator[int]:
    """A reference origin; its port."""
    options = [option for setting in settings for option in ("--set", setting)]
    command = [sys.executable, "-m", "statetrail.demo.serve", name, "--until-eof", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.stdin.close()
            process.wait(30)


def probed(url: str, store: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    command = [str(BIN / "statetrail"), "probe", url, "--store", str(store), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


LIMITS = {
    "idle": (("policy=idle", "idle_s=1.5"), {"idle"}, 1.5),
    "age": (("policy=absolute", "absolute_s=2.5"), {"age", "absolute", "periodic"}, 2.5),
}
"""Settings of the server, the policies that are right for it, and its limit."""


def probe(settings: tuple[str, ...], store: Path) -> subprocess.CompletedProcess[str]:
    """Probe a server with these settings for its limit, to 20 %."""
    with serving("zest", *settings) as port:
        return probed(
            f"http://127.0.0.1:{port}/API/V3/Cart",
            store,
            *("--param", "zest:_session_token", "--first", "0.4s", "--budget", "3min"),
            *("--to", "20"),
        )


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Path]]:
    """The probes of all servers, at the same time: each waits more than it works."""
    folder = tmp_path_factory.mktemp("probes")
    with ThreadPoolExecutor(len(LIMITS)) as pool:
        stores = {name: folder / f"{name}.sqlite" for name in LIMITS}
        running = {name: pool.submit(probe, LIMITS[name][0], stores[name]) for name in LIMITS}
        return {name: (one.result(), stores[name]) for name, one in running.items()}


@pytest.mark.parametrize("name", LIMITS)
def test_the_probe_finds_the_limit_of_a_server(
    probes: dict[str, tuple[Any, Path]], name: str
) -> None:
    """The interval holds the limit and is as narrow as asked; no token is in the store."""
    done, store = probes[name]
    _, policies, limit = LIMITS[name]
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = st.expiry(st.open(store)).rows()
    assert row["policy"] in policies
    assert row["low_s"] < limit <= row["high_s"] <= row["low_s"] * 1.2
    assert f"policy {row['policy']}" in done.stdout


def test_a_budget_that_is_too_small_is_said(tmp_path: Path) -> None:
    """What was found is told, and the exit code says that it is not what was asked for."""
    with serving("zest", "idle_s=60") as port:
        done = probed(
            f"http://127.0.0.1:{port}/API/V3/Cart",
            tmp_path / "probe.sqlite",
            *("--param", "zest:_session_token", "--first", "0.2s", "--budget", "2s"),
        )
    assert done.returncode == 1
    assert "no end was seen" in done.stdout
    assert "budget" in done.stdout


@pytest.mark.parametrize(
    ("url", "param", "says"),
    [
        ("ftp://shop.example/", "zest:_session_token", "no URL to probe"),
        ("http://user:secret@shop.example/", "zest:_session_token", "no URL to probe"),
        ("http://127.0.0.1:{port}/API/V3/Cart", "zest:LangId", "is not the name of one token"),
        ("http://127.0.0.1:{port}/API/V3/Cart", "zest:_session_token", "did not answer"),
    ],
    ids=["another scheme", "credentials in it", "no token", "nobody there"],
)
def test_what_cannot_be_probed_is_one_line(tmp_path: Path, url: str, param: str, says: str) -> None:
    """And exit code 2."""
    done = probed(url.format(port=free_port()), tmp_path / "p.sqlite", "--param", param)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
