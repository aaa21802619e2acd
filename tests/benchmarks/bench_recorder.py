"""What recording costs a proxy: `make bench-recorder`. Prints ratios to a bare mitmdump.

Four mitmdumps stand before one nginx: bare, with `-w`, with the recorder, and with the recorder
judging live. They are loaded one after the other in rounds that alternate, so that what else the
machine does meets all of them. Needs Debian's nginx-light, wrk (HTTP/1.1) and
nghttp2-client (HTTP/2).
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
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx

from support.proxy import BIN, SCRIPT, free_port, listens, wait_for

TIMED = Path(__file__).with_name("timed_recorder.py")
KINDS = ("bare", "-w", "recorder", "live")
SECONDS = 1.0
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

    def load(self, path: str, version: str, seconds: float = SECONDS) -> tuple[float, float]:
        """Requests a second, and CPU seconds per 1,000 requests."""
        cpu = self.cpu_s()
        target = f"127.0.0.1:{self.port}{path}?_session_token=yjipILZBeUWxrFq"
        ticket = ("-H", "X-Ticket: t/+=t/+=t/+=t/+=")
        if version == "1.1":
            command = ["wrk", "-t1", "-c8", f"-d{seconds:.0f}s", *ticket, f"http://{target}"]
            found = r"(?P<count>[0-9]+) requests in (?P<took>[0-9.]+)(?P<unit>m?s)"
        else:
            command = ["h2load", "-c4", "-m2", f"-D{seconds:.0f}", *ticket, f"https://{target}"]
            found = r"in (?P<took>[0-9.]+)(?P<unit>m?s), [\s\S]*codes: (?P<count>[0-9]+) 2xx"
        ran = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        done = re.search(found, ran)
        assert done is not None, ran
        assert "Non-2xx" not in ran, ran
        count, took_s = int(done["count"]), float(done["took"])
        if not count:  # so busy is the machine
            return self.load(path, version, 2 * seconds)
        took_s /= 1000 if done["unit"] == "ms" else 1
        return count / took_s, (self.cpu_s() - cpu) * 1000 / count

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def shown(values: list[float]) -> str:
    """Median, and the range of the rounds."""
    return f"{statistics.median(values):5.2f} ({min(values):.2f}-{max(values):.2f})"


def case(version: str, size: str, folder: Path, ports: tuple[int, int], rounds: int) -> None:
    """One size and version: rounds over the four proxies, and the hooks' times."""
    upstream = (
        f"http://127.0.0.1:{ports[0]}" if version == "1.1" else f"https://127.0.0.1:{ports[1]}"
    )
    proxies: list[Proxy] = []
    try:
        for kind in KINDS:
            proxies.append(Proxy(kind, folder, upstream))
            wait_for(lambda: proxies[-1].answers(f"/API/V3/{size}", version), "an answer")
            proxies[-1].load(f"/API/V3/{size}", version, 1)  # warm
        rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        costs: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for turn in range(rounds):
            # Each comes first, second, third and last as often as the others.
            first = turn % len(proxies)
            for proxy in (*proxies[first:], *proxies[:first])[:: 1 if turn % 2 else -1]:
                rate, cost = proxy.load(f"/API/V3/{size}", version)
                rates[proxy.kind].append(rate)
                costs[proxy.kind].append(cost)
        proxies.append(timed := Proxy("timed", folder, upstream))
        wait_for(lambda: timed.answers(f"/API/V3/{size}", version), "an answer")
        for _ in range(3):
            timed.load(f"/API/V3/{size}", version)
    finally:
        for proxy in proxies:
            proxy.stop()
    print(f"\nHTTP/{version}, {size} KB XML: {rounds} rounds of {SECONDS:.0f} s")
    print(
        f"  {'':10}{'requests/s ÷ bare':>24}{'CPU per request ÷ bare':>26}{'CPU s per 1,000':>18}"
    )
    for kind in KINDS:
        rate = [a / b for a, b in zip(rates[kind], rates["bare"], strict=True)]
        cost = [a / b for a, b in zip(costs[kind], costs["bare"], strict=True)]
        print(
            f"  {kind:10}{shown(rate):>24}{shown(cost):>26}{statistics.median(costs[kind]):18.2f}"
        )
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
    print(f"  a loop of 1,000 additions takes {yardstick_us():.0f} µs here now")


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
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", default="", help="e.g. 1.1/2: HTTP/1.1 with 2 KB")
    arguments = parser.parse_args()
    need(nginx="nginx-light", wrk="wrk", h2load="nghttp2-client", openssl="openssl")
    for each in cases(arguments.only):
        case(*each, arguments.rounds)


if __name__ == "__main__":
    main()
