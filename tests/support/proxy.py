"""A real mitmdump with the recorder, and small origins to put behind it; all on loopback."""

import contextlib
import os
import signal
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
SCRIPT = Path(__file__).parents[2] / "addons" / "statetrail_addons" / "record_state.py"
DEADLINE_S = 60
START_S = 240
"""A machine that is busy with other things takes minutes to read the modules."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], what: str, within_s: float = DEADLINE_S) -> Any:
    """The condition's first true value; fails after a minute."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {within_s} s for {what}")


def listens(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as probe:
        # Where nobody listens a connection can meet itself, if it comes from the very port.
        return bool(probe.getsockname() != probe.getpeername())
    return False


@contextlib.contextmanager
def origin(answer: Callable[[bytes, socket.socket], None]) -> Iterator[int]:
    """An origin that calls `answer` with each connection's first request head; yields its port.

    What `answer` sends is what the proxy sees, byte for byte; afterwards the connection is closed.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            with contextlib.suppress(OSError):
                while b"\r\n\r\n" not in head and (more := self.request.recv(65536)):
                    head += more
                if head:
                    answer(head, self.request)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def reply(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole HTTP/1.1 response."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((b"HTTP/1.1 " + status, length, *headers, b"Connection: close", b"", body))


@dataclass
class Mitmdump:
    """A running mitmdump: its port, its store, its log."""

    port: int
    store: Path
    log: Path
    process: subprocess.Popen[bytes]

    def rows(self, query: str = "SELECT * FROM exchanges ORDER BY exchange_id") -> list[dict]:
        """Rows of the store as it stands, read beside the recorder."""
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query)]

    def wait_rows(self, count: int) -> list[dict]:
        """The exchanges, once there are `count` of them."""

        def there() -> bool:
            # A store that is just being made has a file before it has tables.
            with contextlib.suppress(sqlite3.OperationalError):
                return len(self.rows()) >= count
            return False

        wait_for(there, f"{count} exchanges in the store")
        return self.rows()

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it as a user would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)


@contextlib.contextmanager
def mitmdump(
    folder: Path,
    mode: str,
    *arguments: str,
    port: int | None = None,
    store: Path | None = None,
    recorder: bool = True,
) -> Iterator[Mitmdump]:
    """A mitmdump with the recorder that listens in `mode` (``reverse:…`` or ``regular``)."""
    port = port or free_port()
    store, log = store or folder / "recording.sqlite", folder / "mitmdump.log"
    command = [
        str(BIN / "mitmdump"),
        *(("-s", str(SCRIPT), "--set", f"statetrail_store={store}") if recorder else ()),
        *("--set", f"confdir={folder / 'mitmproxy'}", "--set", "flow_detail=0"),
        *("--mode", f"{mode}@127.0.0.1:{port}", *arguments),
    ]
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    running = Mitmdump(port, store, log, process)
    try:

        def ready() -> bool:
            # HTTP/3 cannot be connected to like the others.
            said = f"listening at 127.0.0.1:{port}." in log.read_text()
            return process.poll() is not None or said or listens(port)

        wait_for(ready, "mitmdump to listen", START_S)
        assert process.poll() is None, log.read_text()
        yield running
    finally:
        if process.poll() is None:
            running.stop()
