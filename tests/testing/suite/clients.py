"""Clients under test, one of each API, with the ways in which a client may be wrong."""

import re
from typing import Any

import httpx

_SESSION = re.compile(r'\ssession="([^"]+)"')
_FIELD = re.compile(r"(.+);(header|uriquery|implicit)/(?:informational|forced)", re.IGNORECASE)


class ZestClient:
    """Holds the token of the latest response; `http` sends, as httpx and requests do."""

    def __init__(self, url: str, http: Any, way: str = "obedient") -> None:
        self.url, self.http, self.way = url, http, way
        self.token = "1"

    def get(self, path: str, nth: int = 0) -> None:
        """A request; the way shows from the second one on."""
        token: str | None = self.token
        if nth and self.way == "restarts":
            token = "1"
        if nth and self.way == "drops":
            token = None
        query = {"_session_token": token} if token is not None else {}
        answer = self.http.get(f"{self.url}/API/V3/{path}", params=query)
        found = _SESSION.search(answer.text)
        if found and not (nth and self.way == "keeps-stale"):
            self.token = found[1]

    def shop(self) -> None:
        """A visit."""
        for nth, path in enumerate(("BrowseCategory/1", "Product/4012", "Cart", "Product/4011")):
            self.get(path, nth)


class EsellerClient:
    """Presents all state that a login issued."""

    def __init__(self, url: str, http: httpx.Client, way: str = "obedient") -> None:
        self.url, self.http, self.way = url, http, way
        self.held: dict[str, tuple[str, str]] = {}

    def send(self, method: str, path: str) -> None:
        """A request with the state that is held."""
        headers, query = {}, {}
        for name, (value, usage) in self.held.items():
            shown = value
            if name == "authentication":
                continue
            if name == "langid" and self.way == "omits":
                continue
            if name == "pricelistid" and self.way == "defies":
                shown = "99"
            if name == "langid" and self.way == "misplaces":
                usage = "header" if usage == "uriquery" else "uriquery"
            if name == "customerid" and self.way == "sets-implicit":
                usage = "header"
            if usage == "uriquery":
                query[name] = shown
            elif usage == "header":
                headers[f"X-{name}"] = shown
        answer = self.http.request(
            method, f"{self.url}/services/v3/{path}", params=query, headers=headers
        )
        for field, text in answer.headers.items():
            if field.startswith("x-set-") and (match := _FIELD.fullmatch(text)):
                self.held[field.removeprefix("x-set-")] = (match[1], match[2].lower())

    def shop(self) -> None:
        """A visit."""
        self.send("POST", "login")
        for path in ("products", "products/1", "products/2"):
            self.send("GET", path)
