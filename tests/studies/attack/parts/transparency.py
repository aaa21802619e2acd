"""Byte-for-byte transparency: odd exchanges through a mitmdump with the recorder and without it.

What the origin receives, and what the client receives, are the same bytes. An exchange that differs
is tried again, since a busy machine may tear pieces otherwise: it is wrong if it always differs.
"""

import contextlib
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from studies.attack.odd_exchanges import MARK, ODD
from studies.attack.outcome import Outcome
from support.certificates import certificate
from support.proxy import Mitmdump, mitmdump

SETTINGS: Final = ("proxy", "reverse", "TLS", "streamed")
TRIES: Final = 3
PAUSE_S: Final = 0.03
QUIET_S: Final = 1.0
LIMIT_S: Final = 30.0
"""How long the first byte may take."""
AT_ONCE: Final = 6
_END: Final = b"\r\n\r\n"

type Bytes = tuple[bytes, bytes]
"""What the origin received, and what the client received."""


@dataclass
class Origin:
    """Answers each exchange by its number; `received` is what it got, by number."""

    tls: ssl.SSLContext | None
    received: dict[int, bytes] = field(default_factory=dict)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    def run(self) -> None:
        """Serve until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            plain.settimeout(LIMIT_S)
            connection: socket.socket = stack.enter_context(plain)
            if self.tls is not None:
                connection = stack.enter_context(self.tls.wrap_socket(plain, server_side=True))
            data, at = b"", 0
            while more := connection.recv(65536):
                data += more
                while (end := data.find(_END, at)) >= 0:
                    number = int(data[at:end].partition(b"/c")[2].split(b"?")[0] or b"-1")
                    odd = ODD[number]
                    while odd.waits and MARK not in data[at:]:
                        data += connection.recv(65536)
                    at = data.index(MARK, at) + len(MARK) if odd.waits else end + len(_END)
                    self.received[number] = data
                    for piece in odd.response:
                        connection.sendall(piece)
                        time.sleep(PAUSE_S)
                    if odd.closes:
                        return
                if at:
                    self.received[number] = data


@contextlib.contextmanager
def origin(tls: ssl.SSLContext | None) -> Iterator[Origin]:
    """An origin that runs."""
    made = Origin(tls)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):
            made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()


def client(port: int, number: int, setting: str, upstream: int) -> bytes:
    """What a client receives: until the connection ends, or nothing comes any more."""
    odd, host = ODD[number], b"127.0.0.1:%d" % upstream
    prefix = b"http://" + host if setting == "proxy" else b""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), LIMIT_S))
        if setting == "TLS":
            connection.sendall(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (host, host))
            while not (head := connection.recv(65536)).endswith(_END):
                if not head:
                    return b"no tunnel"
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            connection = stack.enter_context(trusting.wrap_socket(connection))
        received = b""
        with contextlib.suppress(OSError):
            for piece in odd.request:
                filled = piece.replace(b"%T", prefix + b"/API/V3").replace(b"%H", host)
                connection.sendall(filled.replace(b"%N", b"%d" % number))
                time.sleep(PAUSE_S)
            while more := connection.recv(65536):
                received += more
                connection.settimeout(QUIET_S)
    return received


def exchanged(
    folder: Path, setting: str, numbers: list[int], server: Origin, *, ours: bool
) -> dict[int, Bytes]:
    """The exchanges through one proxy."""
    server.received.clear()
    with (
        proxied(folder, setting, server.port, ours=ours) as proxy,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        answers = pool.map(lambda n: client(proxy.port, n, setting, server.port), numbers)
        got = dict(zip(numbers, answers, strict=True))
    return {number: (server.received.get(number, b""), got[number]) for number in numbers}


def proxied(
    folder: Path, setting: str, upstream: int, *, ours: bool
) -> contextlib.AbstractContextManager[Mitmdump]:
    """A mitmdump in that setting, with the recorder or without it."""
    mode = (
        f"reverse:http://127.0.0.1:{upstream}" if setting in ("reverse", "streamed") else "regular"
    )
    options = ["--set", "ssl_insecure=true"]
    folder.mkdir()
    if setting == "streamed":
        options += ["--set", "stream_large_bodies=1k"]
    return mitmdump(folder, mode, *options, recorder=ours)


def run(_seed: int) -> Outcome:
    """Each exchange in each setting."""
    outcome = Outcome()
    print(f"{'setting':9} {'exchanges':>9} {'differ':>7} {'s':>5}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        key, cert = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        for setting in SETTINGS:
            start, left = time.monotonic(), list(range(len(ODD)))
            with origin(context if setting == "TLS" else None) as server:
                for attempt in range(TRIES):
                    pair = [
                        exchanged(
                            folder / f"{setting}-{attempt}-{ours}", setting, left, server, ours=ours
                        )
                        for ours in (False, True)
                    ]
                    left = [n for n in left if pair[0][n] != pair[1][n] or not any(pair[0][n])]
                    if not left:
                        break
            outcome.tried += len(ODD)
            outcome.wrong += [f"{setting}: {ODD[n].name}: {_first(pair, n)}" for n in left]
            print(
                f"{setting:9} {len(ODD):9} {len(left):7} {time.monotonic() - start:5.0f}",
                flush=True,
            )
    return outcome


def _first(pair: list[dict[int, Bytes]], number: int) -> str:
    """Where the bytes part."""
    for side, bare, ours in zip(
        ("origin", "client"), *(each[number] for each in pair), strict=True
    ):
        if bare != ours:
            both = zip(bare, ours, strict=False)
            at = next((n for n, (a, b) in enumerate(both) if a != b), min(len(bare), len(ours)))
            return f"{side} at {at}: {bare[at : at + 40]!r} becomes {ours[at : at + 40]!r}"
    return "nothing came through"
