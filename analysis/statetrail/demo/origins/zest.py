"""A small reference origin that keeps sessions as the ZEST text says.

Enters: `ZestSettings`. Leaves: an ASGI application. A client requests a session with
``_session_token=1``; it lives by its policy (`statetrail.demo.origins.sessions`), and its token is
on the root element of every XML response. Carts, logins, prices and access depend on the session.
Some responses are awkward on purpose: a stray ``</xml>`` as in the text's own sample, error pages
that are no XML, large bodies, slow ones.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from statetrail.demo.origins.encoding import NO_STORE, respond
from statetrail.demo.origins.page import page_routes
from statetrail.demo.origins.sessions import Session, SessionBook, SessionSettings
from statetrail.demo.secrets_file import Remember, forget

_NAMESPACE: Final = "http://www.zeald.com"
_MEDIA_TYPE: Final = "text/xml; charset=utf-8"
_SKU: Final = re.compile(r"<sku>\s*([A-Za-z0-9-]{1,32})\s*</sku>")
_PRICE: Final = 20.0
_GROUP_PRICE: Final = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZestSettings(SessionSettings):
    """How the ZEST origin behaves, besides its sessions.

    A ``Report`` takes `slow_s`: half before its first byte, half before its last; a ``Catalogue``
    has at least `large_bytes`; `prefix` is the path in front of ``/API/V3``, which varies by
    customer.
    """

    slow_s: float = 1.6
    large_bytes: int = 300_000
    prefix: str = ""


class _Zest:
    """The resources; one instance is one shop."""

    def __init__(self, settings: ZestSettings, remember: Remember) -> None:
        self.settings = settings
        self.sessions = SessionBook(settings, remember)

    def session(self, request: Request) -> Session | None:
        return self.sessions.open(request.query_params.get("_session_token"), time.monotonic())

    async def category(self, request: Request) -> Response:
        session = self.session(request)
        name = request.path_params["category"]
        items = (
            f'<Product sku="{sku}"><price>{_price(session):.2f}</price></Product>'
            for sku in range(4010, 4013)
        )
        content = f"<Category id={quoteattr(name)}>{''.join(items)}</Category>"
        # The text's own sample response of this resource ends with a stray end tag.
        return _xml(request, "ResultSet", session, content, after="</xml>\n")

    async def product(self, request: Request) -> Response:
        session = self.session(request)
        sku = request.path_params["sku"]
        if not re.fullmatch(r"[0-9]{1,6}", sku):
            raise HTTPException(404)
        content = f'<Product sku="{sku}"><price>{_price(session):.2f}</price></Product>'
        return _xml(request, "ResultSet", session, content)

    async def cart(self, request: Request) -> Response:
        session = self.session(request)
        cart = session.cart if session is not None else {}
        # Every response shows the cart: in a ResultSet for GET and, as the text says of this
        # resource, for POST; in an rsp for the other methods.
        if request.method in ("POST", "PUT"):
            skus = _SKU.findall((await request.body()).decode("utf-8", "replace"))
            if not skus:
                raise HTTPException(400)
            if request.method == "PUT":
                cart.clear()
            for sku in skus:
                cart[sku] = cart.get(sku, 0) + 1
        elif request.method == "DELETE":
            cart.clear()
        items = (
            f"<CartItem><sku>{escape(sku)}</sku><quantity>{count}</quantity></CartItem>"
            for sku, count in cart.items()
        )
        root = "ResultSet" if request.method in ("GET", "HEAD", "POST") else "rsp"
        return _xml(request, root, session, "".join(items))

    async def login(self, request: Request) -> Response:
        session = self.session(request)
        if session is None:
            raise HTTPException(400)
        session.user = "shopper"
        return _xml(request, "rsp", session, "<Login>ok</Login>")

    async def orders(self, request: Request) -> Response:
        session = self.session(request)
        if session is None or session.user is None:
            return _xml(request, "rsp", session, "<error>log in first</error>", status=403)
        return _xml(request, "ResultSet", session, "<Order><total>40.00</total></Order>")

    async def catalogue(self, request: Request) -> Response:
        session = self.session(request)
        line = f"<Product><price>{_price(session):.2f}</price></Product>\n"
        content = line * (self.settings.large_bytes // len(line) + 1)
        return _xml(request, "ResultSet", session, content)

    async def report(self, request: Request) -> Response:
        """A slow response in two halves, so that others overlap it at either end."""
        session = self.session(request)
        half_s = self.settings.slow_s / 2
        await asyncio.sleep(half_s)
        document = _document("ResultSet", session, "<Report>done</Report>").encode()

        async def halves() -> AsyncIterator[bytes]:
            yield document[:-20]
            await asyncio.sleep(half_s)
            yield document[-20:]

        return StreamingResponse(halves(), media_type=_MEDIA_TYPE, headers=NO_STORE)

    async def broken(self, request: Request) -> Response:
        self.session(request)
        raise HTTPException(500)


def _price(session: Session | None) -> float:
    return _GROUP_PRICE if session is not None and session.user is not None else _PRICE


def _document(root: str, session: Session | None, content: str, after: str = "") -> str:
    attribute = f" session={quoteattr(session.token)}" if session is not None else ""
    return (
        f'<?xml version="1.0" encoding="utf-8" ?>\n<{root} page="1"{attribute} '
        f'xmlns="{_NAMESPACE}">\n{content}\n</{root}>\n{after}'
    )


def _xml(
    request: Request,
    root: str,
    session: Session | None,
    content: str,
    *,
    after: str = "",
    status: int = 200,
) -> Response:
    document = _document(root, session, content, after).encode()
    return respond(request, document, _MEDIA_TYPE, status)


async def _error_page(_request: Request, error: Exception) -> Response:
    """The web server's own error page: HTML for every resource."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return HTMLResponse(
        f"<!DOCTYPE html><title>Error</title><p>Error {status} &nbsp; Sorry!<br>", status
    )


def zest_app(settings: ZestSettings | None = None, *, remember: Remember = forget) -> Starlette:
    """The ZEST origin as an ASGI application; `remember` is called with every token."""
    zest = _Zest(settings or ZestSettings(), remember)
    base = f"{zest.settings.prefix}/API/V3"
    routes = [
        Route(f"{base}/BrowseCategory/{{category}}", zest.category),
        Route(f"{base}/Product/{{sku}}", zest.product),
        Route(f"{base}/Cart", zest.cart, methods=["GET", "POST", "PUT", "DELETE"]),
        Route(f"{base}/Login", zest.login, methods=["POST"]),
        Route(f"{base}/Order", zest.orders),
        Route(f"{base}/Catalogue", zest.catalogue),
        Route(f"{base}/Report", zest.report),
        Route(f"{base}/Broken", zest.broken),
        *page_routes(),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _error_page})
