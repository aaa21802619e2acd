"""A Tornado shop: ``_xsrf`` in a cookie and in each form, the login in a signed cookie.

    python -m studies.frameworks.servers.tornado_shop PORT LEDGER

A login is over `TORNADO_LOGIN_S` after it: Tornado refuses an older signature. A logout clears all
cookies, the one of ``_xsrf`` too. The file of the ledger stays empty: the server keeps no table.
"""

import asyncio
import logging
import sys

from tornado.web import Application, RequestHandler

from studies.frameworks.servers.lifetimes import TORNADO_LOGIN_S

_PAGE = """<!doctype html><h1>%s</h1><form method="post" action="%s">%s<input name="user"></form>"""
_DAY_S = 86_400


class Shop(RequestHandler):
    """What all pages share."""

    def get_current_user(self) -> str | None:
        """The user of the signed cookie, while it is young enough."""
        value = self.get_signed_cookie("user", max_age_days=TORNADO_LOGIN_S / _DAY_S)
        return value.decode() if value else None

    def page(self, heading: str, action: str) -> None:
        """A page with a form."""
        self.write(_PAGE % (heading, action, self.xsrf_form_html()))


class Login(Shop):
    """A form, and the login that it asks for."""

    def get(self) -> None:
        """The form."""
        self.page("log in", "/login")

    def post(self) -> None:
        """A login that lasts as long as the browser, by its cookie."""
        self.set_signed_cookie("user", self.get_body_argument("user"), expires_days=None)
        self.redirect("/cart", status=303)


class Cart(Shop):
    """The cart of a user."""

    def get(self) -> None:
        """What is in it."""
        if self.current_user:
            self.page(f"cart of {self.current_user}", "/cart")
        else:
            self.redirect("/login")

    def post(self) -> None:
        """A line more."""
        if self.current_user:
            self.redirect("/cart", status=303)
        else:
            self.send_error(401)

    delete = post


class Logout(Shop):
    """The end of a login."""

    def post(self) -> None:
        """All cookies are cleared."""
        self.clear_all_cookies()
        self.redirect("/login", status=303)


async def main(port: int) -> None:
    """Serve for ever."""
    logging.getLogger("tornado").setLevel(logging.CRITICAL)
    Application(
        [("/login", Login), ("/cart", Cart), ("/logout", Logout)],
        cookie_secret="not a secret: a server of a study on the loopback address",
        xsrf_cookies=True,
    ).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
