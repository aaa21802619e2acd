"""The printed tables of a calibration, and what falls short of what is asked for.

Enters: tallies by case and size, naive estimates. Leaves: tables on a console, and the list of
what was missed, each in a sentence.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from calibration.cases import (
    CASES,
    LEAST_COVERED,
    LEAST_SHARP,
    MOST_WRONG,
    REACH,
    WIDER,
    WIDTHS,
)
from calibration.judge import Share, Tally

type Tallies = Mapping[tuple[str, int], Tally]


class Naive(NamedTuple):
    """One naive estimate: of which worlds, by which estimator, by the truth, and covered."""

    case: str
    estimator: str
    ratio: float
    covered: bool


def render(
    console: Console,
    tallies: Tallies,
    naive: Sequence[Naive],
    cases: Sequence[str],
    sizes: Sequence[int],
) -> list[str]:
    """Print everything; what was missed."""
    _named(console, tallies, cases, sizes)
    _strict(console, tallies, cases, sizes)
    _intervals(console, tallies, cases, sizes)
    _instead(console, tallies, cases, sizes)
    if naive:
        _naive(console, naive)
    missed = [*_missed(tallies), *_worse_with_more(tallies, cases, sizes)]
    for line in missed:
        console.print(f"missed: {line}", highlight=False, soft_wrap=True)
    if not missed:
        console.print("All that is asked for is reached.")
    return missed


def _named(console: Console, tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]) -> None:
    headings = [f"{what} {size}" for what in ("right", "wrong", "avoidably") for size in sizes]
    table = Table(
        "worlds", *headings, title="The policy named, by values seen (Wilson intervals at 95 %)"
    )
    for case in cases:
        cells = [
            str(tallies[case, size].share(what))
            for what in ("right", "wrong", "avoidable")
            for size in sizes
        ]
        table.add_row(case, *cells)
    console.print(table)


def _strict(console: Console, tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]) -> None:
    told = [case for case in cases if any(tallies[case, s].share("strict").trials for s in sizes)]
    if not told:
        return
    table = Table(
        "worlds", *(str(size) for size in sizes), title="The strict name, where late uses tell it"
    )
    for case in told:
        shares = [tallies[case, size].share("strict") for size in sizes]
        table.add_row(case, *(f"{share} of {share.trials}" for share in shares))
    console.print(table)


def _intervals(
    console: Console, tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]
) -> None:
    limited = [case for case in cases if CASES[case].limits]
    if not limited:
        return
    for title, covered, width in (
        ("The reported interval: coverage and median relative width", "covered", "width"),
        ("The sharp interval", "sharp_covered", "sharp_width"),
    ):
        headings = [f"{what} {size}" for what in ("covers", "width") for size in sizes]
        table = Table("worlds", *headings, title=title)
        for case in limited:
            shares = [str(tallies[case, size].share(covered)) for size in sizes]
            widths = [_width(tallies[case, size].width(width)) for size in sizes]
            table.add_row(case, *shares, *widths)
        console.print(table)


def _instead(
    console: Console, tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]
) -> None:
    table = Table("worlds", *(str(size) for size in sizes), title="All names given")
    for case in cases:
        named = [tallies[case, size].named() for size in sizes]
        table.add_row(case, *("\n".join(f"{n} {name}" for name, n in own.items()) for own in named))
        table.add_section()
    console.print(table)


def _naive(console: Console, naive: Sequence[Naive]) -> None:
    table = Table("worlds", "estimator", "estimate / truth", "covers", title="What people do")
    for case, estimator in dict.fromkeys((one.case, one.estimator) for one in naive):
        own = [one for one in naive if (one.case, one.estimator) == (case, estimator)]
        hits = Share(sum(one.covered for one in own), len(own))
        table.add_row(case, estimator, f"{median(one.ratio for one in own):.2f}", str(hits))
    console.print(table)


def _missed(tallies: Tallies) -> Iterator[str]:
    """What falls short of what is asked for."""
    for (case, size), found in sorted(tallies.items(), key=lambda pair: pair[0][1]):
        if CASES[case].beyond:
            continue
        where = f"{case} at {size} values"
        right, least = found.share("right"), REACH.get(size, {}).get(case, 0.0)
        if right.value < least:
            yield f"{where}: named rightly in {right}, {least} are asked for"
        avoidable = found.share("avoidable")
        if avoidable.value > MOST_WRONG:
            yield f"{where}: avoidably wrong in {avoidable}, at most {MOST_WRONG} are asked for"
        strict = found.share("strict")
        if size >= 1000 and strict.trials and strict.value < REACH[1000]["absolute"]:
            yield f"{where}: the strict name in {strict}, {REACH[1000]['absolute']} are asked for"
        covered = found.share("covered")
        if covered.trials and covered.value < LEAST_COVERED:
            yield f"{where}: reported interval covers {covered}, {LEAST_COVERED} are asked for"
        sharp = found.share("sharp_covered")
        if CASES[case].clean and sharp.trials and sharp.value < LEAST_SHARP:
            yield f"{where}: sharp interval covers {sharp}, {LEAST_SHARP} are asked for"
        widest = WIDTHS.get((case, size))
        if widest is not None:
            for what, most in (("sharp_width", widest), ("width", WIDER * widest)):
                if (width := found.width(what)) > most:
                    yield f"{where}: median {what} {_width(width)}, at most {most:.4g} is asked for"


def _worse_with_more(tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    """Where more data make it wrong more often, beyond chance."""
    for case in cases:
        for few, many in pairwise(sizes):
            less, more = (tallies[case, size].share("avoidable") for size in (few, many))
            if more.wilson[0] > less.wilson[1]:
                yield f"{case}: avoidably wrong in {less} at {few} values, in {more} at {many}"


def _width(width: float) -> str:
    if math.isnan(width):
        return "·"
    return "open" if math.isinf(width) else f"{width:.3g}"
