"""A client of the ZEST API: asks for a session, holds its token, sends it along.

Enters: a `Stage`. Leaves: requests over real sockets. It obeys unless its caller says otherwise.
"""

import html
import re
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx

from statetrail.demo.clients.behaviour import Stage, Truth

TOKEN: Final = "_session_token"
# The client's own reading of the root element, independent of the code that is put to the test.
_ROOT: Final = re.compile(r"<(?:ResultSet|rsp)\b([^>]*)>")
_SESSION: Final = re.compile(r'\ssession="([^"]*)"')


def session_of(text: str) -> str | None:
    """The token on the root element of an answer, or `None`."""
    root = _ROOT.search(text[:4096])
    session = _SESSION.search(root[1]) if root else None
    return html.unescape(session[1]) if session else None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the token on it."""

    status: int
    token: str | None
    text: str


class ZestClient:
    """A client that obeys; a context manager.

    Attributes
    ----------
    token
        The token held: what the last answer that had one said.
    """

    def __init__(self, stage: Stage, truth: Truth, *, accept: str = "gzip, deflate, br, zstd"):
        self.token: str | None = None
        self._stage = stage
        self._truth = truth
        self._http = httpx.AsyncClient(
            base_url=stage.url,
            headers={"user-agent": truth.user_agent, "accept-encoding": accept},
            timeout=60,
            trust_env=False,
        )

    async def get(self, path: str) -> Answer:
        """GET a resource with the token held, or ask for a session where none is."""
        return await self.send("GET", path, self.token or "1")

    async def post(self, path: str, content: str = "", method: str = "POST") -> Answer:
        """POST (or PUT, DELETE) with the token held."""
        return await self.send(method, path, self.token or "1", content)

    async def send(self, method: str, path: str, token: str | None, content: str = "") -> Answer:
        """Send a request with exactly that token, or none, and adopt what the answer says."""
        if token is not None:
            self._stage.remember(token if token != "1" else "")
        self._truth.requests += 1
        response = await self._http.request(
            method,
            f"/API/V3/{path}",
            params={TOKEN: token} if token is not None else None,
            content=content.encode() if content else None,
            headers={"content-type": "text/xml"} if content else None,
        )
        answer = Answer(response.status_code, session_of(response.text), response.text)
        if answer.token is not None:
            self._truth.resets += token != "1" and self.token not in (None, answer.token)
            self.token = answer.token
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()


def cart_item(sku: int) -> str:
    """The payload that adds a product to the cart."""
    return f"<ResultSet><CartItem><sku>{sku}</sku></CartItem></ResultSet>"
