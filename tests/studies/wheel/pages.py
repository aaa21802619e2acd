"""The commands of pages, typed in an empty environment, each timed.

Enters: the pages, a folder with the wheel, and a service. Leaves: a line a step. Only the address
of the service is replaced, and the package comes from the folder instead of an index
(`PIP_FIND_LINKS`). A recorder gets three requests at the address that the page names, and ends by
Ctrl-C.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "analysis/statetrail/docs"
CAPTURE: Final = ROOT / "tests/ingest/formats/captures/mitmproxy.har"
_BLOCK: Final = re.compile(r"^```(console|shell|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HERE: Final = ("make ",)
"""Commands of a clone."""


def steps(page: str) -> Iterator[tuple[str, str]]:
    """The command lines and the programs of a page, each with its kind, in the page's order.

    >>> [*steps("```console\\n$ make demo\\n$ statetrail show s.sqlite\\nrows\\n```\\n")]
    [('shell', 'statetrail show s.sqlite')]
    """
    for kind, text in _BLOCK.findall(page):
        if kind == "python":
            yield kind, text
            continue
        lines = [line for line in text.splitlines() if kind == "shell" or line.startswith("$ ")]
        for line in lines:
            command = line.removeprefix("$ ")
            if command and not command.startswith(_HERE):
                yield "shell", command


def type_pages(environment: Path, wheels: Path, upstream: int, token: Callable[[], str]) -> None:
    """Type all of the pages into one new environment. Raises `AssertionError` at a failure."""
    start = time.monotonic()
    work = environment / "work"
    _timed("python3.13 -m venv", [sys.executable, "-m", "venv", str(environment)], ROOT, {})
    work.mkdir()
    shutil.copy(CAPTURE, work / "traffic.har")
    variables = {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
        "HOME": str(work),
    }
    for page in (DOCS / "quickstart.md", ROOT / "README.md", DOCS / "installing.md"):
        for kind, text in steps(page.read_text("utf-8")):
            if kind == "python":
                _timed("(the Python of the page)", ["python", "-c", text], work, variables)
                continue
            command = text.replace("https://shop.example", f"http://127.0.0.1:{upstream}")
            line = ["/bin/sh", "-c", f"exec {command}"]
            records = "--mode" in command or command.startswith("mitmdump")
            if records and "--mode" not in command:
                line[2] += f" --mode reverse:http://127.0.0.1:{upstream}"
            _timed(text, line, work, variables, _visit(token) if records else None)
        print(f"{page.name}: {time.monotonic() - start:.0f} s since the beginning", flush=True)


def _visit(token: Callable[[], str]) -> Callable[[subprocess.Popen[str]], None]:
    """What is done while a recorder runs: three requests, then Ctrl-C."""

    def visit(recorder: subprocess.Popen[str]) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline, value, asked = time.monotonic() + 120, "1", 0
        while asked < 3:
            try:
                url = f"http://localhost:8080/API/V3/Cart?_session_token={value}"
                opener.open(url, timeout=30).close()
                asked, value = asked + 1, token()
            except OSError:
                if time.monotonic() > deadline or recorder.poll() is not None:
                    break
                time.sleep(0.1)
        recorder.send_signal(signal.SIGINT)
        assert asked == 3, "the recorder takes no requests"

    return visit


def _timed(
    name: str,
    line: list[str],
    folder: Path,
    variables: dict[str, str],
    meanwhile: Callable[[subprocess.Popen[str]], None] | None = None,
) -> None:
    """Run a step, and print what it took: seconds, and seconds of processor time."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRT"))}
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        line,
        cwd=folder,
        env=clean | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if meanwhile is not None:
        meanwhile(process)
    printed, _ = process.communicate(timeout=1_800)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{time.monotonic() - start:7.1f} s {used:7.1f} s  {name}", flush=True)
    assert process.returncode == 0, f"{name}: {process.returncode}: {printed[-500:]}"
