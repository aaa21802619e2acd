"""The recorder's memory over a long run: `make soak`. Ends with 1 if it grows.

A mitmdump with the recorder judging live is fed over real sockets: many short exchanges, by many
clients with tokens of their own. Its resident memory is printed at the start, in the middle and at
the end; the start is taken once its bounded memories have filled a little.
"""

import argparse
import http.client
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from support.proxy import Mitmdump, mitmdump, origin

BODY = b'<r session="%s"><c>' + b"text " * 300 + b"</c></r>"
WARM = 0.2


def answer(head: bytes, connection: socket.socket) -> None:
    """Keeps the connection: answers each request with its client's token."""
    while head:
        client = head.partition(b"User-Agent: ")[2].partition(b"\r\n")[0]
        body = BODY % (b"token-of-" + client)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Set-LangId: 1;header/forced\r\n\r\n%s"
            % (len(body), body)
        )
        head = b""
        while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
            head += more


def rss_mb(proxy: Mitmdump) -> float:
    """The resident memory of the proxy."""
    pages = int(Path(f"/proc/{proxy.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def ask(port: int, numbers: Iterator[int], clients: int, failed: list[str]) -> None:
    """Ask until the numbers are used up; every fifth request forgets its token."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in numbers:
        client = f"till-{number % clients}"
        query = f"?_session_token=token-of-{client}" if number % 5 else ""
        try:
            connection.request(
                "GET", f"/API/V3/Cart/{number % 97}{query}", headers={"User-Agent": client}
            )
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            failed.append(type(error).__name__)
            connection.close()


class Numbers:
    """Counts up to a limit for several threads."""

    def __init__(self, limit: int) -> None:
        self.at, self._limit, self._lock = 0, limit, threading.Lock()

    def __iter__(self):
        return self

    def __next__(self) -> int:
        with self._lock:
            if self.at >= self._limit:
                raise StopIteration
            self.at += 1
            return self.at


def main() -> int:
    """Run and print; 1 if the memory grew by more than a fifth after the start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=20_000)
    wanted = parser.parse_args()
    numbers, failed, begun = Numbers(wanted.exchanges), [], time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        origin(answer) as port,
        mitmdump(
            *(Path(folder), f"reverse:http://127.0.0.1:{port}", "-q"),
            *("--set", "statetrail_live=on", "--set", "statetrail_rotate=100m"),
        ) as proxy,
    ):
        threads = [
            threading.Thread(target=ask, args=(proxy.port, numbers, wanted.clients, failed))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        seen: dict[str, float] = {}
        for name, share in (("start", WARM), ("middle", 0.6), ("end", 1.0)):
            while numbers.at < share * wanted.exchanges and any(t.is_alive() for t in threads):
                time.sleep(0.1)
            seen[name] = rss_mb(proxy)
            print(f"{name:7} {numbers.at:8,} exchanges   RSS {seen[name]:6.1f} MB", flush=True)
        for thread in threads:
            thread.join()
        stores = sorted(Path(folder).glob("recording*.sqlite"))
        rate = wanted.exchanges / (time.monotonic() - begun)
    growth = seen["end"] / seen["start"]
    print(
        f"grown {growth:.2f} ×; {len(failed)} failed requests; {rate:.0f} exchanges/s; "
        f"{len(stores)} stores"
    )
    return int(growth > 1.2 or bool(failed))


if __name__ == "__main__":
    sys.exit(main())
