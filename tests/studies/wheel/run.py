"""The wheel and the sdist in empty environments: `make wheel`. Exits 1 where something fails.

Builds both, then makes an environment an extra outside of the checkout, with venv and pip. Prints
what each takes (files without pip and byte code, seconds of pip), and runs what it is for. Without
an extra, traffic is recorded, judged live, imported and redacted, every other command has to name
the extra that it lacks, and the start of each command is measured in processor time. `pages` types
the commands of the quickstart and the README into a new environment, and times each.
"""

import argparse
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Final

from studies.wheel.pages import type_pages

ROOT: Final = Path(__file__).parents[3]
MAX_MB: Final = 125
MAX_START_S: Final = 0.25
ALL: Final = (
    *("", "sdist", "analysis", "report", "probe", "demo", "notebooks", "spark"),
    *("metrics", "otel", "mcp", "all", "pages"),
)
LACKING: Final = {
    "audit s.sqlite": "report",
    "compare a.json b.json": "report",
    "show s.sqlite clients": "analysis",
    "export s.sqlite --to d": "analysis",
    "verify s.flows --capture s.flows": "analysis",
    "dialect try zest s.flows": "analysis",
    "probe http://127.0.0.1:1/ --param zest:_session_token": "probe",
    "demo": "demo",
    "record --metrics 127.0.0.1:9464": "metrics",
    "record --otel": "otel",
    "mcp s.sqlite": "mcp",
}
BODY: Final = b'<ResultSet session="mD2kQ8vR1xT5zB9"/>'


class Environment:
    """An empty environment with the package and an extra, and a folder to work in."""

    def __init__(self, folder: Path, package: Path, extra: str) -> None:
        self.folder = folder
        self.work = folder / "work"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.work.mkdir()
        bare = self._megabytes()
        bare_compiled = self._megabytes(compiled=True)
        name = f"{package}[{extra}]" if extra else str(package)
        start = time.monotonic()
        self.run("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", name)
        self.seconds = time.monotonic() - start
        self.megabytes = self._megabytes() - bare
        self.compiled = self._megabytes(compiled=True) - bare_compiled

    def run(self, program: str, *arguments: str, code: int = 0) -> str:
        """What a program of the environment printed; it has to end with this code."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRT"))}
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != code:
            last = (done.stderr or done.stdout).strip()[-500:]
            raise AssertionError(f"{program} {' '.join(arguments)}: {done.returncode}: {last}")
        return done.stdout + done.stderr

    def processor_seconds(self, *arguments: str) -> float:
        """What a command takes, the median of five."""
        taken = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.run("statetrail", *arguments)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return median(taken)

    def _megabytes(self, compiled: bool = False) -> float:
        """The size of the files, with or without byte code."""
        files = (self.folder / "lib").rglob("*")
        sizes = [
            f.stat().st_size for f in files if f.is_file() and (compiled or f.suffix != ".pyc")
        ]
        return sum(sizes) / 1e6


@contextmanager
def service() -> Iterator[int]:
    """A service that issues a token; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def records_and_redacts(env: Environment) -> None:
    """What needs no extra; nothing that an extra brings is there."""
    with service() as upstream, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [
            *(str(env.folder / "bin" / "statetrail"), "record", "--store", "s.sqlite", "--live"),
            *("--", "--mode", f"reverse:http://127.0.0.1:{upstream}", "-p", str(port)),
            *("-w", "s.flows", "--set", f"confdir={env.work}/mitmproxy"),
        ]
        log = (env.work / "log").open("wb")
        recorder = subprocess.Popen(
            command, cwd=env.work, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            for token in ("1", "mD2kQ8vR1xT5zB9"):
                fetch(f"http://127.0.0.1:{port}/API/V3/Cart?_session_token={token}")
        finally:
            recorder.terminate()
            recorder.wait(30)
    assert "2 exchanges" in env.run("statetrail", "watch", "s.sqlite", "--seconds", "0")
    assert "2 exchanges" in env.run("statetrail", "import", "s.flows", "--store", "t.sqlite")
    assert "none of" in env.run("statetrail", "redact", "s.flows", "--out", "shared.flows")
    assert b"mD2kQ8vR1xT5zB9" not in (env.work / "shared.flows").read_bytes()
    for command_line, extra in LACKING.items():
        said = env.run("statetrail", *command_line.split(), code=2).splitlines()
        assert len(said) == 1, said
        assert f"'statetrail[{extra}]'" in said[0], said
    assert env.compiled <= MAX_MB, f"{env.compiled:.1f} MB are more than {MAX_MB}"
    start_times(env)


def start_times(env: Environment) -> None:
    """What each command takes until it has printed its help."""
    listed = re.findall(r"^│ ([a-z]+) {2}", env.run("statetrail", "--help"), re.MULTILINE)
    assert len(listed) > 15, listed
    for command in ("--version", "--help", *(f"{name} --help" for name in listed)):
        seconds = env.processor_seconds(*command.split())
        print(f"  statetrail {command}: {seconds:.2f} s of processor time", flush=True)
        assert seconds <= MAX_START_S


def fetch(url: str) -> None:
    """A request; it waits until the recorder listens."""
    deadline = time.monotonic() + 120
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(url, timeout=30) as answer:
                assert answer.read() == BODY
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def analyses(env: Environment) -> None:
    """Tables of a store."""
    (env.work / "s.har").write_text('{"log": {"version": "1.2", "entries": []}}', "utf-8")
    env.run("statetrail", "import", "s.har", "--store", "s.sqlite")
    assert "client" in env.run("statetrail", "show", "s.sqlite", "clients", "--format", "csv")
    env.run("statetrail", "export", "s.sqlite", "--to", "dataset")


def demo(env: Environment) -> None:
    """The whole demo, outside of the checkout."""
    said = env.run("statetrail", "demo", "--out", "demo")
    assert "The audit equals the account" in said
    env.run("statetrail", "audit", "demo/recording.sqlite", "--html", "again.html")


def starts(env: Environment) -> None:
    """The command starts, and its data files are there."""
    env.run("statetrail", "--version")
    json.loads(env.run("statetrail", "dialect", "schema"))


def notebooks(env: Environment) -> None:
    """The notebooks that the wheel brings run, on Spark too where the environment has it."""
    copied = env.run("statetrail", "notebook", "copies").split()
    assert len(copied) == 5, copied
    env.run("jupyter", "execute", *copied)


USES: Final[dict[str, Callable[[Environment], None]]] = {
    "": records_and_redacts,
    "analysis": analyses,
    "report": analyses,
    "demo": demo,
    "notebooks": notebooks,
    "all": notebooks,
}


def types_pages(folder: Path) -> bool:
    """Type the pages; whether all of it worked."""
    try:
        with service() as upstream:
            type_pages(folder / "pages", folder, upstream, lambda: "mD2kQ8vR1xT5zB9")
    except (AssertionError, subprocess.SubprocessError) as error:
        print(f"pages fail: {error}", flush=True)
        return False
    return True


def main() -> int:
    """Build, install and use. Returns 0, or 1 if something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*", default=ALL, help="which; sdist: the sdist without")
    parser.add_argument("--uv", default="uv")
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="statetrail-wheel-") as name:
        folder = Path(name)
        subprocess.run([args.uv, "build", "-q", "--out-dir", folder, ROOT], check=True)
        wheel, sdist = (next(folder.glob(end)) for end in ("*.whl", "*.tar.gz"))
        for extra in args.extras:
            if extra == "pages":
                failed |= not types_pages(folder)
                continue
            is_sdist = extra == "sdist"
            place = folder / (extra or "none")
            try:
                env = Environment(place, sdist if is_sdist else wheel, "" if is_sdist else extra)
                print(
                    f"{extra or '(none)':10} {env.megabytes:7.1f} MB, with byte code "
                    f"{env.compiled:7.1f} MB {env.seconds:6.0f} s",
                    flush=True,
                )
                starts(env)
                USES.get(extra, starts)(env)
            except (AssertionError, subprocess.SubprocessError) as error:
                failed = True
                print(f"{extra or '(none)'} fails: {error}", flush=True)
            shutil.rmtree(place, ignore_errors=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
