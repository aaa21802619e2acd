"""Chromium with several tabs at once, each with a jar of its own, over a pair of pipes.

Enters: commands of the devtools protocol and scripts. Leaves: their answers.
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from support.browser import CHROMIUM, QUIET
from support.devtools import PageError

PATIENCE_S = 60.0


class Browser:
    """A connection to a browser; answers are given to whom they belong."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[tuple[str | None, str], asyncio.Future[None]] = {}

    async def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command, and its answer."""
        number = next(self._numbers)
        command: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(json.dumps(command).encode() + b"\0")
        async with asyncio.timeout(PATIENCE_S):
            return await answer

    def next_event(self, session: str, method: str) -> asyncio.Future[None]:
        """Done when the tab tells of such an event."""
        future = self._events.get((session, method))
        if future is None or future.done():
            future = self._events[session, method] = asyncio.get_running_loop().create_future()
        return future

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Read until the browser is gone."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                heard = json.loads((await reader.readuntil(b"\0"))[:-1])
                if "id" not in heard:
                    future = self._events.pop((heard.get("sessionId"), heard["method"]), None)
                    if future is not None and not future.done():
                        future.set_result(None)
                    continue
                answer = self._waiting.pop(heard["id"])
                if answer.done():
                    continue
                if "error" in heard:
                    answer.set_exception(PageError(str(heard["error"])))
                else:
                    answer.set_result(heard["result"])


class Tab:
    """A tab; with a jar of its own, or with the browser's."""

    def __init__(self, browser: Browser, session: str, jar: dict[str, str]) -> None:
        self._browser, self._session, self._jar = browser, session, jar

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command to the tab, and its answer."""
        return await self._browser.send(method, self._session, **params)

    async def open(self, address: str) -> None:
        """Go to an address as a user who types it, and wait for the page."""
        loaded = self._browser.next_event(self._session, "Page.loadEventFired")
        answer = await self.send("Page.navigate", url=address)
        if "errorText" in answer:
            raise PageError(f"{address}: {answer['errorText']}")
        async with asyncio.timeout(PATIENCE_S):
            await loaded

    async def follow(self, script: str) -> None:
        """Run a script that leaves the page, and wait for the next one."""
        loaded = self._browser.next_event(self._session, "Page.loadEventFired")
        await self.run(script)
        async with asyncio.timeout(PATIENCE_S):
            await loaded

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        answer = await self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise PageError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def cookies(self) -> list[dict[str, Any]]:
        """All cookies of the jar."""
        answer = await self._browser.send("Storage.getCookies", **self._jar)
        found: list[dict[str, Any]] = answer["cookies"]
        return found

    async def clear(self) -> None:
        """Empty the jar."""
        await self._browser.send("Storage.clearCookies", **self._jar)


@contextlib.asynccontextmanager
async def chromium(*options: str, third_parties: bool) -> AsyncIterator[Browser]:
    """A fresh browser, gone afterwards; third parties may use their cookies, or not."""
    assert CHROMIUM is not None
    heard, to = os.pipe()
    back, tells = os.pipe()
    profile = tempfile.mkdtemp()
    preferences = Path(profile, "Default", "Preferences")
    preferences.parent.mkdir()
    settings = {"block_third_party_cookies": not third_parties}
    settings["cookie_controls_mode"] = 0 if third_parties else 1
    preferences.write_text(json.dumps({"profile": settings}), "utf-8")
    # The browser reads its descriptor 3 and writes to its descriptor 4.
    shell = f'exec "$0" "$@" 3<&{heard} 4>&{tells}'
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", shell, CHROMIUM, *QUIET, "--remote-debugging-pipe"),
        *(f"--user-data-dir={profile}", *options, "about:blank"),
        pass_fds=(heard, tells),
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(heard)
    os.close(tells)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(back, "rb")
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(to, "wb")
    )
    browser = Browser(asyncio.StreamWriter(transport, protocol, None, loop))
    listening = asyncio.create_task(browser.listen(reader))
    try:
        yield browser
    finally:
        listening.cancel()
        transport.close()
        process.terminate()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def new_tab(browser: Browser, *, own_jar: bool) -> Tab:
    """A tab, with the browser's jar or with one of its own."""
    jar: dict[str, str] = {}
    if own_jar:
        made = await browser.send("Target.createBrowserContext")
        jar = {"browserContextId": made["browserContextId"]}
    target = await browser.send("Target.createTarget", url="about:blank", **jar)
    attached = await browser.send(
        "Target.attachToTarget", targetId=target["targetId"], flatten=True
    )
    tab = Tab(browser, attached["sessionId"], jar)
    await tab.send("Page.enable")
    return tab
