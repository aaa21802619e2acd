"""Clients of servers that run in this process, and their traffic as mitmproxy would write it.

Enters: a WSGI application or the address of a server. Leaves: flows with times of a clock that
stands still between requests, so that a world of hours takes a second.
"""

import html
import random
import re
from collections.abc import Callable
from typing import Any, Self

import httpx
from mitmproxy import http
from mitmproxy.test import tflow

STEP_S = 2.0
ROUND_TRIP_S = 0.05

_INPUT = re.compile(r"<input\b[^>]*>", re.IGNORECASE)
_META = re.compile(r'<meta name="([^"]+)" content="([^"]*)"')
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"', re.IGNORECASE)


class World:
    """What several clients did, in time order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.flows: list[http.HTTPFlow] = []
        self.now_s = 1_772_442_000.0
        self._clients: list[httpx.Client] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def client(self, number: int, transport: httpx.BaseTransport, base: str) -> httpx.Client:
        """A client with its own address, agent and cookies."""
        client = httpx.Client(
            transport=_Recorder(self, transport, f"10.0.0.{number + 1}"),
            base_url=base,
            headers={"user-agent": f"shopper/{number}", "accept": "*/*"},
            follow_redirects=True,
        )
        self._clients.append(client)
        return client

    def wsgi(self, number: int, app: Callable[..., Any], base: str) -> httpx.Client:
        """A client of a WSGI application."""
        return self.client(number, httpx.WSGITransport(app), base)


class _Recorder(httpx.BaseTransport):
    def __init__(self, world: World, inner: httpx.BaseTransport, peer: str) -> None:
        self._world, self._inner, self._peer = world, inner, peer

    def close(self) -> None:
        self._inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        world.now_s += STEP_S * world.random.uniform(0.5, 1.5)
        body = request.read()
        response = self._inner.handle_request(request)
        content = response.read()
        response.close()
        flow = tflow.tflow()
        flow.client_conn.peername = (self._peer, 50_000)
        flow.request = http.Request(
            request.url.host, request.url.port or 443, request.method.encode(),
            request.url.raw_scheme, b"", request.url.raw_path, b"HTTP/1.1",
            http.Headers(request.headers.raw), body, None, world.now_s, world.now_s,
        )  # fmt: skip
        flow.response = http.Response(
            b"HTTP/1.1", response.status_code, b"", http.Headers(response.headers.raw),
            content, None, world.now_s + ROUND_TRIP_S, world.now_s + ROUND_TRIP_S,
        )  # fmt: skip
        world.flows.append(flow)
        return httpx.Response(
            response.status_code, headers=response.headers.raw, content=content, request=request
        )


def fields(page: httpx.Response) -> dict[str, str]:
    """The named fields of a page's forms; of one name the first."""
    found: dict[str, str] = {}
    for tag in _INPUT.findall(page.text):
        attributes = {name.lower(): html.unescape(value) for name, value in _ATTRIBUTE.findall(tag)}
        if "name" in attributes:
            found.setdefault(attributes["name"], attributes.get("value", ""))
    return found


def meta(page: httpx.Response, name: str) -> str:
    """The content of a page's meta element."""
    return html.unescape(dict(_META.findall(page.text))[name])
