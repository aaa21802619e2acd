"""Programs that send requests with a cookie jar of their own: httpx and curl, behind one interface.

Enters: a proxy, its certificate authority, the name of a client. Leaves: an `Agent`, whose requests
say who they are from in ``x-client``.
"""

import asyncio
import json as to_json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import urlencode, urljoin

import httpx
from lxml import html

from studies.frameworks.servers.ledger import CLIENT_HEADER

PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A response as a script sees it."""

    url: str
    status: int
    headers: httpx.Headers
    text: str

    def expect(self, *statuses: int) -> "Reply":
        """Itself; fails if the server answered with another status: then the study is wrong."""
        assert self.status in statuses, f"{self.url}: {self.status}, not {statuses}: {self.text}"
        return self

    def field(self, name: str) -> str:
        """The value of the form's field of that name."""
        values = html.fromstring(self.text).xpath("//input[@name=$name]/@value", name=name)
        return str(values[0])

    def json(self) -> Any:
        """The body, read."""
        return to_json.loads(self.text)


class Agent(Protocol):
    """What a script does with its program. Paths are completed by the agent's origin."""

    name: str
    origin: str
    held: Any
    """What a script keeps between its parts."""

    @property
    def cookies(self) -> dict[str, str]:
        """The jar's cookies by name."""
        ...

    async def send(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        cookie: str | None = None,
    ) -> Reply:
        """One request; redirects are not followed. `cookie` goes in place of the jar's cookies."""
        ...


class Sends:
    """What all agents do alike. `in_flight` counts the requests of all that wait for an answer."""

    in_flight: ClassVar[int] = 0

    @staticmethod
    @contextmanager
    def waiting() -> Iterator[None]:
        """While a request waits for its answer."""
        Sends.in_flight += 1
        try:
            yield
        finally:
            Sends.in_flight -= 1

    async def get(self: Agent, path: str, **more: Any) -> Reply:
        """A GET."""
        return await self.send("GET", path, **more)

    async def post(self: Agent, path: str, data: Mapping[str, str] | None = None, **more: Any):
        """A POST of a form, or of `json`."""
        return await self.send("POST", path, data=data, **more)

    async def follow(self: Agent, reply: Reply) -> Reply:
        """Go where a redirect leads."""
        return await self.send("GET", urljoin(reply.url, reply.headers["location"]))


@dataclass
class HttpxAgent(Sends):
    """An httpx client of its own."""

    name: str
    origin: str
    proxy: str
    tls: ssl.SSLContext
    http2: bool = False
    held: Any = None
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(
            proxy=self.proxy,
            verify=self.tls,
            headers={CLIENT_HEADER: self.name, "user-agent": "study/1"},
            timeout=PATIENCE_S,
            http2=self.http2,
        )

    @property
    def cookies(self) -> dict[str, str]:
        """The jar's cookies by name."""
        return {one.name: one.value or "" for one in self.client.cookies.jar}

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        """One request."""
        headers = dict(more.pop("headers", None) or {})
        cookie = more.pop("cookie", None)
        if cookie:
            headers["cookie"] = cookie
        request = self.client.build_request(
            method, urljoin(self.origin, path), headers=headers, **more
        )
        if cookie == "":
            request.headers.pop("cookie", None)
        with self.waiting():
            response = await self.client.send(request)
        return Reply(str(request.url), response.status_code, response.headers, response.text)

    async def close(self) -> None:
        """End its connections."""
        await self.client.aclose()


@dataclass
class CurlAgent(Sends):
    """A curl process a request, with one jar of cookies in a file of the folder."""

    name: str
    origin: str
    proxy: str
    authority: Path
    folder: Path
    held: Any = None

    @property
    def _jar(self) -> Path:
        return self.folder / f"{self.name}.jar"

    @property
    def cookies(self) -> dict[str, str]:
        """The jar's cookies by name."""
        if not self._jar.is_file():
            return {}
        lines = self._jar.read_text("utf-8").splitlines()
        fields = [line.split("\t") for line in lines]
        return {each[5]: each[6] for each in fields if len(each) == 7}

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        """One request."""
        url = urljoin(self.origin, path)
        head, body = (self.folder / f"{self.name}.{part}" for part in ("head", "body"))
        head.write_bytes(b"")
        body.write_bytes(b"")
        command = [
            *("curl", "-sS", "--proxy", self.proxy, "--cacert", str(self.authority)),
            *("--suppress-connect-headers", "-D", str(head), "-o", str(body), "-X", method),
            *("-A", "study-curl/1", "-H", f"{CLIENT_HEADER}: {self.name}"),
            *("--max-time", str(PATIENCE_S)),
        ]
        if (cookie := more.get("cookie")) is None:
            command += ["-b", str(self._jar), "-c", str(self._jar)]
        elif cookie:
            command += ["-H", f"Cookie: {cookie}"]
        for name, value in (more.get("headers") or {}).items():
            command += ["-H", f"{name}: {value}"]
        if (data := more.get("data")) is not None:
            command += ["--data-binary", urlencode(data)]
        if (sent := more.get("json")) is not None:
            command += ["-H", "Content-Type: application/json"]
            command += ["--data-binary", to_json.dumps(sent)]
        with self.waiting():
            process = await asyncio.create_subprocess_exec(
                *command, url, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
            _, error = await process.communicate()
        assert process.returncode == 0, f"curl {url}: {error.decode()}"
        status, *lines = head.read_text("latin-1").strip().splitlines()
        pairs = [tuple(line.split(": ", 1)) for line in lines if ": " in line]
        text = body.read_text("utf-8", "replace")
        return Reply(url, int(status.split()[1]), httpx.Headers(pairs), text)

    async def close(self) -> None:
        """Nothing runs between its requests."""
