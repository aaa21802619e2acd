"""The printed tables of a calibration, and what falls short of what is asked for.

Enters: tallies by case and size, naive estimates. Leaves: tables on a console, and the list of
what was missed, each in a sentence.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from studies.calibration.cases import (
    CASES,
    LEAST_COVERED,
    LEAST_SHARP,
    MOST_WRONG,
    REACH,
    WIDER,
    WIDTHS,
)
from studies.calibration.judge import Share, Tally

type Tallies = Mapping[tuple[str, int], Tally]


class Naive(NamedTuple):
    """One naive estimate: of which captures, by which estimator, by the truth, and covered."""

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
    lines = list(asked(tallies, cases, sizes))
    _lines(console, lines)
    missed = [
        f"{line.where}: {line.what} {line.found}, asked {line.asked}"
        for line in lines
        if not line.reached
    ]
    for line in missed:
        console.print(f"missed: {line}", highlight=False, soft_wrap=True)
    told = f"{len(lines) - len(missed)} of the {len(lines)} lines that are asked for are reached."
    console.print(told if missed else "All that is asked for is reached.")
    return missed


def _named(console: Console, tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]) -> None:
    headings = [f"{what} {size}" for what in ("right", "wrong", "avoidably") for size in sizes]
    table = Table(
        "captures", *headings, title="The policy named, by values seen (Wilson intervals at 95 %)"
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
        "captures", *(str(size) for size in sizes), title="The strict name, where late uses tell it"
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
        table = Table("captures", *headings, title=title)
        for case in limited:
            shares = [str(tallies[case, size].share(covered)) for size in sizes]
            widths = [_width(tallies[case, size].width(width)) for size in sizes]
            table.add_row(case, *shares, *widths)
        console.print(table)
    title = "Median relative width of what is open by the server's own clock"
    table = Table("captures", *(str(size) for size in sizes), title=title)
    for case in limited:
        if CASES[case].clean and len(CASES[case].limits) == 1:
            widths = [_width(tallies[case, size].width("clock_width")) for size in sizes]
            table.add_row(case, *widths)
    if table.row_count:
        console.print(table)


def _instead(
    console: Console, tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]
) -> None:
    table = Table("captures", *(str(size) for size in sizes), title="All names given")
    for case in cases:
        named = [tallies[case, size].named() for size in sizes]
        table.add_row(case, *("\n".join(f"{n} {name}" for name, n in own.items()) for own in named))
        table.add_section()
    console.print(table)


def _naive(console: Console, naive: Sequence[Naive]) -> None:
    table = Table("captures", "estimator", "estimate / truth", "covers", title="What people do")
    for case, estimator in dict.fromkeys((one.case, one.estimator) for one in naive):
        own = [one for one in naive if (one.case, one.estimator) == (case, estimator)]
        hits = Share(sum(one.covered for one in own), len(own))
        table.add_row(case, estimator, f"{median(one.ratio for one in own):.2f}", str(hits))
    console.print(table)


class Line(NamedTuple):
    """One thing that is asked for: where, of what, how much, what was found, and whether it is."""

    where: str
    what: str
    asked: str
    found: str
    reached: bool


def asked(tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]) -> Iterator[Line]:
    """All that is asked for, held against what was found."""
    judged = [case for case in cases if not CASES[case].beyond]
    for size in sizes:
        where = f"{size:,} values"
        for case in judged:
            found = tallies[case, size]
            least = REACH.get(size, {}).get(case)
            if least is not None:
                yield _at_least(where, f"{case} named rightly", least, found.share("right"))
            strict = found.share("strict")
            if size >= 1000 and strict.trials:
                least = REACH[1000]["absolute"]
                yield _at_least(where, f"{case} by its strict name", least, strict)
            avoidable = found.share("avoidable")
            within = avoidable.value <= MOST_WRONG
            yield Line(
                where, f"{case} avoidably wrong", f"≤ {MOST_WRONG:g}", str(avoidable), within
            )
            covered, sharp = found.share("covered"), found.share("sharp_covered")
            if covered.trials:
                yield _at_least(where, f"{case} covered as reported", LEAST_COVERED, covered)
            if CASES[case].clean and sharp.trials:
                yield _at_least(where, f"{case} covered as sharp", LEAST_SHARP, sharp)
            widest = WIDTHS.get((case, size))
            if widest is not None:
                for what, name, most in (
                    ("sharp_width", "sharp", widest),
                    ("width", "reported", WIDER * widest),
                ):
                    width = found.width(what)
                    text = f"{case} median width, {name}"
                    yield Line(where, text, f"≤ {most:.4g}", _width(width), width <= most)
    for case in judged:
        for few, many in pairwise(sizes):
            less, more = (tallies[case, size].share("avoidable") for size in (few, many))
            worse = more.wilson[0] > less.wilson[1]
            yield Line(
                f"{few:,} to {many:,}",
                f"{case} avoidably wrong with more data",
                "not more",
                f"{less.value:.3f} to {more.value:.3f}",
                not worse,
            )


def _at_least(where: str, what: str, least: float, found: Share) -> Line:
    return Line(where, what, f"≥ {least:g}", str(found), found.value >= least)


def _lines(console: Console, lines: Sequence[Line]) -> None:
    table = Table("at", "what", "asked", "found", "reached", title="What is asked for")
    for line in lines:
        table.add_row(*line[:4], "yes" if line.reached else "NO")
    console.print(table)


def markdown(tallies: Tallies, cases: Sequence[str], sizes: Sequence[int]) -> str:
    """The tables of the documentation, without what nothing is asked for."""
    judged = [case for case in cases if not CASES[case].beyond]
    limited = [case for case in judged if CASES[case].limits]

    def share(what: str) -> Callable[[Tally], str]:
        return lambda found: (
            f"{told} of {told.trials}" if (told := found.share(what)).trials else "·"
        )

    def widths(found: Tally) -> str:
        all_of = [_width(found.width(what)) for what in ("width", "sharp_width", "clock_width")]
        return " / ".join(all_of) if found.share("covered").trials else "·"

    tables: list[tuple[str, list[str], Callable[[Tally], str]]] = [
        ("named rightly", judged, share("right")),
        ("avoidably wrong", judged, share("avoidable")),
        ("reported interval covers", limited, share("covered")),
        ("sharp interval covers", limited, share("sharp_covered")),
        ("median relative width, reported / sharp / by the server's clock", limited, widths),
    ]
    texts = []
    for title, rows, cell in tables:
        table = [[title, *(f"{size:,} values" for size in sizes)], ["---"] * (len(sizes) + 1)]
        table += [[case, *(cell(tallies[case, size]) for size in sizes)] for case in rows]
        texts.append("".join(f"| {' | '.join(row)} |\n" for row in table))
    return "\n".join(texts)


def _width(width: float) -> str:
    if math.isnan(width):
        return "·"
    return "open" if math.isinf(width) else f"{width:.3g}"
