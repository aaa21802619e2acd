"""Calibrates the inference of expiry: ``python -m studies.calibration.run --captures 200``.

Enters: kinds of captures, sizes, a seed. Leaves: the table of what was named and what the intervals
cover, on captures drawn from the family of seeds that development does not use; exit code 1 where
less is reached than is asked for.
"""

import argparse
import hashlib
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

import statetrail
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.frames import Recording
from studies.calibration.cases import BEYOND_UP_TO, CASES, Case
from studies.calibration.judge import Judged, Tally, judge, limit_of, tally
from studies.calibration.naive import ESTIMATORS, lives
from studies.calibration.tables import Naive, markdown, render
from studies.simulation import Capture, draw, origin, tables

SIZES = (10, 30, 100, 1000)
NAIVE_SIZE = 100
NAIVE_CASES = {"idle": "idle", "absolute": "age"}
_VALUES_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Captures of one kind and size that share a recording."""

    case: str
    size: int
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: its captures judged, and what naive estimators make of them."""

    batch: Batch
    judged: tuple[Judged, ...]
    naive: tuple[Naive, ...]


def calibrate(batch: Batch) -> Outcome:
    """Draw the captures, infer, and judge."""
    case = CASES[batch.case]
    captures = [
        draw(case.policy, batch.size, seed, family="held-out", variation=case.variation)
        for seed in batch.seeds
    ]
    rec = Recording(tables([capture.view for capture in captures]))
    rows = {row["origin"]: row for row in expiry(rec).rows()}
    judged = tuple(
        judge(case, capture.truth, rows.get(origin(n))) for n, capture in enumerate(captures)
    )
    compared = batch.size == NAIVE_SIZE and case.name in NAIVE_CASES
    return Outcome(batch, judged, tuple(_naive(case, rec, captures)) if compared else ())


def _naive(case: Case, rec: Recording, captures: list[Capture]) -> Iterator[Naive]:
    """The naive estimates by the true limits."""
    counted = uses(rec).to_pandas()
    counted = counted[counted["exclusion"].isna()]
    by_origin = dict(tuple(counted.groupby("origin")))
    for n, capture in enumerate(captures):
        own = by_origin.get(origin(n))
        if own is None:
            continue
        columns = {name: own[name].to_numpy() for name in own.columns}
        seen = lives(columns, NAIVE_CASES[case.name])
        true = limit_of(capture.truth, case.limits[0])
        for name, estimator in ESTIMATORS.items():
            point, low, high = estimator(seen)
            if np.isfinite(point):
                yield Naive(case.name, name, point / true, bool(low < true <= high))


def batches(cases: list[str], sizes: list[int], captures: int, seed: int) -> list[Batch]:
    """All captures, the largest first, so that no process waits long for another."""
    made = []
    for size in sorted(sizes, reverse=True):
        several = max(1, min(100, _VALUES_AT_ONCE // size))
        for first in range(0, captures, several):
            seeds = range(seed + first, seed + min(first + several, captures))
            made += [
                Batch(case, size, tuple(seeds))
                for case in cases
                if size <= BEYOND_UP_TO or not CASES[case].beyond
            ]
    return made


@cache
def _code() -> str:
    """What tells this code from any other: outcomes of another are of no use."""
    sources = [*Path(statetrail.__file__).parent.rglob("*.py"), *Path(__file__).parent.glob("*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:8]


def kept(batch: Batch, folder: Path | None) -> Outcome:
    """The outcome of a batch: the one in the folder, or a new one that is left there."""
    if folder is None:
        return calibrate(batch)
    name = f"{batch.case}-{batch.size}-{batch.seeds[0]}-{len(batch.seeds)}"
    file = folder / f"{_code()}-{name}.pickle"
    if file.exists():
        return Outcome(batch, *pickle.loads(file.read_bytes()))
    outcome = calibrate(batch)
    half = file.with_suffix(f".{os.getpid()}")
    half.write_bytes(pickle.dumps((outcome.judged, outcome.naive)))
    half.replace(file)
    return outcome


def work(todo: list[Batch], jobs: int, folder: Path | None = None) -> Iterator[Outcome]:
    """The outcomes, in the order in which they come."""
    each = partial(kept, folder=folder)
    if jobs == 1:
        yield from map(each, todo)
        return
    # Engines have threads, which a forked process would not inherit alive.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        for done in as_completed([pool.submit(each, batch) for batch in todo]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def collect(
    todo: list[Batch], jobs: int, folder: Path | None = None
) -> tuple[dict[tuple[str, int], Tally], list[Naive]]:
    """Work through the batches, with progress where somebody watches."""
    judged: dict[tuple[str, int], dict[tuple[int, ...], tuple[Judged, ...]]] = {}
    naive: list[Naive] = []
    watched = Console(stderr=True)
    with Progress(console=watched, disable=not watched.is_terminal, transient=True) as progress:
        task = progress.add_task("captures", total=sum(len(batch.seeds) for batch in todo))
        for outcome in work(todo, jobs, folder):
            batch = outcome.batch
            judged.setdefault((batch.case, batch.size), {})[batch.seeds] = outcome.judged
            naive += outcome.naive
            progress.update(task, advance=len(batch.seeds))
    # In the order of the seeds, whichever process was first.
    tallies = {
        key: tally(capture for _, part in sorted(parts.items()) for capture in part)
        for key, parts in judged.items()
    }
    return tallies, naive


def main(argv: list[str] | None = None) -> int:
    """Calibrate and print."""
    parser = argparse.ArgumentParser(prog="studies.calibration.run", description=__doc__)
    parser.add_argument("--captures", type=int, default=200, help="captures per kind and size")
    parser.add_argument("--sizes", type=_numbers, default=list(SIZES), help="values seen: 10,30")
    parser.add_argument("--policies", type=_cases, default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--seed", type=int, default=0, help="the first of the held-out seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--keep", type=Path, help="folder of outcomes: go on where one was stopped")
    parser.add_argument("--markdown", type=Path, help="write the documentation's tables, too")
    asked = parser.parse_args(argv)
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    todo = batches(asked.policies, asked.sizes, asked.captures, asked.seed)
    tallies, naive = collect(todo, asked.jobs, asked.keep)
    console = Console(width=200)
    seeds = f"held-out seeds {asked.seed} to {asked.seed + asked.captures - 1}"
    console.print(f"{asked.captures} captures per kind and size, {seeds}")
    for case, size in product(asked.policies, asked.sizes):
        tallies.setdefault((case, size), tally(()))
    missed = render(console, tallies, naive, asked.policies, sorted(asked.sizes))
    if asked.markdown:
        asked.markdown.write_text(markdown(tallies, asked.policies, sorted(asked.sizes)))
    console.print(f"{time.perf_counter() - begun:.0f} s")
    return 1 if missed else 0


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _cases(text: str) -> list[str]:
    asked: list[str] = text.split(",")
    unknown: list[Any] = [name for name in asked if name not in CASES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no captures {unknown}: choose from {', '.join(CASES)}")
    return asked


if __name__ == "__main__":
    # Whoever is stopped leaves no processes behind that go on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
