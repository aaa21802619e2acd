"""`statetrail record`: this environment's mitmdump with the recorder."""

import contextlib
import http.client
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from statetrail.proxy.mitmdump import mitmdump_program, recorder_script
from statetrail.store import SqliteStore
from statetrail.store.reader import read_store
from support.commands import command, run
from support.proxy import free_port, listens, origin, reply, wait_for


def answer(_head: bytes, connection: socket.socket) -> None:
    """A shop that issues a ticket."""
    connection.sendall(reply(b"{}", b"X-Set-Ticket: t1cket/+=;header/forced"))


@contextlib.contextmanager
def recording(folder: Path, *options: object) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`statetrail record` before an origin; the process and its port."""
    port = free_port()
    with origin(answer) as origin_port:
        process = subprocess.Popen(
            command(
                *("record", "--store", folder / "s.sqlite", *options),
                *("--", "-q", "--set", f"confdir={folder / 'mitmproxy'}"),
                *("--mode", f"reverse:http://127.0.0.1:{origin_port}@127.0.0.1:{port}"),
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_for(lambda: process.poll() is not None or listens(port), "the recorder")
            yield process, port
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=60)


def ask(port: int, path: str) -> None:
    """One request."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", path, headers={"X-Device": "tablet", "X-Ticket": "t1cket/+="})
        connection.getresponse().read()


def test_the_recorder_is_found_and_not_imported() -> None:
    """The script is a path; the library never loads the addon."""
    assert recorder_script().name == "record_state.py"
    assert Path(mitmdump_program()[0]).exists()
    program = (
        "import statetrail.proxy.mitmdump as m, sys; m.recorder_script(); "
        "print([name for name in sys.modules if 'statetrail_addons' in name])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert loaded.stdout == b"[]\n"


@pytest.mark.e2e
def test_options_reach_the_recorder(tmp_path: Path) -> None:
    """Filter, clear parameters, client header, dialects and the rest after -- all take effect."""
    with recording(
        tmp_path, "--filter", "~u /kept", "--clear", "Ticket", "--client-header", "X-Device",
        "--dialects", "52eseller",
    ) as (process, port):  # fmt: skip
        ask(port, "/kept")
        ask(port, "/services/v3/left-out")
        ask(port, "/kept/too")
        wait_for(lambda: _count(tmp_path / "s.sqlite") == 2, "two exchanges")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    tables = read_store(tmp_path / "s.sqlite").tables
    assert tables["exchanges"]["path"].to_pylist() == ["/kept", "/kept/too"]
    assert tables["exchanges"]["client_header"].to_pylist() == ["tablet", "tablet"]
    assert set(tables["issued"]["value"].to_pylist()) == {"t1cket/+="}
    assert (tmp_path / "s.sqlite.key").exists()


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_given_key_is_used_and_forgotten(tmp_path: Path, number: signal.Signals) -> None:
    """The key lies beside the store while recording and is gone after it; the given one stays."""
    SqliteStore.create_or_open(tmp_path / "other.sqlite").close()
    key = tmp_path / "other.sqlite.key"
    with recording(tmp_path, "--key", key, "--forget-key") as (process, port):
        assert (tmp_path / "s.sqlite.key").read_bytes() == key.read_bytes()
        ask(port, "/services/v3/products")
        wait_for(lambda: _count(tmp_path / "s.sqlite") == 1, "an exchange")
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert not (tmp_path / "s.sqlite.key").exists()
    assert key.exists()
    assert run("show", tmp_path / "s.sqlite", tmp_path / "other.sqlite", "issued").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--filter", "~~("], "no filter expression"),
        (["--key", "nowhere"], "no key file nowhere"),
        (["--key", "wrong.key"], "another key"),
        (["--store", "no/where.sqlite"], "no folder"),
        (["--store", "letter"], "is no statetrail store"),
        (["--dialects", "latin"], "unknown dialect"),
    ],
)
def test_what_cannot_work_is_said_before_mitmdump_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    """One line, exit code 2."""
    monkeypatch.chdir(tmp_path)
    SqliteStore.create_or_open("statetrail.sqlite").close()
    shutil.copy("statetrail.sqlite.key", "wrong.key")
    Path("wrong.key").write_text("0" * 64)
    Path("letter").write_text("dear")
    done = run("record", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def _count(store: Path) -> int:
    return read_store(store).tables["exchanges"].num_rows
