"""What recording costs a proxy in instructions: `make bench-instructions`.

Seconds depend on what else a machine does; instructions hardly do. Each mitmdump runs under
valgrind for a few requests and again for more: the difference is what a request takes in the
program itself, without the kernel. Garbage collection is off, since whether one falls into a run is
chance. The origin sets a cookie and an id of the request with each answer. Needs Debian's valgrind,
nginx-light and nghttp2-client.
"""

import argparse
import os
import re
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from studies.benchmarks.bench_recorder import KINDS, cases, need
from support.proxy import BIN, SCRIPT, free_port, listens, wait_for

DEADLINE_S = 600
PAGES = 40
SENT = (
    "X-Ticket: t/+=t/+=t/+=t/+=",
    "Cookie: sid=Qx7Tz2Lm9KpR4sVb; lang=en",
    "Authorization: Bearer mF9.B5f-4.1JqMmF9B5f41Jq",
)
"""What each request presents: with all dialects on, the two protocols, `cookie` and `bearer`."""
# Under valgrind a write takes longer than the recorder waits for one.
PATIENCE = f"import statetrail.store.live.journal as j\nj.DEADLINE_S = {DEADLINE_S}\n"


def instructions(kind: str, requests: int, folder: Path, upstream: str, path: str) -> int:
    """Instructions of one mitmdump's life, with so many requests in it."""
    port, version = free_port(), "2" if upstream.startswith("https") else "1.1"
    own = Path(tempfile.mkdtemp(dir=folder))
    more = {
        "bare": [],
        "-w": ["-w", str(own / "flows")],
        "recorder": ["-s", str(SCRIPT)],
        "live": ["-s", str(SCRIPT), "--set", "statetrail_live=on"],
    }[kind]
    if "-s" in more:
        (own / "patience.py").write_text(PATIENCE)
        more = ["-s", str(own / "patience.py"), *more]
        more += ["--set", f"statetrail_store={own / 'x.sqlite'}"]
    counting = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
    ]
    proxy = subprocess.Popen(
        [*counting, BIN / "python", BIN / "mitmdump", "-q", "--set", f"confdir={folder / 'ca'}",
         "--ssl-insecure", "--mode", f"reverse:{upstream}@127.0.0.1:{port}", *more],
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(folder / "site")},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(lambda: proxy.poll() is not None or listens(port), kind, DEADLINE_S)
        url = f"{upstream.partition(':')[0]}://127.0.0.1:{port}{path}"
        (own / "urls").write_text("".join(f"{url}&page={n}\n" for n in range(PAGES)))
        load = ["h2load", "-n", str(requests), "-i", str(own / "urls")]
        load += [part for field in SENT for part in ("-H", field)]
        load += ["--h1", "-c8"] if version == "1.1" else ["-c4", "-m2"]
        said = subprocess.run(load, capture_output=True, text=True, check=True).stdout
        assert f" {requests} succeeded" in said, said
    finally:
        proxy.send_signal(signal.SIGINT)
        told = proxy.communicate(timeout=DEADLINE_S)[1]
    found = re.search(r"I\s+refs:\s+([0-9,]+)", told)
    assert found is not None, told
    return int(found[1].replace(",", ""))


def case(version: str, size: str, folder: Path, ports: tuple[int, int], counts: list[int]) -> None:
    """One size and version: what a request takes in each proxy, and its ratio to the bare one."""
    upstream = (
        f"http://127.0.0.1:{ports[0]}" if version == "1.1" else f"https://127.0.0.1:{ports[1]}"
    )
    path = f"/API/V3/{size}?_session_token=yjipILZBeUWxrFq"
    print(f"\nHTTP/{version}, {size} KB XML: instructions a request", flush=True)
    instructions("bare", 8, folder, upstream, path)  # makes the certificates
    bare = None
    for kind in KINDS:
        with ThreadPoolExecutor(2) as both:
            of = partial(instructions, kind, folder=folder, upstream=upstream, path=path)
            few, many = both.map(of, counts)
        each = (many - few) / (counts[1] - counts[0])
        bare = bare or each
        print(f"  {kind:10}{each / 1000:12,.0f} k{each / bare:9.3f} ÷ bare", flush=True)


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--many", type=int, default=500)
    parser.add_argument("--only", default="", help="e.g. 1.1/2: HTTP/1.1 with 2 KB")
    arguments = parser.parse_args()
    need(valgrind="valgrind", nginx="nginx-light", h2load="nghttp2-client", openssl="openssl")
    for version, size, folder, ports in cases(arguments.only):
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text("import gc\ngc.disable()\n")
        case(version, size, folder, ports, [arguments.few, arguments.many])


if __name__ == "__main__":
    main()
