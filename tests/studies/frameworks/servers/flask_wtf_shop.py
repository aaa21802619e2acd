"""A shop on Flask-WTF: the session in a signed cookie, a CSRF token in each form.

    python -m studies.frameworks.servers.flask_wtf_shop PORT LEDGER

A session is over `LIFETIME_S` after the last response that wrote it: Flask refuses the signature of
an older cookie, whose own expiry is left to the browser. The file of the ledger stays empty: the
server keeps no table.
"""

import sys
from typing import Any

from flask import Flask, redirect, render_template_string, request, session
from flask_wtf import CSRFProtect
from werkzeug.serving import WSGIRequestHandler, make_server

from studies.frameworks.servers.lifetimes import FLASK_SESSION_S

_PAGE = """<!doctype html><html><head><meta name="csrf-token" content="{{ csrf_token() }}"></head>
<body><h1>{{ session.get("user", "guest") }}: {{ session.get("cart", 0) }} items</h1>
<form method="post" action="{{ action }}">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<input name="user" value=""><button>go</button></form></body></html>"""


def application() -> Flask:
    """The shop."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="not a secret: a server of a study on the loopback address",
        PERMANENT_SESSION_LIFETIME=FLASK_SESSION_S,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    CSRFProtect(app)

    @app.get("/login")
    def login_form() -> str:
        return render_template_string(_PAGE, action="/login")

    @app.post("/login")
    def login() -> Any:
        session["user"] = request.form["user"]
        return redirect("/cart")

    @app.get("/cart")
    def cart() -> Any:
        if "user" not in session:
            return redirect("/login")
        return render_template_string(_PAGE, action="/cart")

    @app.post("/cart")
    def add() -> Any:
        if "user" not in session:
            return "log in", 401
        session["cart"] = session.get("cart", 0) + 1
        return redirect("/cart")

    @app.post("/logout")
    def logout() -> Any:
        session.clear()
        return redirect("/login")

    return app


class Quiet(WSGIRequestHandler):
    """Says nothing; keeps connections open."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any, **__: Any) -> None:
        pass


if __name__ == "__main__":
    make_server(
        "127.0.0.1", int(sys.argv[1]), application(), threaded=True, request_handler=Quiet
    ).serve_forever()
