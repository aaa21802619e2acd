"""Histories through every judge of verdicts: `make oracle N=20000`.

Random ones, and all of up to five events of one sender over two sessions. Prints what was compared
and how many rows differ; exits 1 if one does, with a few of them.
"""

import argparse
import collections
import sys
import time
from collections.abc import Iterable, Iterator
from random import Random

from studies.oracle.judges import (
    IN_PROCESS,
    apart,
    by_buckets,
    by_engine,
    by_slow_judge,
    by_tracker,
    short,
)
from studies.simulation.histories import every, history, sessions
from support.histories import Ex

BATCH = 2000
GRACES_MS = (0, 50, 100, 250)


MIN_SEEN = 5
"""Rows of a verdict and reason; what is rarer was hardly compared."""


def main() -> int:
    """Compare; 0 if not one row differs."""
    parser = argparse.ArgumentParser(prog="studies.oracle.run", description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--spark", type=int, default=0, help="histories through PySpark as well")
    parser.add_argument("--seed", type=int, default=20210301)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chance, judges = Random(options.seed), ("tracker", *IN_PROCESS, "buckets")
    seen, differing = _compare(_drawn(options.histories, chance), judges, chance)
    short_ones = [one for events in range(1, 6) for one in every(events)]
    # Once for each grace period.
    differing += _compare([short_ones] * len(GRACES_MS), judges, chance)[1]
    if options.spark:
        drawn = _drawn(options.spark, chance)
        differing += _compare(drawn, ("tracker", "pyspark"), chance)[1]
    rare = [verdict for verdict, count in seen.items() if count < MIN_SEEN]
    if options.histories >= BATCH and rare:
        print(f"too few of {', '.join(rare)} to say anything of them")
        return 1
    return 1 if differing else 0


def _drawn(count: int, chance: Random) -> Iterator[list[list[Ex]]]:
    """Random histories, a batch at a time."""
    for first in range(0, count, BATCH):
        few = range(min(BATCH, count - first))
        yield [chance.choice((history, sessions))(chance) for _ in few]


def _compare(
    batches_of: Iterable[list[list[Ex]]], judges: tuple[str, ...], chance: Random
) -> tuple[collections.Counter, int]:
    """The verdicts seen, and the number of differing rows of all judges."""
    seen: collections.Counter[str] = collections.Counter()
    seconds: collections.Counter[str] = collections.Counter()
    differing: collections.Counter[str] = collections.Counter()
    exchanges = batches = count = 0
    for histories in batches_of:
        count += len(histories)
        world = apart(histories)
        grace_ms = GRACES_MS[batches % len(GRACES_MS)]
        exchanges, batches = exchanges + len(world), batches + 1
        slow = by_slow_judge(histories, grace_ms)
        seen.update(f"{row[3]} ({row[4]})" if row[4] else row[3] for row in slow)
        reference = None
        for name in judges:
            began = time.perf_counter()
            if name == "tracker":
                rows = by_tracker(histories, grace_ms, chance)
            elif name == "buckets":
                rows = by_buckets(world, grace_ms)
            else:
                rows = by_engine(world, name, grace_ms)
            seconds[name] += time.perf_counter() - began
            reference = rows if reference is None else reference
            wrong = {*(short(rows) ^ slow), *(rows ^ reference)}
            differing[name] += len(wrong)
            for row in sorted(wrong, key=repr)[:5]:
                print(f"differs on {name}, grace {grace_ms} ms: {row}")
    print(f"{count:,} histories, {exchanges:,} exchanges, {seen.total():,} verdicts")
    print("  " + ", ".join(f"{verdict} {n:,}" for verdict, n in seen.most_common()))
    for name in judges:
        print(f"  {name:8} {differing[name]} differing rows, {seconds[name]:.1f} s")
    return seen, differing.total()


if __name__ == "__main__":
    sys.exit(main())
