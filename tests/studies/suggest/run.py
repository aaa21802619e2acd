"""What `statetrail suggest` finds in worlds whose state is known, what else, and at what cost.

``python -m studies.suggest.run`` prints a line a world: true places, those found, others; then what
each rule against noise is worth, and the cost of an entry. Exits 1 where a target is missed: 95 %
of the places, one other place in all, 2,500 entries a second of processor time, 1 kB an entry.
Captures that are named as arguments hold no state that is known: what is suggested is printed.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from mitmproxy.io import FlowWriter
from rich.console import Console
from rich.table import Table

from statetrail.demo.run import run_demo
from statetrail.errors import CaptureError
from statetrail.suggest import suggest
from statetrail.suggest.exclusion import RULES
from studies.suggest.recorder import World
from studies.suggest.truth import CASES, FRAMEWORKS, Place, found_places, recorded_places
from support.flowfiles import flow_file

FOUND = 0.95
OTHERS = 1
ENTRIES_A_SECOND = 2_500
BYTES_AN_ENTRY = 1_000
CLIENTS = (4, 1)
COPIES = 40
"""Worlds of each look-alike, by which the cost is measured."""

_COST = """
import json, re, sys, time
from pathlib import Path
from statetrail.suggest import suggest
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
suggest([Path(sys.argv[1])])  # what is loaded and cached once
before = peak()
start = time.process_time()
found = suggest([Path(sys.argv[2])])
seconds = time.process_time() - start
grown = peak() - before
print(json.dumps({"exchanges": found.exchanges, "seconds": seconds, "bytes": 1024 * grown}))
"""


def made(name: str, clients: int, seed: int, folder: Path) -> Path:
    """A world's traffic as a flow file."""
    path = folder / f"{name}-{clients}-{seed}.flows"
    with World(seed) as world:
        CASES[name].make(world, clients)
        path.write_bytes(flow_file(*world.flows))
    return path


def demo(folder: Path) -> tuple[Path, set[Place]]:
    """The demo's traffic through a real mitmdump, and its places by what the recorder says."""
    private = folder / "private"
    flows = folder / "demo.flows"
    (private / "mitmproxy").mkdir(parents=True)
    (private / "mitmproxy" / "config.yaml").write_text(f"save_stream_file: {flows}\n", "utf-8")
    run_demo(folder / "demo", console=Console(file=io.StringIO()), private=private)
    return flows, recorded_places(folder / "demo" / "recording.sqlite")


def cost(folder: Path) -> tuple[int, float, float]:
    """Exchanges, those a second of processor time, and bytes an exchange, of many worlds."""
    small, large = folder / "small.flows", folder / "large.flows"
    with large.open("wb") as file:
        writer = FlowWriter(file)
        for number in range(COPIES):
            world = World(number)
            for name, case in CASES.items():
                if name not in FRAMEWORKS:
                    case.make(world, 4)
            for flow in world.flows:
                flow.client_conn.peername = (f"10.{number}.0.1", 50_000)
                writer.add(flow)
            if number == 0:
                small.write_bytes(flow_file(*world.flows))
    command = [sys.executable, "-c", _COST, str(small), str(large)]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    count = measured["exchanges"]
    return count, count / measured["seconds"], measured["bytes"] / count


def places(found: Iterable[Place]) -> str:
    """Places as text."""
    return ", ".join(" ".join(place) for place in sorted(found)) or "·"


def main() -> int:
    """Make the worlds, suggest, compare."""
    parser = argparse.ArgumentParser(prog="studies.suggest.run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("captures", nargs="*", type=Path)
    options = parser.parse_args()
    console = Console(width=200)
    if options.captures:
        return without_truth(options.captures, console)
    table = Table("world", "clients", "exchanges", "true", "found", "missing", "others")
    true = found = others = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files: dict[tuple[str, int, int], Path] = {}
        for case in CASES:
            for clients in CLIENTS:
                for seed in range(1, options.seeds + 1):
                    files[case, clients, seed] = made(case, clients, seed, folder)
        truths = {key: CASES[key[0]].places for key in files}
        files["demo", 20, 1], truths["demo", 20, 1] = demo(folder)
        for (case, clients, seed), path in files.items():
            result, expected = suggest([path]), truths[case, clients, seed]
            got = found_places(result)
            true, found = true + len(expected), found + len(got & expected)
            others += len(got - expected)
            table.add_row(
                *(f"{case}, seed {seed}", str(clients), str(result.exchanges), str(len(expected))),
                *(str(len(got & expected)), places(expected - got), places(got - expected)),
            )
        console.print(table)
        without = Table("rule", "other places without it")
        for rule in (*RULES, "all"):
            off = frozenset(RULES) if rule == "all" else frozenset((rule,))
            count = sum(
                len(found_places(suggest([path], off=off)) - truths[key])
                for key, path in files.items()
            )
            without.add_row(rule, str(count))
        console.print(without)
        entries, speed, size = cost(folder)
    console.print(
        f"{found} of {true} places found ({found / true:.1%}), {others} others; "
        f"{entries:,} entries: {speed:,.0f} a second of processor time, {size:,.0f} bytes each"
    )
    missed = found < FOUND * true or others > OTHERS
    return int(missed or speed < ENTRIES_A_SECOND or size > BYTES_AN_ENTRY)


def without_truth(captures: list[Path], console: Console) -> int:
    """Print what is suggested from captures of which nothing is known."""
    exchanges, start, files = 0, time.process_time(), 0
    for path in captures:
        try:
            result = suggest([path])
        except CaptureError:
            continue
        files, exchanges = files + 1, exchanges + result.exchanges
        for proposal in result.proposals:
            shown = [f"{p.kind} {p.name}" for p in (*proposal.issue, *proposal.present)]
            console.print(f"{path.name}: {', '.join(shown)}: {proposal.values} values")
    seconds = time.process_time() - start
    console.print(
        f"{files} captures, {exchanges:,} exchanges, {exchanges / seconds:,.0f} a second of "
        "processor time"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
