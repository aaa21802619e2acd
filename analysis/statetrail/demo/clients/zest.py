"""A client of the ZEST API: requests a session, holds its token and presents it.

Enters: a `Stage`. Leaves: requests over real sockets. It complies unless its caller deviates.
"""

import html
import re
from typing import Final

from statetrail.demo.clients.behaviour import Client, Stage, Truth

TOKEN: Final = "_session_token"
# The client's own parser of the root element, independent of the code under test.
_ROOT: Final = re.compile(r"<(?:ResultSet|rsp)\b([^>]*)>")
_SESSION: Final = re.compile(r'\ssession="([^"]*)"')


def session_of(text: str) -> str | None:
    """The token on the root element of a response, or `None`."""
    root = _ROOT.search(text[:4096])
    session = _SESSION.search(root[1]) if root else None
    return html.unescape(session[1]) if session else None


class ZestClient(Client):
    """A compliant client; `token` is that of the latest response that had one."""

    def __init__(self, stage: Stage, truth: Truth, *, accept: str = "gzip, deflate, br, zstd"):
        super().__init__(stage, truth, stage.urls["zest"], {"accept-encoding": accept})
        self.token: str | None = None

    def forget(self) -> None:
        self.token = None

    async def get(self, path: str) -> str:
        """GET a resource with the token held, or request a session if there is none."""
        return await self.send("GET", path, self.token or "1")

    async def post(self, path: str, content: str = "", method: str = "POST") -> str:
        """POST (or PUT, DELETE) with the token held."""
        return await self.send(method, path, self.token or "1", content)

    async def send(self, method: str, path: str, token: str | None, content: str = "") -> str:
        """Send a request with exactly this token, or none, and adopt the response's token.

        Returns the response's text.
        """
        if token is not None:
            self.stage.remember(token if token != "1" else "")
        self.truth.requests += 1
        self.truth.sessions += token == "1"
        response = await self._http.request(
            method,
            f"/API/V3/{path}",
            params={TOKEN: token} if token is not None else None,
            content=content.encode() if content else None,
            headers={"content-type": "text/xml"} if content else None,
        )
        if (answered := session_of(response.text)) is not None:
            self.truth.resets += token != "1" and self.token not in (None, answered)
            self.token = answered
        return response.text


def cart_item(sku: int) -> str:
    """The payload that adds a product to the cart."""
    return f"<ResultSet><CartItem><sku>{sku}</sku></CartItem></ResultSet>"
