"""Chromium through DevTools: what a page ran and fetched, how long it took, how it looks.

Enters: a page's address, a width, a colour scheme. Leaves: the answers of the page, and what the
browser saw of scripts and dialogs. The browser speaks over a pair of pipes: no port, no driver.
"""

import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from support.browser import CHROMIUM, QUIET

PATIENCE_S = 60.0


class PageError(RuntimeError):
    """The browser refused a command, or a script of ours threw in the page."""


class Page:
    """One tab. What the browser tells of it without being asked is kept in `events`."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Open the tab and have the browser tell of its scripts, dialogs, requests and errors."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Debugger", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command, and its answer."""
        number = next(self._numbers)
        told: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            told["sessionId"] = self._session
        os.write(self._to, json.dumps(told).encode() + b"\0")
        while True:
            heard = self._hear(time.monotonic() + PATIENCE_S)
            if heard.get("id") == number:
                if "error" in heard:
                    raise PageError(f"{method}: {heard['error']}")
                result: dict[str, Any] = heard["result"]
                return result

    def _hear(self, until: float) -> dict[str, Any]:
        """The next message; what answers no command is kept, and a dialog is closed at once."""
        while b"\0" not in self._rest:
            if not select.select([self._back], [], [], max(0.0, until - time.monotonic()))[0]:
                raise PageError("the browser did not answer in time")
            got = os.read(self._back, 1 << 20)
            if not got:
                raise PageError("the browser is gone")
            self._rest += got
        text, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(text)
        if "method" in heard:
            self.events.append(heard)
            if heard["method"] == "Page.javascriptDialogOpening":
                close = {"id": next(self._numbers), "method": "Page.handleJavaScriptDialog"}
                close |= {"params": {"accept": False}, "sessionId": self._session}
                os.write(self._to, json.dumps(close).encode() + b"\0")
        return heard

    def seen(self, method: str) -> list[dict[str, Any]]:
        """What the browser has told of one kind of event."""
        return [event["params"] for event in self.events if event["method"] == method]

    def look(self, *, width: int, scheme: str, height: int = 900) -> None:
        """Be a window of this width, in a system with this colour scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", features=[feature])

    def open(self, address: str) -> None:
        """Load a page, and wait until all of it is there."""
        self.events.clear()
        self.send("Page.navigate", url=address)
        until = time.monotonic() + PATIENCE_S
        while not self.seen("Page.loadEventFired"):
            self._hear(until)

    def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited; its policy does not bind us."""
        told = self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in told:
            raise PageError(str(told["exceptionDetails"]))
        return told["result"].get("value")

    def ran(self) -> list[str]:
        """Every script that the page brought and the browser made ready to run, handlers too.

        What `run` runs is not of the page, and has no address.
        """
        scripts = (s for s in self.seen("Debugger.scriptParsed") if s["url"])
        return [self.send("Debugger.getScriptSource", scriptId=s["scriptId"])["scriptSource"]
                for s in scripts]  # fmt: skip

    def dialogs(self) -> list[str]:
        """The kind of every dialog that opened."""
        return [dialog["type"] for dialog in self.seen("Page.javascriptDialogOpening")]

    def fetched(self) -> list[str]:
        """The addresses of all that was asked for, what stands in the page itself left out."""
        asked = (r["request"]["url"] for r in self.seen("Network.requestWillBeSent"))
        return [url for url in asked if not url.startswith("data:")]


@contextlib.contextmanager
def chromium_page(*options: str) -> Iterator[Page]:
    """A fresh browser with one tab; both are gone afterwards."""
    assert CHROMIUM is not None
    heard, to = os.pipe()
    back, tells = os.pipe()
    profile = tempfile.mkdtemp()
    # The browser reads its descriptor 3 and writes to its descriptor 4.
    shell = f'exec "$0" "$@" 3<&{heard} 4>&{tells}'
    command = ["bash", "-c", shell, CHROMIUM, *QUIET, "--remote-debugging-pipe"]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}", *options, "about:blank"],
        pass_fds=(heard, tells),
        stderr=subprocess.DEVNULL,
    ) as browser:
        os.close(heard)
        os.close(tells)
        try:
            page = Page(to, back)
            page.attach()
            yield page
        finally:
            os.close(to)
            os.close(back)
            browser.terminate()
            browser.wait(20)
            shutil.rmtree(profile, ignore_errors=True)


def axe(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, all of it unfolded."""
    page.run("for (const one of document.querySelectorAll('details')) one.open = true")
    page.run((files("axe_playwright_python") / "axe.min.js").read_text("utf-8") + ";0")
    found = page.run("axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)")
    return [
        f"{one['impact']} {one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]
