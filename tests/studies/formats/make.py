"""`make formats`: one visit to the demo's origins, captured by every tool that runs here.

Enters: a browser, the demo's origins, a recording mitmdump between them, tshark on loopback.
Leaves: the captures under ``tests/ingest/formats/captures``, and ``live.json``, what the recorder
stored of the same visit. Formats of tools that do not run here are written from the flows
(`written`). What names this machine is taken out.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Final

from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader

from statetrail.demo.serve import serving
from statetrail.store.reader import read_store
from studies.formats import written
from support.browser import CHROMIUM
from support.proxy import free_port, mitmdump, wait_for

CAPTURES: Final = Path(__file__).parents[2] / "ingest" / "formats" / "captures"
KEY: Final = bytes(range(32))
FACTS: Final = {
    "issued": ("dialect", "param", "fingerprint", "usage", "channel", "problem"),
    "presented": ("dialect", "param", "fingerprint", "channel", "kind"),
}
"""What every capture of the visit has to show, by table."""
_CONSTANTS: Final = (
    *("logEventTypes", "logSourceType", "logEventPhase", "logFormatVersion", "netError"),
    *("timeTickOffset", "logCaptureMode"),
)


def main() -> int:
    """Make every capture anew."""
    if CHROMIUM is None or shutil.which("tshark") is None or shutil.which("node") is None:
        print("chromium, node and tshark are needed: apt install chromium nodejs npm tshark")
        return 2
    with tempfile.TemporaryDirectory(delete="KEEP" not in os.environ) as name:
        folder = Path(name)
        asyncio.run(_visit(folder))
        _collect(folder)
    for path in sorted(CAPTURES.iterdir()):
        print(f"{path.name:24} {path.stat().st_size:>9,} bytes")
    return 0


async def _visit(folder: Path) -> None:
    async with (
        serving("zest", {}, folder / "secrets", folder / "zest.log") as zest,
        serving("52eseller", {}, folder / "secrets", folder / "eseller.log") as eseller,
    ):
        await asyncio.to_thread(_record, folder, zest, eseller)


def _record(folder: Path, zest: int, eseller: int) -> None:
    store, keys = folder / "live.sqlite", folder / "keys.log"
    first, second = free_port(), free_port()
    Path(f"{store}.key").write_bytes(KEY.hex().encode())
    Path(f"{store}.key").chmod(0o600)
    with (
        _sniffer(folder / "raw.pcapng", first, second) as sniffer,
        _sniffer(folder / "plain.pcapng", zest, eseller) as second_sniffer,
        mitmdump(
            folder,
            f"reverse:http://127.0.0.1:{zest}",
            *("--mode", f"reverse:http://127.0.0.1:{eseller}@127.0.0.1:{second}"),
            *("-w", str(folder / "live.flows"), "--set", f"hardump={folder / 'live.har'}"),
            port=first,
            store=store,
        ) as proxy,
    ):
        wait_for(lambda: (folder / "raw.pcapng").exists(), "tshark to listen")
        time.sleep(1)
        subprocess.run(
            [
                *("node", str(Path(__file__).with_name("browse.mjs")), str(CHROMIUM)),
                *(f"https://127.0.0.1:{first}", f"https://127.0.0.1:{second}", str(folder)),
            ],
            env=os.environ | {"SSLKEYLOGFILE": str(keys)},
            check=True,
            timeout=300,
        )
        proxy.stop()
        time.sleep(1)
        sniffer.terminate()
        second_sniffer.terminate()


def _sniffer(target: Path, *ports: int) -> subprocess.Popen[bytes]:
    """Packets from and to these ports of loopback."""
    wanted = " or ".join(f"tcp port {port}" for port in ports)
    return subprocess.Popen(
        ["tshark", "-q", "-i", "lo", "-s", "0", "-f", wanted, "-w", str(target)],
        stderr=subprocess.DEVNULL,
    )


def _collect(folder: Path) -> None:
    shutil.rmtree(CAPTURES, ignore_errors=True)
    CAPTURES.mkdir(parents=True)
    (CAPTURES / "live.json").write_text(
        json.dumps(facts_of(folder / "live.sqlite"), indent=1) + "\n"
    )
    with (folder / "live.flows").open("rb") as file:
        flows = [each for each in FlowReader(file).stream() if isinstance(each, HTTPFlow)]
    shutil.copy(folder / "live.flows", CAPTURES / "mitmproxy.flows")
    shutil.copy(folder / "live.har", CAPTURES / "mitmproxy.har")
    _netlog(folder / "netlog.json", CAPTURES / "chromium.netlog.json")
    shutil.copy(folder / "har.zip", CAPTURES / "playwright.har.zip")
    _trace(folder / "trace.zip", CAPTURES / "playwright.trace.zip")
    subprocess.run(
        [
            *("editcap", "--inject-secrets", f"tls,{folder / 'keys.log'}"),
            *(str(folder / "raw.pcapng"), str(CAPTURES / "tshark.pcapng")),
        ],
        check=True,
    )
    # The older format, and HTTP/1.1 without TLS: between the proxy and the origins.
    subprocess.run(
        ["editcap", "-F", "pcap", str(folder / "plain.pcapng"), str(CAPTURES / "tshark.pcap")],
        check=True,
    )
    for name, write in written.WRITERS.items():
        (CAPTURES / name).write_bytes(write(flows))


def facts_of(store: Path) -> list[list[Any]]:
    """The requests in a store, with the values that each issued and presented; in no order."""
    tables = read_store(store).tables
    values: dict[str, dict[int, list[list[Any]]]] = {name: {} for name in FACTS}
    for table, columns in FACTS.items():
        for row in tables[table].to_pylist():
            found = values[table].setdefault(row["exchange_id"], [])
            found.append([row[name] for name in columns])
    requests = [
        [row["method"], row["path"], row["status"]]
        + [sorted(values[table].get(row["exchange_id"], []), key=repr) for table in FACTS]
        for row in tables["exchanges"].to_pylist()
    ]
    return sorted(requests, key=repr)


def _netlog(source: Path, target: Path) -> None:
    """The events of the visit's requests, and of the constants those that name them."""
    document = json.loads(source.read_text())
    constants, events = document["constants"], document["events"]
    kept = {name: constants[name] for name in _CONSTANTS}
    visit = {
        each["source"]["id"]
        for each in events
        if each.get("params", {}).get("url", "").startswith("https://127.0.0.1:")
    }
    kind = constants["logSourceType"]["URL_REQUEST"]
    lines = [
        json.dumps(each)
        for each in events
        if each["source"]["type"] == kind and each["source"]["id"] in visit
    ]
    head, rest = json.dumps(kept), ",\n".join(lines)
    target.write_text(f'{{"constants": {head},\n"events": [\n{rest}]}}\n')


def _trace(source: Path, target: Path) -> None:
    """The network's part of a trace, with its bodies; what the page looked like is left out."""
    with (
        zipfile.ZipFile(source) as trace,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as kept,
    ):
        network = trace.read("trace.network")
        kept.writestr("trace.trace", b'{"type":"context-options"}\n')
        kept.writestr("trace.network", network)
        for name in trace.namelist():
            if name.startswith("resources/") and name.encode() in network:
                kept.writestr(name, trace.read(name))


if __name__ == "__main__":
    sys.exit(main())
