"""`statetrail record`: this environment's mitmdump with the recorder."""

import contextlib
import http.client
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from statetrail.proxy.mitmdump import mitmdump_program, recorder_script
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.commands import command, run
from support.proxy import free_port, listens, origin, reply, wait_for


def answer(_head: bytes, connection: socket.socket) -> None:
    """A shop that issues a ticket."""
    connection.sendall(reply(b"{}", b"X-Set-Ticket: t1cket/+=;header/forced"))


@contextlib.contextmanager
def recording(
    folder: Path, *options: object, rest: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`statetrail record` before an origin; the process and its port."""
    port = free_port()
    with origin(answer) as origin_port:
        process = subprocess.Popen(
            command(
                *("record", "--store", folder / "s.sqlite", *options),
                *("--", "-q", "--set", f"confdir={folder / 'mitmproxy'}"),
                *("--mode", f"reverse:http://127.0.0.1:{origin_port}@127.0.0.1:{port}", *rest),
            ),
            cwd=folder,
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
def test_a_refused_request_is_counted_and_not_quoted(tmp_path: Path) -> None:
    """mitmproxy quotes what it cannot read: a token, a password, a search."""
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(
                *("record", "--store", tmp_path / "s.sqlite", "--", "--listen-port", str(port)),
                *("--set", f"confdir={tmp_path / 'mitmproxy'}", "--listen-host", "127.0.0.1"),
            ),
            stdout=output,
            stderr=output,
        )
        try:
            wait_for(lambda: process.poll() is not None or listens(port), "the recorder")
            for head in (
                b"GET /API/V3/x?_session_token=yjipILZBeUWxrFq&q=red shoes HTTP/1.1\r\n\r\n",
                b"GET http://anna:yjipILZBeUWxrFq@ HTTP/1.1\r\n\r\n",
                b'GET http://127.0.0.1/ HTTP/1.1\r\nyjipILZBeUWxrFq it\'s "x"\r\n\r\n',
                b"GET /yjipILZBeUWxrFq",
            ):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(head)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass
        finally:
            process.terminate()
            process.wait(60)
    said = log.read_text()
    assert said.count("Bad HTTP request line") == 2
    assert [word for word in ("yjip", "shoes", "anna", "_session") if word in said] == []
    assert "4 refused by mitmproxy" in said
    (capture,) = read_store(tmp_path / "s.sqlite").table("captures").to_pylist()
    assert capture["skipped"] == 4


@pytest.mark.e2e
def test_options_reach_the_recorder(tmp_path: Path) -> None:
    """Filter, clear parameters, client header, dialects and the rest after -- all take effect."""
    with recording(
        tmp_path, "--filter", "~u /kept", "--clear", "Ticket,client-header",
        "--client-header", "X-Device", "--dialects", "52eseller",
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
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_key_that_is_to_be_forgotten_is_on_no_disk(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Neither while recording nor after a kill; one that was there is removed."""
    SqliteStore.create_or_open(tmp_path / "other.sqlite").close()
    key = tmp_path / "other.sqlite.key"
    with recording(tmp_path, "--key", key, "--forget-key") as (process, port):
        ask(port, "/services/v3/products")
        wait_for(lambda: _count(tmp_path / "s.sqlite") == 1, "an exchange")
        for part in ("", "-wal", "-shm"):
            (tmp_path / f"s.sqlite{part}").unlink()
        made = (tmp_path / "s.sqlite").exists
        wait_for(lambda: ask(port, "/services/v3/products") or made(), "the store to be made again")
        assert not (tmp_path / "s.sqlite.key").exists()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert not (tmp_path / "s.sqlite.key").exists()
    assert key.exists()
    assert run("show", tmp_path / "s.sqlite", tmp_path / "other.sqlite", "issued").code == 0
    shutil.copy(key, tmp_path / "s.sqlite.key")
    with recording(tmp_path, "--forget-key"):
        wait_for(lambda: not (tmp_path / "s.sqlite.key").exists(), "the key to be removed")


@pytest.mark.e2e
def test_a_filter_among_mitmdumps_arguments_swallows_no_option(tmp_path: Path) -> None:
    """Its positional arguments take all that follows; ours come first."""
    with recording(tmp_path, "--forget-key", rest=("~d 127.0.0.1",)) as (process, port):
        ask(port, "/services/v3/products")
        wait_for(lambda: _count(tmp_path / "s.sqlite") == 1, "an exchange")
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert {file.name for file in tmp_path.iterdir()} == {"s.sqlite", "mitmproxy"}
    last = err.decode().splitlines()[-1]
    assert last == "1 exchange recorded (1 in scope), 1 client, 0 gaps"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("config", "rest", "message"),
    [
        ("statetrail_store: other.sqlite", (), "statetrail_store is 'other.sqlite', but"),
        ("", ("--set", "statetrail_stor=x"), "use an option of record instead"),
        ("statetrail_stor: x", (), "statetrail_stor is no option of the recorder: did you mean st"),
        ("", ("--listen-host", "203.0.113.1"), "203.0.113.1"),
        ("", ("--no-such-option",), "no-such-option"),
    ],
)
def test_a_start_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, config: str, rest: tuple[str, ...], message: str
) -> None:
    """Other options than those asked for, misspelt ones, a port that cannot be had."""
    (tmp_path / "mitmproxy").mkdir()
    (tmp_path / "mitmproxy" / "config.yaml").write_text(config)
    done = subprocess.run(
        command(
            *("record", "--store", "s.sqlite", "--", "--set", "confdir=mitmproxy"),
            *("--listen-port", free_port(), *rest),
        ),
        cwd=tmp_path, capture_output=True, timeout=60,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode()
    assert done.returncode in (1, 2)
    assert message in said
    assert "Traceback" not in said
    assert [file.name for file in tmp_path.iterdir()] == ["mitmproxy"]


@pytest.mark.e2e
def test_a_failed_start_takes_nothing_from_a_store_that_was_there(tmp_path: Path) -> None:
    """Its exchanges and its key stay, and there is no empty capture."""
    with recording(tmp_path) as (process, port):
        ask(port, "/services/v3/products")
        process.terminate()
        process.communicate(timeout=60)
    unusable = ("--mode", "regular@203.0.113.1:1")
    with recording(tmp_path, "--forget-key", rest=unusable) as (process, _):
        assert process.wait(60) == 1
    assert (tmp_path / "s.sqlite.key").exists()
    assert read_store(tmp_path / "s.sqlite").table("captures")["exchanges"].to_pylist() == [1]


@pytest.mark.e2e
def test_a_terminal_shows_the_counts_while_it_records(tmp_path: Path) -> None:
    """In one line that is drawn anew, and is gone before something else is written."""
    port, (terminal, end) = free_port(), pty.openpty()
    with origin(answer) as origin_port:
        process = subprocess.Popen(
            command(
                *("record", "--store", "s.sqlite", "--", "--set", "confdir=mitmproxy"),
                *("--mode", f"reverse:http://127.0.0.1:{origin_port}@127.0.0.1:{port}"),
            ),
            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=end, stderr=end,
        )  # fmt: skip
        os.close(end)
        wait_for(lambda: listens(port), "the recorder")
        ask(port, "/services/v3/products")
        said = b""
        while b"\x1b[K1 exchange recorded (1 in scope), 1 client, 0 gaps" not in said:
            said += os.read(terminal, 10_000)
        process.terminate()
        process.wait(60)
        os.close(terminal)


@pytest.mark.e2e
def test_a_mitmdump_of_another_environment_says_which_one_to_use(tmp_path: Path) -> None:
    """In one line, and it does not run on without the recorder."""
    other = (
        "import sys; sys.path = [p for p in sys.path if not p.endswith(('addons', 'analysis'))]; "
        "from mitmproxy.tools.main import mitmdump; mitmdump(sys.argv[1:])"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-c", other, "-s", str(recorder_script()), "-q"),
            *("-p", str(free_port()), "--set", f"confdir={tmp_path}"),
        ],
        capture_output=True, timeout=60, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("statetrail is not installed for this mitmdump (")
    assert f"use {mitmdump_program()[0]}, or statetrail record" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--filter", "~~("], "no filter expression"),
        (["--key", "nowhere"], "no key file nowhere"),
        (["--key", "wrong.key"], "is not the key"),
        (["--store", "no/where.sqlite"], "no folder"),
        (["--store", "letter"], "is no statetrail store"),
        (["--dialects", "latin"], "unknown dialect"),
        (["shop.sqlite"], "shop.sqlite is no option of mitmdump: name the store by --store"),
        (["--rotate", "500"], "'500' is no size: write it as 500m or 2g"),
        (["--", "--set", "confdir=letter/x"], "cannot make its certificate authority in letter/x"),
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


def test_an_option_of_mitmdump_has_its_place() -> None:
    """A name that is near to one of our options is no help."""
    done = run("record", "--mode", "regular")
    assert done.code == 2
    assert "No such option: --mode: options of mitmdump go after --" in " ".join(done.err.split())
