"""Worlds of real frameworks: Django, Flask-WTF, Tornado, Authlib."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
import httpx
import tornado.httpserver
import tornado.netutil
import tornado.web
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import Context, Template
from django.template.context_processors import csrf
from django.urls import path
from django.views.decorators.csrf import ensure_csrf_cookie
from flask import Flask, jsonify, render_template_string, request
from flask_wtf.csrf import CSRFProtect

from studies.suggest.recorder import World, fields, meta

PAGE = '<html><body><form method="post">{}<input name="item" value="3"></form></body></html>'


@ensure_csrf_cookie
def _page(request: HttpRequest, number: int = 0) -> HttpResponse:
    text = PAGE.format("{% csrf_token %}")
    return HttpResponse(Template(text).render(Context(csrf(request))))


def _add(request: HttpRequest, number: int = 0) -> JsonResponse:
    return JsonResponse({"added": number})


urlpatterns = [
    path("", _page),
    path("products/<int:number>", _page),
    path("cart/add", _add),
    path("api/items/<int:number>", _add),
]


def django_shop(world: World, clients: int) -> None:
    """Pages with forms, and a script that sends the cookie's token in a header."""
    app = _django()
    for number in range(clients):
        shopper = world.wsgi(number, app, "https://django.example")
        for step in range(4):
            page = shopper.get("/" if step == 0 else f"/products/{step}")
            token = fields(page)["csrfmiddlewaretoken"]
            headers = {"referer": "https://django.example/"}
            data = {"csrfmiddlewaretoken": token, "item": str(step)}
            assert shopper.post("/cart/add", data=data, headers=headers).status_code == 200
            headers["x-csrftoken"] = shopper.cookies["csrftoken"]
            answer = shopper.put(f"/api/items/{step}", json={"count": 2}, headers=headers)
            assert answer.status_code == 200


def _django() -> Callable[..., Any]:
    if not django_settings.configured:
        django_settings.configure(
            SECRET_KEY="of-the-study-" + "k" * 40,
            ALLOWED_HOSTS=["django.example"],
            ROOT_URLCONF=__name__,
            MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
            TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
            SECURE_PROXY_SSL_HEADER=None,
        )
        django.setup()
    return get_wsgi_application()


def flask_shop(world: World, clients: int) -> None:
    """Flask-WTF: a hidden field for forms, a meta element for scripts."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="s" * 32, WTF_CSRF_SSL_STRICT=False)
    CSRFProtect(app)
    head = '<head><meta name="csrf-token" content="{{ csrf_token() }}"></head>'
    hidden = '<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">'

    @app.route("/")
    @app.route("/products/<int:number>")
    def page(number: int = 0) -> str:
        return render_template_string(f"<html>{head}{PAGE.format(hidden)}</html>")

    @app.post("/cart/add")
    def add() -> str:
        return "added"

    @app.delete("/api/items/<int:number>")
    def remove(number: int) -> Any:
        return jsonify(removed=number)

    shoppers = [world.wsgi(number, app, "https://flask.example") for number in range(clients)]
    for step in range(4):
        for shopper in shoppers:
            page_of = shopper.get("/" if step == 0 else f"/products/{step}")
            data = {"csrf_token": fields(page_of)["csrf_token"], "item": "3"}
            assert shopper.post("/cart/add", data=data).status_code == 200
            header = {"x-csrftoken": meta(page_of, "csrf-token")}
            assert shopper.delete(f"/api/items/{step}", headers=header).status_code == 200
        # Its tokens are signed by the second.
        time.sleep(0.35)


class _Form(tornado.web.RequestHandler):
    def get(self, number: str = "") -> None:
        self.write(PAGE.format(self.xsrf_form_html()))

    def post(self, number: str = "") -> None:
        self.write({"ok": True})


def tornado_shop(world: World, clients: int) -> None:
    """Tornado: a cookie, and the same masked anew in each form."""
    routes = [(r"/", _Form), (r"/items/([0-9]+)", _Form)]
    app = tornado.web.Application(routes, xsrf_cookies=True)
    with _serving(app) as port:
        for number in range(clients):
            base = f"http://127.0.0.1:{port}"
            shopper = world.client(number, httpx.HTTPTransport(), base)
            for step in range(4):
                page = shopper.get("/")
                data = {"_xsrf": fields(page)["_xsrf"]}
                assert shopper.post("/", data=data).status_code == 200
                header = {"x-xsrftoken": shopper.cookies["_xsrf"].strip('"')}
                assert shopper.post(f"/items/{step}", headers=header).status_code == 200


@contextmanager
def _serving(app: tornado.web.Application) -> Iterator[int]:
    """The application on a port of the loopback address, in a thread."""
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    loop = asyncio.new_event_loop()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        tornado.httpserver.HTTPServer(app).add_sockets(sockets)
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
        for each in sockets:
            each.close()


class _Client(ClientMixin):
    def get_client_id(self) -> str:
        return "app"

    def check_client_secret(self, client_secret: str) -> bool:
        return True

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return True

    def check_grant_type(self, grant_type: str) -> bool:
        return True

    def get_allowed_scope(self, scope: str) -> str:
        return scope or ""


class _Token(TokenMixin):
    def __init__(self, token: dict[str, Any]) -> None:
        self.token = token

    def check_client(self, client: ClientMixin) -> bool:
        return True

    def get_scope(self) -> str:
        return ""

    def get_expires_in(self) -> int:
        return 3600

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


def oauth_shop(world: World, clients: int) -> None:
    """Authlib: access tokens in a header, refresh tokens that rotate."""
    app = Flask("oauth")
    tokens: dict[str, dict[str, Any]] = {}

    class Password(grants.ResourceOwnerPasswordCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

        def authenticate_user(self, username: str, password: str) -> str:
            return username

    class Refresh(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> _Token | None:
            found = tokens.get(refresh_token)
            return None if found is None else _Token(found)

        def authenticate_user(self, refresh_token: _Token) -> str:
            return "someone"

        def revoke_old_credential(self, refresh_token: _Token) -> None:
            tokens.pop(refresh_token.token["refresh_token"])

    def save(token: dict[str, Any], _: Any) -> None:
        tokens[token["access_token"]] = tokens[token["refresh_token"]] = token

    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    server = AuthorizationServer(app, query_client=lambda _: _Client(), save_token=save)
    server.register_grant(Password)
    server.register_grant(Refresh)

    class Validator(BearerTokenValidator):  # type: ignore[misc]
        def authenticate_token(self, token_string: str) -> _Token | None:
            found = tokens.get(token_string)
            return None if found is None else _Token(found)

    protected = ResourceProtector()
    protected.register_token_validator(Validator())

    @app.post("/oauth/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/api/orders/<int:number>")
    @protected()
    def order(number: int) -> Any:
        return jsonify(number=number, request=request.path)

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://oauth.example")
        data = {
            "grant_type": "password",
            "username": f"u{number}",
            "password": "p",
            "client_id": "app",
        }
        held = shopper.post("/oauth/token", data=data).json()
        for _ in range(3):
            for step in range(3):
                bearer = {"authorization": f"Bearer {held['access_token']}"}
                assert shopper.get(f"/api/orders/{step}", headers=bearer).status_code == 200
            data = {
                "grant_type": "refresh_token",
                "refresh_token": held["refresh_token"],
                "client_id": "app",
            }
            held = shopper.post("/oauth/token", data=data).json()
