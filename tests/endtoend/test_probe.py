"""`statetrail probe` against reference origins whose limits are known."""

import http.server
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

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


@pytest.mark.parametrize("name", LIMITS)
def test_the_probe_is_not_blamed(probes: dict[str, tuple[Any, Path]], name: str) -> None:
    """It asks for a token when it needs one, and no client of it does so twice."""
    rows = st.verdicts(st.open(probes[name][1])).rows()
    assert rows
    assert not [row for row in rows if row["fault"] or row["verdict"] == "restarted"]


def test_an_interrupt_keeps_what_was_found(tmp_path: Path) -> None:
    """It is printed as at any other end."""
    with serving("zest", "idle_s=60") as port:
        command = [
            *(str(BIN / "statetrail"), "probe", f"http://127.0.0.1:{port}/API/V3/Cart"),
            *("--store", str(tmp_path / "p.sqlite"), "--param", "zest:_session_token"),
            *("--first", "0.2s"),
        ]
        with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
            assert process.stderr is not None
            while "round 2" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "limit: longer than" in out
    assert "interrupted" in out
    assert "Traceback" not in err


class Guarded(http.server.BaseHTTPRequestHandler):
    """An API that issues tokens to those who are logged in; each login is a session."""

    seen: ClassVar = Counter[str]()

    def do_GET(self) -> None:
        """A token, if the login is known and the key is right."""
        login, key = self.headers["Cookie"] or "", self.headers["X-Api-Key"]
        Guarded.seen[login] += 1
        if key != KEY or not login.startswith("login=Qw7"):
            self.send_error(403)
            return
        body = f'<ResultSet session="Tk{login[-12:]}"/>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


KEY = "Zp4vT9xLw2Qr8sYb"
LOG_IN = "import secrets; print('Cookie: login=Qw7' + secrets.token_hex(16))"


def test_the_probe_logs_in_first(tmp_path: Path) -> None:
    """Each token by a login of its own; neither its output nor a header is kept."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ("--param", "zest:_session_token", "--first", "0.2s", "--requests", "20")
        url = f"http://127.0.0.1:{server.server_port}/API/V3/Cart"
        store = tmp_path / "p.sqlite"
        login = ("--login", f'{sys.executable} -c "{LOG_IN}"')
        done = probed(url, store, *options, "--header", f"X-Api-Key: {KEY}", *login)
        refused = probed(url, tmp_path / "q.sqlite", *options, *login)
        server.shutdown()
    assert "no end was seen" in done.stdout
    assert len(Guarded.seen) >= 4
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir()) + done.stderr.encode()
    assert not [one for one in (KEY, "login=Qw7", *Guarded.seen) if one.encode() in written]
    assert refused.returncode == 2
    assert "issues no _session_token" in refused.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--header", "Bearer S3cretS3cret"), "--header is no header field"),
        (("--header", "X: S3cretS3cret\nHost: a"), "--header is no header field"),
        (("--header", "Host: S3cretS3cret"), "the probe sets itself"),
        (("--login", "'S3cretS3cret"), "--login is no command"),
        (("--login", "sh -c 'echo S3cretS3cret'"), "line 1 of the login command's output"),
        (("--login", "sh -c 'echo Cookie: S3cretS3cret; exit 3'"), "exit code 3"),
        (("--login", "/nowhere/log-in"), "cannot be run"),
    ],
)
def test_a_login_that_fails_is_one_line(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    """And quotes no value."""
    url = f"http://127.0.0.1:{free_port()}/API/V3/Cart"
    done = probed(url, tmp_path / "p.sqlite", "--param", "zest:_session_token", *options)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "S3cret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


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
