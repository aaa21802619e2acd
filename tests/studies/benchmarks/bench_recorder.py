"""What recording costs a proxy: `make bench-recorder`. Prints ratios to a bare mitmdump.

Four mitmdumps stand before one nginx: bare, with `-w`, with the recorder, and with the recorder
judging live. They are loaded one after the other in short rounds that alternate, so that what else
the machine does meets all of them. One and the same program runs some percent faster or slower
from start to start (its memory lies elsewhere), so all four are started anew many times, and a
ratio is one of such a life. What else runs on the machine only ever adds to a program's time: so
the CPU seconds that a tenth of the loads stay below are compared too ("undisturbed"). Needs
Debian's nginx-light and nghttp2-client.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx

from support.proxy import BIN, SCRIPT, free_port, listens, wait_for

TIMED = Path(__file__).with_name("timed_recorder.py")
KINDS = ("bare", "-w", "recorder", "live")
LOAD_S = 0.3
"""What one load takes, about."""
CONNECTIONS = 8
WARM = 600
"""Requests before any that count."""
HOOKS = 3_000
"""Requests whose hooks are timed."""
ROOT = '<ResultSet page="1" session="yjipILZBeUWxrFq" xmlns="http://www.zeald.com">'
CHILD = "<Category id='004'>text</Category>"
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000; types {{ text/xml xml; }} default_type text/xml;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl http2;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    root {folder}/www; add_header X-Set-Ticket "t/+=t/+=t/+=t/+=;header/forced";
    add_header Set-Cookie "sid=Qx7Tz2Lm9KpR4sVb; Path=/; HttpOnly";
    add_header X-Request-Id $request_id;
  }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[tuple[int, int]]:
    """The origin; yields its plain and its TLS port."""
    page = folder / "www" / "API" / "V3"
    page.mkdir(parents=True)
    for name, size in (("2", 2_000), ("200", 200_000)):
        body = ROOT + CHILD * (size // len(CHILD)) + "</ResultSet>"
        (page / name).write_text(body)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"], check=True, capture_output=True,
    )  # fmt: skip
    plain, tls = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, plain=plain, tls=tls))
    running = subprocess.Popen(["nginx", "-e", folder / "error.log", "-c", config, "-p", folder])
    try:
        wait_for(lambda: listens(plain), "nginx")
        yield plain, tls
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


class Proxy:
    """A mitmdump under load."""

    def __init__(self, kind: str, folder: Path, upstream: str) -> None:
        self.kind, self.port = kind, free_port()
        self.folder = folder / kind.strip("-")
        self.folder.mkdir()
        self.timings = self.folder / "timings.json"
        more = {
            "bare": [],
            "-w": ["-w", str(self.folder / "flows")],
            "recorder": ["-s", str(SCRIPT)],
            "timed": ["-s", str(TIMED), "--set", f"statetrail_timings={self.timings}"],
            "live": ["-s", str(SCRIPT), "--set", "statetrail_live=on"],
        }[kind]
        if "-s" in more:
            more += ["--set", f"statetrail_store={self.folder / 'x.sqlite'}"]
        self.process = subprocess.Popen(
            [str(BIN / "mitmdump"), "-q", "--set", f"confdir={folder / 'ca'}", "--ssl-insecure",
             "--mode", f"reverse:{upstream}@127.0.0.1:{self.port}", *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: listens(self.port), kind)

    def cpu_s(self) -> float:
        """CPU seconds used so far, all threads: time on a processor, not time waiting for one."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def answers(self, path: str, version: str) -> bool:
        """Whether it is at work."""
        url = f"http{'s' if version == '2' else ''}://127.0.0.1:{self.port}{path}"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(url, verify=False, timeout=5).status_code == 200
        return False

    def load(self, path: str, version: str, count: int) -> tuple[float, float]:
        """Requests a second, and CPU seconds per 1,000 requests."""
        cpu = self.cpu_s()
        secure, streams = ("s", "2") if version == "2" else ("", "1")
        clients = CONNECTIONS // int(streams)
        count = max(count, clients)
        target = f"http{secure}://127.0.0.1:{self.port}{path}?_session_token=yjipILZBeUWxrFq"
        command = ["h2load", *(() if secure else ("--h1",)), "-H", "X-Ticket: t/+=t/+=t/+=t/+="]
        command += [f"-n{count}", f"-c{clients}", f"-m{streams}", target]
        ran = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = r"in (?P<took>[0-9.]+)(?P<unit>m?s), [\s\S]*codes: (?P<count>[0-9]+) 2xx"
        done = re.search(found, ran)
        assert done is not None, ran
        assert int(done["count"]) == count, ran
        took_s = float(done["took"]) / (1000 if done["unit"] == "ms" else 1)
        return count / took_s, (self.cpu_s() - cpu) * 1000 / count

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def shown(values: list[float]) -> str:
    """Median, and the quartiles of the lives."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{median:5.2f} ({low:.2f}-{high:.2f})"


@contextlib.contextmanager
def started(kinds: tuple[str, ...], folder: Path, path: str, version: str, origin: str):
    """Proxies of these kinds, at work."""
    proxies: list[Proxy] = []
    try:
        proxies += [Proxy(kind, folder, origin) for kind in kinds]
        for proxy in proxies:
            wait_for(lambda proxy=proxy: proxy.answers(path, version), "an answer")
        yield proxies
    finally:
        for proxy in proxies:
            proxy.stop()


def life(
    folder: Path, path: str, version: str, origin: str, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """By kind, requests a second and CPU seconds per 1,000 requests of each load, of proxies
    started for it."""
    with started(KINDS, folder, path, version, origin) as proxies:
        for proxy in proxies:
            rate, _ = proxy.load(path, version, WARM)
        count = round(rate * LOAD_S)
        rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        costs: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for turn in range(rounds):
            # Each comes first, second, third and last as often as the others.
            first = turn % len(proxies)
            for proxy in (*proxies[first:], *proxies[:first])[:: 1 if turn % 2 else -1]:
                rate, cost = proxy.load(path, version, count)
                rates[proxy.kind].append(rate)
                costs[proxy.kind].append(cost)
    return rates, costs


def case(
    version: str, size: str, folder: Path, ports: tuple[int, int], lives: int, rounds: int
) -> None:
    """One size and version: lives of the four proxies, and the hooks' times."""
    path = f"/API/V3/{size}"
    origin = f"http://127.0.0.1:{ports[0]}" if version == "1.1" else f"https://127.0.0.1:{ports[1]}"
    found = []
    for number in range(lives):
        (own := folder / str(number)).mkdir()
        found.append(life(own, path, version, origin, rounds))
        shutil.rmtree(own)
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {lives} lives", end="\r", file=sys.stderr)
    print(f"\nHTTP/{version}, {size} KB XML: {lives} lives of {rounds} rounds")
    heads = ("requests/s ÷ bare", "CPU per request ÷ bare", "undisturbed", "CPU s per 1,000")
    print("  {:10}{:>24}{:>26}{:>14}{:>18}".format("", *heads))
    undisturbed = {
        kind: statistics.quantiles([cost for _, costs in found for cost in costs[kind]], n=10)[0]
        for kind in KINDS
    }
    for kind in KINDS:
        middles = [[statistics.median(of[kind]) for of in one] for one in found]
        bare = [[statistics.median(of["bare"]) for of in one] for one in found]
        rate, cost = (
            [a[what] / b[what] for a, b in zip(middles, bare, strict=True)] for what in (0, 1)
        )
        least = undisturbed[kind] / undisturbed["bare"]
        print(
            f"  {kind:10}{shown(rate):>24}{shown(cost):>26}{least:14.2f}"
            f"{statistics.median(one[1] for one in middles):18.2f}"
        )
    with started(("timed",), folder, path, version, origin) as (timed,):
        timed.load(path, version, HOOKS)
    times = json.loads(timed.timings.read_text())
    times = times[len(times) // 10 :]  # warm
    shared = statistics.mean(each[2] for each in times)
    for name, column in (("by the clock", 0), ("of the processor", 1)):
        us = sorted(each[column] / 1000 for each in times)
        print(
            f"  hooks {name:17} {statistics.median(us):6.0f} µs median "
            f"{us[int(len(us) * 0.99)]:7.0f} µs p99 ({len(us)} exchanges, "
            f"{shared:.1f} a commit)"
        )
    print(f"  a loop of 1,000 additions takes {yardstick_us():.0f} µs here now", flush=True)


def yardstick_us() -> float:
    """How busy the machine is: processor time of a fixed piece of work (25 to 40 when idle)."""
    took = []
    for _ in range(200):
        begun, total = time.thread_time_ns(), 0
        for number in range(1000):
            total += number
        took.append((time.thread_time_ns() - begun) / 1000)
    return statistics.median(took)


def need(**packages: str) -> None:
    """End the program unless these programs are there; each with the package that has it."""
    if missing := [name for name in packages if not shutil.which(name)]:
        wanted = sorted({packages[name] for name in missing})
        raise SystemExit(f"{', '.join(missing)} missing: apt-get install {' '.join(wanted)}")


def cases(only: str) -> Iterator[tuple[str, str, Path, tuple[int, int]]]:
    """HTTP version, size, folder and the origin's ports, of all cases or the one named."""
    for version, size in product(("1.1", "2"), ("2", "200")):
        if only in ("", f"{version}/{size}"):
            with tempfile.TemporaryDirectory() as folder, nginx(Path(folder)) as ports:
                os.chmod(folder, 0o755)  # nginx's worker is another user
                yield version, size, Path(folder), ports
            time.sleep(0.5)


def main() -> None:
    """Run all cases and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=16, help="starts of each proxy")
    parser.add_argument("--rounds", type=int, default=8, help="loads of each in a life")
    parser.add_argument("--only", default="", help="e.g. 1.1/2: HTTP/1.1 with 2 KB")
    arguments = parser.parse_args()
    need(nginx="nginx-light", h2load="nghttp2-client", openssl="openssl")
    for each in cases(arguments.only):
        case(*each, arguments.lives, arguments.rounds)


if __name__ == "__main__":
    main()
