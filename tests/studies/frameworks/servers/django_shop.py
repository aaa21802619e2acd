"""A Django shop: login, sessions in a database, a CSRF token in each form, a cart, logout.

    python -m studies.frameworks.servers.django_shop PORT LEDGER

A session is over `DJANGO_SESSION_S` after its last request. The cookie has no expiry of its own, so
that a browser that returns presents it. Django answers with its deletion.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import path

from studies.frameworks.servers.ledger import CLIENT_HEADER, Ledger
from studies.frameworks.servers.lifetimes import DJANGO_SESSION_S

USER, PASSWORD = "ada", "analytical engine"
PIXEL = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)
_PAGE = """<!doctype html><title>shop</title><h1>{{ heading }}</h1>
<form id="form" method="post" action="{{ action }}">{% csrf_token %}
<input name="username"><input name="password" type="password"><input name="item" value="7">
<button>go</button></form>"""


def configure(folder: Path) -> None:
    """Settings as a project has them; the database is a file in the folder."""
    settings.configure(
        SECRET_KEY="not a secret: a server of a study on the loopback address",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "studies.frameworks.servers.django_shop.named_client",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "shop.sqlite3",
                "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
            }
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        SESSION_ENGINE="studies.frameworks.servers.django_shop",
        SESSION_COOKIE_AGE=int(DJANGO_SESSION_S),
        SESSION_EXPIRE_AT_BROWSER_CLOSE=True,
        SESSION_SAVE_EVERY_REQUEST=True,
        SESSION_COOKIE_SECURE=True,
        CSRF_COOKIE_SECURE=True,
        CSRF_TRUSTED_ORIGINS=["https://django.test"],
        LOGIN_URL="/login",
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


class SessionStore(DatabaseStore):
    """Django's own store, which writes down what becomes of its sessions."""

    ledger: Ledger
    client: str | None = None

    def create(self) -> None:
        """A session begins, or goes on under another key: `cycle_key` says so afterwards."""
        super().create()
        if not self._cycles:
            self.ledger.begin(self.session_key, self.client)

    _cycles = False

    def cycle_key(self) -> None:
        """At a login the session gets another key."""
        old, self._cycles = self.session_key, True
        super().cycle_key()
        self._cycles = False
        if old:
            self.ledger.renew(old, self.session_key)
        else:
            self.ledger.begin(self.session_key, self.client)

    def load(self) -> dict[str, Any]:
        """What the database has; nothing, where the session is over."""
        asked, found = self.session_key, super().load()
        if asked and self.session_key is None:
            self.ledger.end(asked, "expired")
        return found

    def flush(self) -> None:
        """The session ends, by a logout."""
        if self.session_key:
            self.ledger.end(self.session_key, "logout")
        super().flush()


def named_client(get_response: Any) -> Any:
    """Tells the session's store whose request it is."""

    def middleware(request: HttpRequest) -> HttpResponse:
        agent = request.headers.get("user-agent")
        request.session.client = request.headers.get(CLIENT_HEADER) or agent
        return get_response(request)

    return middleware


def _page(request: HttpRequest, heading: str, action: str) -> HttpResponse:
    template = engines["django"].from_string(_PAGE)
    return HttpResponse(template.render({"heading": heading, "action": action}, request))


def catalogue(request: HttpRequest) -> HttpResponse:
    """What everybody sees; begins a session of guests."""
    request.session["seen"] = "catalogue"
    return _page(request, "catalogue", "/cart")


def login(request: HttpRequest) -> HttpResponse:
    """A form, and the login that it asks for."""
    from django.contrib.auth import authenticate
    from django.contrib.auth import login as log_in

    if request.method != "POST":
        return _page(request, "log in", "/login")
    user = authenticate(username=request.POST["username"], password=request.POST["password"])
    if user is None:
        return HttpResponse("wrong password", status=401)
    log_in(request, user)
    return HttpResponseRedirect("/cart")


def cart(request: HttpRequest) -> HttpResponse:
    """The cart of a user, and a line more in it."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect("/login")
    if request.method == "POST":
        request.session["cart"] = [*request.session.get("cart", []), request.POST["item"]]
        return HttpResponseRedirect("/cart")
    return _page(request, f"{len(request.session.get('cart', []))} items", "/cart")


def logout(request: HttpRequest) -> HttpResponse:
    """Django's logout, which deletes the session."""
    from django.contrib.auth import logout as log_out

    log_out(request)
    return HttpResponseRedirect("/")


def pixel(_: HttpRequest) -> HttpResponse:
    """An image for pages of others."""
    return HttpResponse(PIXEL, content_type="image/gif")


urlpatterns = [
    path("", catalogue),
    path("login", login),
    path("cart", cart),
    path("logout", logout),
    path("pixel.gif", pixel),
]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def main(port: int, ledger: str) -> None:
    """Make the database and serve."""
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder))
        call_command("migrate", verbosity=0)
        from django.contrib.auth.models import User

        from studies.frameworks.servers import django_shop

        django_shop.SessionStore.ledger = Ledger(ledger)
        User.objects.create_user(USER, password=PASSWORD)
        server = ThreadedWSGIServer(("127.0.0.1", port), _Quiet)
        server.daemon_threads = True
        server.set_app(get_wsgi_application())
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
