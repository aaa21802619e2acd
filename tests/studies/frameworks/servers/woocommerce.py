"""A Starlette shop with the headers of WooCommerce's Store API, as its documentation has them.

    python -m studies.frameworks.servers.woocommerce PORT LEDGER

Each response has ``Nonce`` and ``Cart-Token``. A write wants a nonce, or else a cart token that is
good: without a nonce 401 ``woocommerce_rest_missing_nonce``, with an old one 403
``woocommerce_rest_invalid_nonce``. A nonce is that of WordPress: ten digits of a keyed hash of the
user and a tick, the current or the last one. The cart token is a JSON Web Token, signed anew in
each response; one that is over begins a new cart.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from typing import Any, Final

import hypercorn.asyncio
import hypercorn.config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from studies.frameworks.servers.ledger import CLIENT_HEADER, Ledger
from studies.frameworks.servers.lifetimes import CART_TOKEN_S, NONCE_S

_KEY: Final = b"not a secret: a server of a study on the loopback address"
_COOKIE: Final = "wp_woocommerce_session"
_LEDGER: list[Ledger] = []
_CARTS: Final[dict[str, list[int]]] = {}


def nonce(user: str, ticks_ago: int = 0) -> str:
    """WordPress' nonce of a user."""
    tick = int(time.time() / (NONCE_S / 2)) - ticks_ago
    return hmac.new(_KEY, f"{tick}|{user}".encode(), hashlib.md5).hexdigest()[-12:-2]


def _part(value: dict[str, Any] | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def cart_token(user: str) -> str:
    """A token of the user's cart."""
    now = int(time.time())
    claims = {"user_id": user, "iat": now, "exp": now + int(CART_TOKEN_S), "iss": "store-api"}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_part(hmac.new(_KEY, signed.encode(), hashlib.sha256).digest())}"


def user_of(token: str | None) -> str | None:
    """The user of a token that is good."""
    if not token or token.count(".") != 2:
        return None
    signed, _, signature = token.rpartition(".")
    if _part(hmac.new(_KEY, signed.encode(), hashlib.sha256).digest()) != signature:
        return None
    claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
    return str(claims["user_id"]) if claims["exp"] > time.time() else None


async def cart(request: Request) -> JSONResponse:
    """The cart, or a line more in it."""
    token = request.headers.get("cart-token")
    user = user_of(token)
    by_token = user is not None
    known = request.cookies.get(_COOKIE)
    if user is None and known in _CARTS:
        user = known
    if user is None:
        user = f"t_{secrets.token_hex(15)}"
        _CARTS[user] = []
        _LEDGER[0].begin(user, request.headers.get(CLIENT_HEADER))
    answer = JSONResponse({"items": _CARTS[user], "items_count": len(_CARTS[user])})
    if request.method == "POST":
        sent = request.headers.get("nonce")
        if not by_token and not sent:
            answer = _refusal(401, "woocommerce_rest_missing_nonce")
        elif not by_token and sent not in (nonce(user), nonce(user, 1)):
            answer = _refusal(403, "woocommerce_rest_invalid_nonce")
        else:
            _CARTS[user].append(int((await request.json())["id"]))
            body = {"items": _CARTS[user], "items_count": len(_CARTS[user])}
            answer = JSONResponse(body, 201)
    answer.headers["nonce"] = nonce(user)
    answer.headers["nonce-timestamp"] = str(int(time.time()))
    answer.headers["user-id"] = "0"
    answer.headers["cart-token"] = cart_token(user)
    if not by_token and known != user:
        answer.set_cookie(_COOKIE, user, path="/", httponly=True, secure=True)
    return answer


def _refusal(status: int, code: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": "", "data": {"status": status}}, status)


_BASE: Final = "/wp-json/wc/store/v1/cart"
shop = Starlette(
    routes=[
        Route(_BASE, cart, methods=["GET"]),
        Route(f"{_BASE}/add-item", cart, methods=["POST"]),
    ]
)


async def main(port: int, ledger: str) -> None:
    """Serve for ever."""
    _LEDGER.append(Ledger(ledger))
    config = hypercorn.config.Config()
    config.keep_alive_timeout = 600.0
    config.bind, config.errorlog = [f"127.0.0.1:{port}"], None
    await hypercorn.asyncio.serve(shop, config)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
