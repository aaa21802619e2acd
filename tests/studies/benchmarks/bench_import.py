"""What importing costs: `make bench-import`. Prints medians of runs; asserts nothing.

Every reader runs in a process of its own, whose CPU time is taken from the first byte to the last
row, without the imports of modules, and whose peak memory is read at its end. The readers take
turns, so that what else the machine does falls on all of them. `statetrail` reads into a store,
with the dialects of both protocols and of cookies; the others only read:

``json``        the whole file, to plain objects
``msgspec``     the whole file, to plain objects
``typed``       the whole file, to records of the used fields: nothing that leaves objects is faster
``mitmproxy``   its reader of HAR and flow files
``haralyzer``   where it is installed: ``pip install haralyzer``
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
from importlib.util import find_spec
from pathlib import Path

from studies.benchmarks import captures

DIALECTS = "zest,52eseller,cookie"
LARGE = 1_200_000_000
"""Bytes of the file with which memory is measured."""


type Reader = Callable[[Path], int]
"""Reads a file, and returns the number of its entries."""


def _import() -> Reader:
    from statetrail.dialects import select
    from statetrail.extract.extractor import ExtractorConfig
    from statetrail.ingest.importer import import_files
    from statetrail.store.sqlite import SqliteStore

    dialects = select(DIALECTS)

    def read(path: Path) -> int:
        target = path.parent / "bench.sqlite"
        for old in path.parent.glob("bench.sqlite*"):
            old.unlink()
        with SqliteStore.create_or_open(target) as store:
            config = ExtractorConfig(dialects, store.fingerprinter)
            return import_files([path], store, config)[0].exchanges

    return read


def _redact() -> Reader:
    from statetrail.dialects import select
    from statetrail.ingest.redact.run import redact

    dialects = select(DIALECTS)
    return lambda path: redact(path, path.parent / "copy", dialects, bytes(16)).exchanges


def _json() -> Reader:
    return lambda path: len(json.loads(path.read_bytes())["log"]["entries"])


def _msgspec() -> Reader:
    import msgspec

    return lambda path: len(msgspec.json.decode(path.read_bytes())["log"]["entries"])


def _typed() -> Reader:
    import msgspec

    from statetrail.ingest.har.entry import HarEntry

    class Log(msgspec.Struct):
        entries: list[HarEntry]

    class Har(msgspec.Struct):
        log: Log

    return lambda path: len(msgspec.json.decode(path.read_bytes(), type=Har).log.entries)


def _mitmproxy() -> Reader:
    from mitmproxy.io import FlowReader

    def read(path: Path) -> int:
        with path.open("rb") as file:
            return sum(1 for _ in FlowReader(file).stream())  # type: ignore[no-untyped-call]

    return read


def _haralyzer() -> Reader:
    from haralyzer import HarEntry, HarParser  # type: ignore[import-not-found]

    def read(path: Path) -> int:
        entries = map(HarEntry, HarParser.from_file(str(path)).har_data["entries"])
        return sum(
            bool(one.startTime and one.request.url and one.response.status) for one in entries
        )

    return read


READERS: dict[str, Callable[[], Reader]] = {
    "statetrail": _import,
    "redact": _redact,
    "json": _json,
    "msgspec": _msgspec,
    "typed": _typed,
    "mitmproxy": _mitmproxy,
    "haralyzer": _haralyzer,
}
HAR = ("json", "msgspec", "typed", "mitmproxy", "haralyzer")


def measure(reader: str, path: Path) -> tuple[int, float, float]:
    """Entries, CPU seconds and peak megabytes of one reader in a process of its own."""
    line = subprocess.run(
        [sys.executable, "-m", "studies.benchmarks.bench_import", "--one", reader, str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return int(line[0]), float(line[1]), float(line[2])


def _one(reader: str, path: Path) -> None:
    run = READERS[reader]()
    begun = time.process_time()
    count = run(path)
    used = time.process_time() - begun
    print(count, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare(name: str, path: Path, readers: tuple[str, ...], rounds: int) -> None:
    """Measure readers in turns and print a line for each."""
    found: dict[str, list[tuple[int, float, float]]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            try:
                found[reader].append(measure(reader, path))
            except subprocess.CalledProcessError:
                found[reader].append((0, 1, 0))
    print(f"{name}: {path.stat().st_size / 1e6:,.0f} MB")
    for reader, runs in found.items():
        count = runs[0][0]
        if not count:
            print(f"  {reader:12} cannot read it")
            continue
        rate = count / statistics.median(used for _, used, _ in runs)
        peak = max(megabytes for _, _, megabytes in runs)
        print(f"  {reader:12} {count:9,} entries {rate:9,.0f} a CPU-second {peak:7,.0f} MB peak")


def main() -> None:
    """Make the files and compare the readers on each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", default="", help="zest,browser,torn,flows,redact,large")
    parser.add_argument("--one", nargs=2, metavar=("READER", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _one(options.one[0], Path(options.one[1]))
        return
    har = tuple(name for name in HAR if name in ("json", "typed") or find_spec(name))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def wanted(kind: str) -> bool:
            return not options.kinds or kind in options.kinds.split(",")

        zest, browser = folder / "zest.har", folder / "browser.har"
        captures.write_har(zest, captures.zest_entries(options.entries))
        captures.write_har(browser, captures.browser_entries(options.entries))
        if wanted("zest"):
            compare("ZEST", zest, ("statetrail", *har), options.rounds)
        if wanted("browser"):
            compare("browser", browser, ("statetrail", *har), options.rounds)
        if wanted("torn"):
            for each in (zest, browser):
                torn = folder / f"torn-{each.name}"
                captures.damage(each, torn)
                compare(torn.stem, torn, ("statetrail", *har), options.rounds)
        if wanted("flows"):
            flows = folder / "capture.flows"
            captures.write_flows(flows, options.entries)
            compare("flows", flows, ("statetrail", "mitmproxy"), options.rounds)
        if wanted("redact"):
            for each in (zest, browser):
                compare(f"redact {each.stem}", each, ("redact",), options.rounds)
        if wanted("large"):
            large = folder / "large.har"
            count = LARGE * options.entries // browser.stat().st_size
            captures.write_har(large, captures.browser_entries(count))
            compare("large", large, ("statetrail",), 1)


if __name__ == "__main__":
    main()
