"""An OAuth 2 server on authlib: access tokens with ``expires_in``, rotation of refresh tokens.

    python -m studies.frameworks.servers.oauth PORT LEDGER GRACE_S

``/oauth/token`` takes the password and the refresh grant (RFC 6749), ``/oauth/revoke`` revokes (RFC
7009), ``/orders`` wants a bearer token (RFC 6750). A replaced refresh token is still taken for
`GRACE_S`; later use revokes its whole family (RFC 9700, 4.14.2). A request with the header
`DELAY_HEADER` is answered so many seconds after it was carried out, so that its
response can be lost.
"""

import os
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Flask, request
from werkzeug.serving import make_server

from studies.frameworks.servers.flask_wtf_shop import Quiet
from studies.frameworks.servers.ledger import CLIENT_HEADER, DELAY_HEADER, Ledger
from studies.frameworks.servers.lifetimes import ACCESS_TOKEN_S

_LOCK: Final = threading.Lock()


class App(ClientMixin):
    """The only application; it has no secret."""

    client_id = "app"

    def get_client_id(self) -> str:
        """Its name."""
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        """Whatever it asks for."""
        return scope or ""

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A public client."""
        return method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        """Those of this server."""
        return grant_type in ("password", "refresh_token")


@dataclass
class Family:
    """All tokens that go back to one login."""

    revoked: bool = False


@dataclass
class Token(TokenMixin):
    """A pair of tokens as it was issued."""

    access_token: str
    refresh_token: str
    expires_in: int
    family: Family
    scope: str = ""
    issued: float = field(default_factory=time.time)
    replaced: float | None = None
    revoked: bool = False

    def check_client(self, client: ClientMixin) -> bool:
        """There is one application."""
        return True

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope

    def is_expired(self) -> bool:
        """Whether the access token is too old."""
        return time.time() > self.issued + self.expires_in

    def is_revoked(self) -> bool:
        """Whether it was taken back."""
        return self.revoked or self.family.revoked


class Tokens:
    """The server's table."""

    def __init__(self, ledger: Ledger, grace_s: float) -> None:
        self.ledger, self.grace_s = ledger, grace_s
        self.by_access: dict[str, Token] = {}
        self.by_refresh: dict[str, Token] = {}

    def save(self, token: dict[str, Any], asked: Any) -> None:
        """Keep what is issued; it joins the family of the token that it answers."""
        old: Token | None = asked.refresh_token
        family = old.family if old else Family()
        made = Token(
            token["access_token"], token["refresh_token"], token["expires_in"], family,
            token.get("scope") or "",
        )  # fmt: skip
        self.by_access[made.access_token] = self.by_refresh[made.refresh_token] = made
        if old is None:
            self.ledger.begin(made.refresh_token, request.headers.get(CLIENT_HEADER))
        else:
            self.ledger.renew(old.refresh_token, made.refresh_token)

    def refreshable(self, value: str) -> Token | None:
        """The token, if it may be used; its family ends where it may not be any more."""
        token = self.by_refresh.get(value)
        if token is None or token.is_revoked():
            return None
        if token.replaced is not None and time.time() > token.replaced + self.grace_s:
            token.family.revoked = True
            self.ledger.end(value, "reuse")
            return None
        return token


def application(ledger: Ledger, grace_s: float) -> Flask:
    """The server."""
    app = Flask(__name__)
    app.config.update(
        OAUTH2_REFRESH_TOKEN_GENERATOR=lambda *_, **__: secrets.token_urlsafe(32),
        OAUTH2_TOKEN_EXPIRES_IN=dict.fromkeys(("password", "refresh_token"), int(ACCESS_TOKEN_S)),
    )
    tokens, client = Tokens(ledger, grace_s), App()

    class Password(grants.ResourceOwnerPasswordCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

        def authenticate_user(self, username: str, password: str) -> str | None:
            return username if password == "analytical engine" else None

    class Refresh(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
            return tokens.refreshable(refresh_token)

        def authenticate_user(self, _: Token) -> str:
            return "ada"

        def revoke_old_credential(self, refresh_token: Token) -> None:
            refresh_token.replaced = refresh_token.replaced or time.time()

    class Revocation(RevocationEndpoint):
        CLIENT_AUTH_METHODS = ("none",)

        def query_token(self, token_string: str, _: str | None) -> Token | None:
            return tokens.by_access.get(token_string) or tokens.by_refresh.get(token_string)

        def revoke_token(self, token: Token, request: Any) -> None:
            if request.form["token"] == token.access_token:
                token.revoked = True
            else:
                token.family.revoked = True
                tokens.ledger.end(token.refresh_token, "logout")

    class Validator(BearerTokenValidator):
        def authenticate_token(self, token_string: str) -> Token | None:
            return tokens.by_access.get(token_string)

    server = AuthorizationServer(app, lambda _: client, tokens.save)
    server.register_grant(Password)
    server.register_grant(Refresh)
    server.register_endpoint(Revocation)
    protect = ResourceProtector()
    protect.register_token_validator(Validator())

    @app.post("/oauth/token")
    def token() -> Any:
        with _LOCK:
            return server.create_token_response()

    @app.post("/oauth/revoke")
    def revoke() -> Any:
        return server.create_endpoint_response(Revocation.ENDPOINT_NAME)

    @app.get("/orders")
    @protect()
    def orders() -> Any:
        return {"orders": [7, 8]}

    @app.after_request
    def delayed(response: Any) -> Any:
        time.sleep(float(request.headers.get(DELAY_HEADER, "0")))
        return response

    return app


if __name__ == "__main__":
    # The study speaks TLS in front of the server.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    make_server(
        "127.0.0.1",
        int(sys.argv[1]),
        application(Ledger(sys.argv[2]), float(sys.argv[3])),
        threaded=True,
        request_handler=Quiet,
    ).serve_forever()
