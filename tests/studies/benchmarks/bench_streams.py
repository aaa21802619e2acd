"""What streamed bodies cost a proxy that records: `make bench-streams`. Ends with 1 if too much.

A bare mitmdump and one with the recorder, both streaming, pass on the same bodies: 300 MB of known
length, chunked, and as a request, and server-sent events without end. Printed is by how much the
resident memory grew at most, and when the first byte of the events was there.
"""

import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.proxy import BIN, SCRIPT, free_port, listens, origin, wait_for

SIZE = 300 << 20
BLOCK = b"<c>text</c>" * 6000
ROOT = b"<r session='yjipILZBeUWxrFq'>"
MORE_MB = 20
EVENT_S, EVENTS_S = 0.02, 10.0
# mitmproxy itself would hold events back until there are a megabyte of them.
STREAMING = """
def responseheaders(flow):
    flow.response.stream = True
"""


def answer(head: bytes, connection: socket.socket) -> None:
    """A body of the kind that the path names."""
    kind = head.split(b" ")[1].rpartition(b"/")[2]
    connection.settimeout(60)
    if kind == b"upload":
        left = SIZE
        while left > 0 and (more := connection.recv(1 << 16)):
            left -= len(more)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    elif kind == b"events":
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
            b"X-Set-LangId: 1;header/forced\r\n\r\n"
        )
        while True:
            connection.sendall(b"c\r\ndata: event\n\r\n")
            time.sleep(EVENT_S)
    elif kind == b"chunked":
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for block in blocks():
            connection.sendall(b"%x\r\n%s\r\n" % (len(block), block))
        connection.sendall(b"0\r\n\r\n")
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for block in blocks():
            connection.sendall(block)


def blocks() -> Iterator[bytes]:
    """A document of `SIZE` bytes."""
    yield ROOT
    left = SIZE - len(ROOT)
    while left > 0:
        yield BLOCK[:left]
        left -= len(BLOCK)


class Proxy:
    """A mitmdump and what it needs."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port, self._pid = port, process.pid

    def rss_mb(self, *, peak: bool = False) -> float:
        """Resident memory now, or the most since `forget`."""
        name = "VmHWM" if peak else "VmRSS"
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1000

    def forget(self) -> None:
        """Measure the peak from now on."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    def get(self, kind: str, events_s: float = EVENTS_S) -> float:
        """Ask for a body to its end, or for events for a while; when its first byte was there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        begun = time.monotonic()
        body = blocks() if kind == "upload" else None
        method = "POST" if body is not None else "GET"
        length = {"Content-Length": str(SIZE)} if body is not None else {}
        connection.request(method, f"/API/V3/{kind}", body=body, headers=length)
        response = connection.getresponse()
        response.read1(1)
        first = time.monotonic() - begun
        while (more := response.read1(1 << 20)) and (
            kind != "events" or time.monotonic() - begun < events_s
        ):
            del more
        connection.close()
        return first


@contextmanager
def proxy(folder: Path, upstream: int, *more: str) -> Iterator[Proxy]:
    """A mitmdump before the origin, streaming what is large."""
    port = free_port()
    command = [
        *(str(BIN / "mitmdump"), "-q", "--set", f"confdir={folder}"),
        *("--set", "stream_large_bodies=1m"),
        *("--mode", f"reverse:http://127.0.0.1:{upstream}@127.0.0.1:{port}", *more),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), "mitmdump")
        made = Proxy(port, process)
        made.get("events", 0)  # once it has loaded all that it needs
        yield made
    finally:
        process.terminate()
        process.wait(60)


def main() -> int:
    """Run and print; 1 if the recorder's memory grew by too much more than the bare one's."""
    bad = False
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(origin(answer))
        (folder / "streaming.py").write_text(STREAMING)
        bare = ("-s", str(folder / "streaming.py"))
        recorder = ("-s", str(SCRIPT), "--set", f"statetrail_store={folder / 'x.sqlite'}")
        proxies = [stack.enter_context(proxy(folder, upstream, *m)) for m in (bare, recorder)]
        idle = [each.rss_mb() for each in proxies]
        print(f"{'':10}{'bare':>12}{'recorder':>12}")
        print(f"{'idle':10}{idle[0]:9.1f} MB{idle[1]:9.1f} MB")
        for kind in ("known", "chunked", "upload", "events"):
            grown = []
            for each in proxies:
                each.forget()
                before = each.rss_mb()
                each.get(kind)
                grown.append(each.rss_mb(peak=True) - before)
            bad = bad or grown[1] - grown[0] > MORE_MB
            print(f"{kind:10}{grown[0]:+9.1f} MB{grown[1]:+9.1f} MB at most")
        firsts: list[list[float]] = [[], []]
        for _ in range(30):
            for times, each in zip(firsts, proxies, strict=True):
                times.append(each.get("events", 0) * 1000)
        shown = [f"{statistics.median(times):9.1f} ms" for times in firsts]
        print(f"{'first byte':10}{''.join(shown)} (median of 30)")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
