"""The report of a large recording: `make bench-report`. Prints figures; asserts nothing.

A million exchanges of 5,000 clients with every kind of fault, rotation and end
(`studies.benchmarks.shop`), in a process of its own: the time of the analyses, of the findings, and
of the report, and the size of the report. Then the page in Chromium, by its own performance clock:
until it is loaded and painted, and until its largest table is sorted and laid out again. Figures
are medians.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import statetrail as st
from studies.benchmarks.shop import shop
from support.browser import CHROMIUM
from support.devtools import Page, chromium_page

ANALYSES = (
    *(st.verdicts, st.tokens, st.rotations, st.sessions, st.expiry),
    *(st.clients, st.root_causes, st.overrides, st.shared, st.leaks),
)
ASKED = {
    "report after the analysis": "under 10 s",
    "HTML": "under 3 MB",
    "opened": "under 1 s",
    "sorted": "under 1 s",
}

# The largest table that sorts; a click on its second heading, and everything in its new place.
SORT = """(async () => {
  const tables = [...document.querySelectorAll('table.sort')];
  const table = tables.reduce((a, b) => (b.rows.length > a.rows.length ? b : a));
  const button = table.querySelectorAll('thead button')[1];
  const begun = performance.now();
  button.click();
  table.getBoundingClientRect();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [performance.now() - begun, table.rows.length - 1];
})()"""
OPENED = """new Promise((done) => setTimeout(() => {
  const load = performance.getEntriesByType('navigation')[0];
  const paints = performance.getEntriesByType('paint').map((one) => one.startTime);
  done([load.loadEventEnd, Math.max(...paints)]);
}, 200))"""


def made(folder: Path, out: Path) -> dict[str, Any]:
    """Analyse, report and write; how long each took."""
    told: dict[str, Any] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        told[name] = (time.perf_counter() - wall, time.process_time() - cpu)
        return result

    rec = st.open(folder)
    for analysis in ANALYSES:
        timed(f"  {analysis.__name__}", lambda analysis=analysis: analysis(rec))
    found = timed("  findings", lambda: st.findings(rec))
    told["analysis"] = tuple(map(sum, zip(*told.values(), strict=True)))
    audit = timed("  sections", lambda: st.audit(rec))
    for name in ("html", "json", "markdown", "junit", "csv"):
        write = getattr(audit, f"write_{name}")
        timed(f"  {name}", lambda write=write, name=name: write(out / f"audit.{name}"))
    after = [told[f"  {name}"] for name in ("sections", "html")]
    told["report after the analysis"] = tuple(map(sum, zip(*after, strict=True)))
    capture = audit.document.capture
    told["counts"] = {
        "exchanges": capture.exchanges,
        "clients": capture.clients,
        "findings": len(found.rows()),
        "rotations": audit.document.rotations_total,
    }
    told["peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return told


def seen(page: Page, address: str, width: int, rounds: int) -> dict[str, float]:
    """Medians of what the page's own clock says, in milliseconds."""
    opened, painted, sorting = [], [], []
    rows = 0
    for _ in range(rounds):
        page.look(width=width, scheme="light")
        page.open(address)
        loaded, paint = page.run(OPENED)
        spent, rows = page.run(SORT)
        opened.append(loaded)
        painted.append(paint)
        sorting.append(spent)
    return {
        "opened": statistics.median(opened),
        "painted": statistics.median(painted),
        "sorted": statistics.median(sorting),
        "rows": rows,
    }


def main() -> None:
    """Make the recording, then measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="a dataset that is there already")
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.made:
        print(json.dumps(made(asked.folder, asked.made)))
        return
    with tempfile.TemporaryDirectory() as parent:
        folder, out = asked.folder or Path(parent) / "shop", Path(parent) / "out"
        out.mkdir()
        if not asked.folder:
            shop(folder, asked.exchanges)
        command = [sys.executable, "-m", "studies.benchmarks.bench_report", "--made", out]
        done = subprocess.run(
            [*command, "--folder", folder], stdout=subprocess.PIPE, check=True, text=True
        )
        told = json.loads(done.stdout)
        print(", ".join(f"{number:,} {name}" for name, number in told.pop("counts").items()))
        peak = told.pop("peak MiB")
        for name, (wall, cpu) in told.items():
            print(f"{name:26} {wall:7.1f} s wall {cpu:7.1f} s CPU  {ASKED.get(name, '')}")
        print(f"{'peak memory':26} {peak:7,} MiB")
        for file in sorted(out.iterdir()):
            name = file.suffix.removeprefix(".").upper()
            print(f"{name:26} {file.stat().st_size / 1e6:7.2f} MB  {ASKED.get(name, '')}")
        if CHROMIUM is None:
            print("no chromium: the page was not opened")
            return
        with chromium_page() as page:
            for width in (1440, 390):
                spent = seen(page, (out / "audit.html").as_uri(), width, asked.rounds)
                rows = spent.pop("rows")
                for name, ms in spent.items():
                    of = f" {rows:.0f} rows" if name == "sorted" else ""
                    print(f"{name} at {width} px{of:10} {ms:12.0f} ms  {ASKED.get(name, '')}")


if __name__ == "__main__":
    main()
