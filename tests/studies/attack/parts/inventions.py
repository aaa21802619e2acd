"""Invented names and hosts without end: what an audit of them costs.

40,000 names and 60,000 hosts. Before reports had bounds, the one took 3 GB and a page of 50 MB, the
other 294 s and a page of 137 MB.
"""

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from studies.attack.inventions import write_inventions
from studies.attack.outcome import Outcome
from support.commands import command

MEASURED: Final = {"names": (40_000, 0), "hosts": (0, 60_000)}
MAX_S: Final = 120
MAX_KIB: Final = 1 << 20
MAX_PAGE: Final = 10_000_000


def run(_seed: int) -> Outcome:
    """An audit of each, as a program of its own."""
    outcome = Outcome()
    print(f"{'invented':9} {'count':>7} {'store MB':>9} {'s':>6} {'MiB':>6} {'page MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (names, hosts) in MEASURED.items():
            store = write_inventions(Path(folder, f"{name}.sqlite"), names, hosts)
            page = store.with_suffix(".html")
            start = time.monotonic()
            peak = _peak_kib(command("audit", store, "--html", page))
            seconds, size = time.monotonic() - start, page.stat().st_size
            print(
                f"{name:9} {names + hosts:7,} {store.stat().st_size / 1e6:9.1f} {seconds:6.1f} "
                f"{peak >> 10:6} {size / 1e6:8.1f}"
            )
            outcome.tried += 1
            if seconds > MAX_S or peak > MAX_KIB or size > MAX_PAGE:
                outcome.wrong.append(f"{name}: {seconds:.0f} s, {peak >> 10} MiB, {size:,} bytes")
    return outcome


def _peak_kib(arguments: list[str]) -> int:
    """The most memory that the program held."""
    timed = ["/usr/bin/env", "python3", "-c", _PEAK, *arguments]
    return int(subprocess.run(timed, capture_output=True, check=True, text=True).stdout.split()[-1])


_PEAK: Final = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
    "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
