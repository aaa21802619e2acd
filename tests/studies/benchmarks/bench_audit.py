"""What a whole audit costs: `make bench-audit`. Prints figures; asserts nothing.

Each audit is `statetrail audit DATASET --html FILE --json FILE` in a process of its own, start-up
included: processor time, time, and the most memory that was resident. In alternating rounds, each
figure the median of its own:

1. the store of the demo's recording, made by `statetrail demo`; `--version`, `--help`, and opening
   the store in Python;
2. generated datasets of 100,000 and of a million exchanges, verdicts, tokens and rotations alone of
   the latter;
3. a million exchanges of other shapes (`studies.benchmarks.generate`): one client, 200,000 clients
   of five exchanges, 100,000 endpoints, a new value in each exchange, 300 origins, 65,536 names;
4. ten million exchanges, once.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from statetrail.errors import StatetrailError
from studies.benchmarks.generate import SHAPES, generate

COMMAND = [sys.executable, "-m", "statetrail"]
OPEN = "import sys, statetrail as st; st.open(sys.argv[1])"
CORE = (
    "import sys, statetrail as st; rec = st.open(sys.argv[1])\n"
    "for each in (st.verdicts, st.tokens, st.rotations): each(rec)"
)
REACH = {
    "demo": "1.2 s CPU, 1.0 s",
    "--version": "0.25 s CPU",
    "--help": "0.25 s CPU",
    "open": "0.3 s CPU",
    "100,000": "3 s CPU",
    "1,000,000": "15 s CPU, 1,024 MiB",
    "10,000,000": "10.5 times a million, 2,048 MiB",
}


class Cost(NamedTuple):
    """Seconds of processor time and of time, and MiB, of one process and its children."""

    cpu_s: float
    wall_s: float
    rss_mib: float


class Work(NamedTuple):
    """A command, and what it works on."""

    name: str
    command: Sequence[str | Path]


def run(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end; raises `StatetrailError` where it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise StatetrailError(f"{' '.join(map(str, command))} ended with {process.returncode}")
    spent = usage.ru_utime + usage.ru_stime
    return Cost(spent, time.perf_counter() - start, usage.ru_maxrss / 1024)


def audit(store: Path) -> list[str | Path]:
    """The command that audits a store."""
    out = store.parent
    return [*COMMAND, "audit", store, "--html", out / "audit.html", "--json", out / "audit.json"]


def small(folder: Path) -> Iterator[Work]:
    """The demo's store."""
    run([*COMMAND, "demo", "--out", folder / "demo"])
    store = folder / "demo" / "recording.sqlite"
    yield Work("demo", audit(store))
    yield Work("--version", [*COMMAND, "--version"])
    yield Work("--help", [*COMMAND, "--help"])
    yield Work("open", [sys.executable, "-c", OPEN, store])


def sized(folder: Path, exchanges: int) -> Iterator[Work]:
    """A generated dataset of a tenth, and of all of the exchanges."""
    for count in (exchanges // 10, exchanges):
        store = folder / f"{count}"
        generate(store, count)
        yield Work(f"{count:,}", audit(store))
    yield Work("verdicts, tokens, rotations", [sys.executable, "-c", CORE, store])


def shaped(folder: Path, exchanges: int, names: Sequence[str]) -> Iterator[Work]:
    """As many exchanges of other shapes."""
    for name in names:
        if name != "plain":
            store = folder / name.replace(" ", "-")
            generate(store, exchanges, shape=SHAPES[name])
            yield Work(name, audit(store))


def measured(works: Sequence[Work], rounds: int) -> dict[str, Cost]:
    """The medians, of alternating rounds."""
    costs = defaultdict[str, list[Cost]](list)
    for _ in range(rounds):
        for work in works:
            costs[work.name].append(run(work.command))
    return {
        name: Cost(*(statistics.median(each) for each in zip(*several, strict=True)))
        for name, several in costs.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="comma separated; none: ''")
    parser.add_argument("--times", type=int, default=10, help="the largest size; 0: leave it out")
    options = parser.parse_args()
    shapes = [name for name in options.shapes.split(",") if name]
    print(f"{'audit of':28} {'CPU s':>8} {'s':>8} {'MiB':>8}  wanted")

    def add(costs: dict[str, Cost], otherwise: str = "") -> None:
        for name, cost in costs.items():
            cells = f"{cost.cpu_s:8.2f} {cost.wall_s:8.2f} {cost.rss_mib:8,.0f}"
            print(f"{name:28} {cells}  {REACH.get(name, otherwise)}", flush=True)

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        add(measured([*small(folder)], options.rounds))
        add(measured([*sized(folder, options.exchanges)], options.rounds))
        for work in shaped(folder, options.exchanges, shapes):
            add(measured([work], 1), "2 times the plain shape, 1,536 MiB")
        if options.times:
            store = folder / "largest"
            largest = options.exchanges * options.times
            generate(store, largest)
            add(measured([Work(f"{largest:,}", audit(store))], 1))


if __name__ == "__main__":
    main()
