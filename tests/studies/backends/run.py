"""Draws worlds of backends and holds the tool against them: ``make backends``.

Prints a line for each kind of server, number of shoppers, share of faulty ones and way to tell
shoppers apart; exits 1 where a line misses what is wanted of it.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from studies.backends.facts import SENDERS
from studies.backends.judging import Line, judge
from studies.backends.visits import KINDS, draw

SIZES = {10: 24, 100: 24, 1_000: 24, 10_000: 6}
"""How many shoppers, and about how many requests each of them makes."""
SHARES = (0.0, 0.05, 0.2)
LARGE = 10_000
_HEAD = (
    *("server", "shoppers", "faulty", "told apart by", "exchanges", "innocent", "blamed"),
    *("planted", "found", "beyond", "findings", "expiry", "limit", "misses"),
)

type Setting = tuple[str, int, float]


def settings(most: int) -> Iterator[Setting]:
    """Kinds, sizes and shares; of the largest size only one share."""
    for kind, size, share in itertools.product(KINDS, SIZES, SHARES):
        if size <= most and (size < LARGE or share == SHARES[1]):
            yield kind, size, share


def lines(setting: Setting, senders: list[str], seed: int) -> list[Line]:
    """The lines of one world, for each way to tell its shoppers apart."""
    kind, size, share = setting
    world = draw(kind, size, share, seed, requests=SIZES[size])
    return [judge(world, each) for each in senders]


def row(setting: Setting, senders: str, line: Line) -> list[str]:
    """A line as cells."""
    kind, size, share = setting
    ends = ("-" if end is None else f"{end:.0f}" for end in (line.low_s, line.high_s))
    return [
        *(kind, f"{size:,}", f"{share:.0%}", senders, f"{line.exchanges:,}"),
        *(f"{line.innocent:,}", f"{line.blamed:,}", f"{line.planted:,}"),
        f"{line.found / line.planted:.2%}" if line.planted else "-",
        f"{line.beyond:,}",
        str(len(line.findings)),
        f"{line.policy} {' to '.join(ends)}",
        f"{line.limit_s:.0f}",
        ", ".join(line.misses) or "·",
    ]


def main() -> int:
    """Draw, judge, print."""
    parser = argparse.ArgumentParser(prog="studies.backends.run", description=__doc__)
    parser.add_argument("--most", type=int, default=1_000, help="shoppers of the largest worlds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    told_apart = list(SENDERS)
    console = Console(width=200)
    table = Table(*_HEAD, title=f"Backends of many shoppers, seed {options.seed}")
    notes: list[str] = []
    missing, start = 0, time.perf_counter()
    chosen = list(settings(options.most))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        answers = pool.map(partial(lines, senders=told_apart, seed=options.seed), chosen)
        for setting, several in zip(chosen, answers, strict=True):
            for senders, line in zip(told_apart, several, strict=True):
                table.add_row(*row(setting, senders, line))
                missing += bool(line.misses)
                if line.misses:
                    kind, size, share = setting
                    name = f"{kind}, {size:,}, {share:.0%}, {senders}"
                    evidence = *line.wrong, *line.findings
                    notes.append(f"{name}: {', '.join(line.misses)} {evidence or ''}")
    console.print(table)
    for note in notes:
        console.print(note, markup=False)
    console.print(f"{missing} of {table.row_count} lines miss, {time.perf_counter() - start:.0f} s")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
