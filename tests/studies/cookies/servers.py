"""Two servers on loopback, http and https, for every host name that the browser is told of.

Enters: for each request its number in the query, and the fields to answer it with. Leaves: the
fields of the requests that came.
"""

import asyncio
import contextlib
import itertools
import re
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from support.certificates import certificate

_NUMBER = re.compile(rb"[?&]n=([0-9]+)")
# In a frame, the page asks for what the page around it names.
_PAGE = b"""<!doctype html><title>.</title><script>
addEventListener("message", async (told) => {
  await fetch(told.data, {mode: "no-cors", credentials: "include"}).catch(() => 0);
  told.source.postMessage("done", "*");
});
</script>"""


class Servers:
    """What the servers answer, by the number of the request, and what they have received."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._answers: dict[int, tuple[list[bytes], int]] = {}
        self._received: dict[int, tuple[int, dict[str, str]]] = {}

    def expect(self, fields: list[bytes], status: int) -> int:
        """The number to ask with, for an answer with these header fields."""
        number = next(self._numbers)
        self._answers[number] = fields, status
        return number

    def received(self, number: int) -> tuple[int, dict[str, str]] | None:
        """When that request came (microseconds), and its fields by lower-case name; once."""
        self._answers.pop(number, None)
        return self._received.pop(number, None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target, *lines = head[:-4].split(b"\r\n")
                parted = (line.partition(b":") for line in lines)
                fields = {
                    name.decode().lower(): value.strip(b" \t").decode("utf-8", "surrogateescape")
                    for name, _, value in parted
                }
                await reader.readexactly(int(fields.get("content-length", "0")))
                found = _NUMBER.search(target)
                extra: list[bytes] = []
                status = 200
                if found:
                    number = int(found[1])
                    extra, status = self._answers.get(number, (extra, status))
                    self._received.setdefault(number, (time.time_ns() // 1000, fields))
                if status == 302:
                    extra = [*extra, b"Location: /landed"]
                writer.write(
                    b"HTTP/1.1 %d -\r\nContent-Type: text/html\r\nCache-Control: no-store\r\n"
                    % status
                    + b"".join(field + b"\r\n" for field in extra)
                    + b"Content-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)
                )
        writer.close()


@contextlib.asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """Both servers, while they run."""
    with tempfile.TemporaryDirectory() as folder:
        key, cert = certificate(Path(folder))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
    both = Servers()
    options = {"limit": 1 << 18}
    http = await asyncio.start_server(both.serve, "127.0.0.1", 0, **options)
    https = await asyncio.start_server(both.serve, "127.0.0.1", 0, ssl=tls, **options)
    both.ports = {
        "http": http.sockets[0].getsockname()[1],
        "https": https.sockets[0].getsockname()[1],
    }
    yield both
    http.close()
    https.close()


def options_for(ports: dict[str, int]) -> tuple[str, ...]:
    """What tells the browser that every host is one of these servers."""
    rules = f"MAP *:80 127.0.0.1:{ports['http']}, MAP *:443 127.0.0.1:{ports['https']}"
    return (
        f"--host-rules={rules}",
        "--ignore-certificate-errors",
        # One process for all pages: twice as fast.
        *("--disable-site-isolation-trials", "--renderer-process-limit=1"),
        "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable",
    )
