"""A real Chromium: logins, two tabs, a page of somebody else, logouts, a return after the expiry.

Its identity is its User-Agent. Scripts run in a thread: the browser is told what to do, and heard.
"""

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Final

from studies.frameworks.clients.label import BEYOND_GRACE_S, Client, Fault
from studies.frameworks.servers.lifetimes import DJANGO_SESSION_S, PHP_SESSION_S
from support.devtools import PATIENCE_S, Page, chromium_page

_DJANGO: Final = "https://django.test"
_FLASK: Final = "https://flask.test"
_PHP: Final = "http://php.test"
_NEWS: Final = "https://news.test"
_SETTLED_S: Final = 0.4


class Browser:
    """A Chromium with tabs, of which one is in front."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.tab = page._session

    def new_tab(self) -> str:
        """Open a tab, bring it to the front, and return its name."""
        self._page._session = None
        self._page.attach()
        self.tab = self._page._session
        assert self.tab is not None
        return self.tab

    def front(self, tab: str | None) -> None:
        """Bring a tab to the front."""
        self._page._session = self.tab = tab

    def open(self, address: str) -> None:
        """Load an address."""
        self._page.open(address)

    def run(self, script: str) -> object:
        """What a script in the page says."""
        return self._page.run(script)

    def leave(self, script: str) -> None:
        """Run a script that leads to another page, and wait for that."""
        self._page.events.clear()
        self._page.send("Runtime.evaluate", expression=script, userGesture=True)
        until = time.monotonic() + PATIENCE_S
        while not self._page.seen("Page.loadEventFired"):
            self._page._hear(until)

    def submit(self, **fields: str) -> None:
        """Fill the page's form and send it."""
        filled = "".join(
            f"document.querySelector('[name={name}]').value = {json.dumps(value)};"
            for name, value in fields.items()
        )
        self.leave(f"{filled} document.forms[0].submit()")

    def cookies(self, address: str) -> dict[str, str]:
        """The cookies that go to an address."""
        found = self._page.send("Network.getCookies", urls=[address])["cookies"]
        return {cookie["name"]: cookie["value"] for cookie in found}

    def set_cookie(self, address: str, name: str, value: str) -> None:
        """Put a cookie back, as an extension would."""
        self._page.send("Network.setCookie", url=address, name=name, value=value, path="/")

    def at(self, path: str) -> None:
        """Fails if the page in front is another one: then the study is wrong."""
        found = self.run("location.pathname")
        assert found == path, f"{found}, not {path}"


@contextlib.contextmanager
def chromium(name: str, proxy: str) -> Iterator[Browser]:
    """A fresh browser that calls itself `name`.

    It asks the proxy for the hosts of the study; what it wants of its maker ends at a closed port.
    """
    rule = f'/[.]test$/.test(host) ? "PROXY {proxy.removeprefix("http://")}" : "PROXY 127.0.0.1:9"'
    script = f"function FindProxyForURL(url, host) {{ return {rule}; }}"
    encoded = base64.b64encode(script.encode()).decode()
    with chromium_page(
        f"--proxy-pac-url=data:application/x-ns-proxy-autoconfig;base64,{encoded}",
        f"--user-agent={name}",
        "--ignore-certificate-errors",
        "--disable-features=OptimizationHints,MediaRouter,AutofillServerCommunication",
        "--disable-default-apps",
        "--disable-client-side-phishing-detection",
    ) as page:
        yield Browser(page)


def _log_in(browser: Browser) -> None:
    browser.open(f"{_DJANGO}/login")
    browser.submit(username="ada", password="analytical engine")
    browser.at("/cart")


def _log_out(browser: Browser) -> None:
    browser.leave("document.forms[0].action = '/logout'; document.forms[0].submit()")
    browser.at("/")


def shop(browser: Browser) -> None:
    """Login, two tabs, somebody else's page and its link, logout; a return after the expiry."""
    first = browser.tab
    _log_in(browser)
    browser.new_tab()
    browser.open(f"{_DJANGO}/cart")
    second = browser.tab
    browser.front(first)
    browser.submit(item="7")
    browser.front(second)
    browser.submit(item="8")
    browser.at("/cart")
    browser.new_tab()
    browser.open(f"{_NEWS}/")
    time.sleep(_SETTLED_S)
    browser.leave("document.getElementById('link').click()")
    browser.at("/cart")
    browser.front(first)
    browser.open(f"{_DJANGO}/cart")
    _log_out(browser)
    _log_in(browser)
    time.sleep(DJANGO_SESSION_S * 1.5)
    browser.open(f"{_DJANGO}/cart")
    browser.at("/login")
    browser.submit(username="ada", password="analytical engine")
    browser.at("/cart")


def forged(browser: Browser) -> None:
    """Somebody else's page posts a form to the shop: the browser is not to blame."""
    _log_in(browser)
    browser.new_tab()
    browser.open(f"{_NEWS}/")
    time.sleep(_SETTLED_S)
    browser.leave("document.getElementById('form').submit()")


def flask(browser: Browser) -> None:
    """The Flask shop: login, two tabs, logout."""
    browser.open(f"{_FLASK}/login")
    browser.submit(user="ada")
    browser.at("/cart")
    first = browser.tab
    browser.new_tab()
    browser.open(f"{_FLASK}/cart")
    browser.submit(user="")
    browser.front(first)
    browser.submit(user="")
    browser.leave("document.forms[0].action = '/logout'; document.forms[0].submit()")
    browser.at("/login")


def php(browser: Browser) -> None:
    """The PHP shop, without TLS: login, a return after the expiry, login again.

    PHP collects when somebody comes, so that a session nobody followed may still be there.
    """
    for _ in range(3):
        browser.open(f"{_PHP}/cart")
        if browser.run("location.pathname") == "/login":
            browser.submit(user="ada")
        browser.submit(user="")
        time.sleep(PHP_SESSION_S * 1.6)


def omits_token(browser: Browser) -> None:
    """A script in the page takes the hidden field away before the form is sent, twice."""
    for _ in range(2):
        _log_in(browser)
        browser.submit(item="7")
        time.sleep(BEYOND_GRACE_S)
        browser.leave(
            "document.querySelector('[name=csrfmiddlewaretoken]').remove();"
            "document.forms[0].submit()"
        )


def old_tab(browser: Browser) -> None:
    """A tab from before the login sends its form, whose token the login has replaced."""
    browser.open(f"{_DJANGO}/")
    first = browser.tab
    browser.new_tab()
    _log_in(browser)
    browser.front(first)
    time.sleep(BEYOND_GRACE_S)
    browser.submit(item="7")


def keeps_session(browser: Browser) -> None:
    """An extension puts the session back that the logout has deleted."""
    _log_in(browser)
    old = browser.cookies(_DJANGO)["sessionid"]
    _log_out(browser)
    browser.open(f"{_DJANGO}/pixel.gif")
    browser.set_cookie(_DJANGO, "sessionid", old)
    time.sleep(BEYOND_GRACE_S)
    browser.open(f"{_DJANGO}/cart")
    browser.at("/login")


def _client(name: str, server: str, script: object, *faults: Fault) -> Client:
    also = ("pages",) if server == "django" else ()
    return Client(f"chromium-{name}", server, script, "chromium", faults, also)  # type: ignore[arg-type]


CLIENTS: Final = (
    _client("shopper", "django", shop),
    _client("forged", "django", forged),
    _client("flask", "flask-wtf", flask),
    _client("php", "php", php),
    _client("omits-token", "django", omits_token, Fault("django", "csrftoken", "omitted", None, 2)),
    _client("old-tab", "django", old_tab, Fault("django", "csrftoken", "stale", "superseded")),
    _client(
        "keeps-session", "django", keeps_session, Fault("cookie", "sessionid", "stale", "deleted")
    ),
)
