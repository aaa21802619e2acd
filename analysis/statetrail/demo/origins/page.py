"""The shop's page for browsers, which calls the 52eSELLER API of another origin.

Leaves: routes for either origin. ``/shop?api=URL`` is the page, and ``/shop/wait`` an image that
arrives when ``/shop/done`` was called: it delays the page's load event, so that a headless browser
prints the page only when the script has finished.
"""

import asyncio
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

LONGEST_WAIT_S: Final = 600.0


def page_routes() -> list[Route]:
    """The routes of the page; the parameter ``visit`` identifies a visit."""
    finished: dict[str, asyncio.Event] = {}

    def visit(request: Request) -> asyncio.Event:
        return finished.setdefault(request.query_params.get("visit", ""), asyncio.Event())

    async def page(_request: Request) -> Response:
        return HTMLResponse((files("statetrail.demo.origins") / "page.html").read_text("utf-8"))

    async def wait(request: Request) -> Response:
        try:
            await asyncio.wait_for(visit(request).wait(), LONGEST_WAIT_S)
        except TimeoutError:
            return Response(status_code=504)
        return Response(status_code=204)

    async def done(request: Request) -> Response:
        visit(request).set()
        return Response(status_code=204)

    return [
        Route("/shop", page),
        Route("/shop/wait", wait),
        Route("/shop/done", done, methods=["POST"]),
    ]
