"""Calibrates expiry on field policies: ``python -m studies.calibration.field --worlds 50``.

Enters: a number of worlds, sizes, a seed. Leaves: a table, one line a policy and size: names that
are right, wrong, avoidably wrong and left open; how often the interval covers the truth;
confidences. Exit code 1 where a name is avoidably wrong more often than `MOST_WRONG`, an interval
covers less often than `LEAST_COVERED`, or a confidence is high although more than `CONTRADICTED` of
the tokens contradict.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.recording.frames import Recording
from studies.calibration.field_policies import RIGHT
from studies.calibration.field_worlds import World, draw_world, tables
from studies.calibration.judge import Share
from studies.simulation import origin

MOST_WRONG: Final = 0.02
LEAST_COVERED: Final = 0.95
CONTRADICTED: Final = 0.05
_ROUNDING_S: Final = 1.0
"""By how much a clock of whole seconds moves a limit."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of one world.

    Attributes
    ----------
    named
        The policy.
    right, wrong, avoidable
        It is right; it claims something false; the capture showed that it is.
    covered
        The interval holds the truth; none: there is none, or no interval is stated.
    contradicted
        The share of tokens that contradict.
    confidence
        As reported.
    """

    named: str
    right: bool
    wrong: bool
    avoidable: bool
    covered: bool | None
    contradicted: float
    confidence: str


def told(world: World, row: Mapping[str, Any] | None) -> Told:
    """Hold one row against the truth."""
    if row is None:
        return Told("undetermined", False, False, False, None, 0.0, "none")
    named, server = row["policy"], world.server
    right = named in RIGHT[server.name]
    if named == "none-seen" and server.name == "midnight logout":
        right = row["calendar_s"] == 86_400
    honest = named == "undetermined" or (named == "none-seen" and not world.ends)
    tokens = row["ended"] + row["censored"]
    wrong = not right and not honest
    # One idle timeout explains every use: nothing of the second cause was recorded.
    untraced = named == "idle" and world.outlived_s < world.fatal_s
    return Told(
        named,
        right,
        wrong,
        wrong and not untraced,
        covers(world, row),
        row["contradictions"] / max(tokens, 1),
        row["confidence"],
    )


def covers(world: World, row: Mapping[str, Any]) -> bool | None:
    """Whether the intervals hold the limits that there are.

    Renewal by writes is judged where it is named: the idle time since the last use has no limit
    there. Of two limits by login one interval has to hold one of them, and the split both.
    """
    server = world.server
    slack = _ROUNDING_S if server.floor_s else 0.0

    def holds(limit: float, name: str) -> bool:
        low, high = (row[f"{name}_{side}_s"] for side in ("low", "high"))
        return (low or 0.0) - slack < limit <= (high or float("inf")) + slack

    if server.writes_only:
        return holds(server.idle_s, "idle") if row["policy"] == "idle-by-writes" else None
    if server.login_s:
        if row.get("anonymous_low_s") is not None:
            return holds(server.idle_s, "anonymous") and holds(server.login_s, "login")
        if row["high_s"] is None:
            return None
        return any(holds(limit, "idle") for limit in (server.idle_s, server.login_s))
    if not server.truths:
        return None
    return all(holds(limit, span) for span, limit in server.truths.items())


def calibrate(name: str, size: int, worlds: int, seed: int, family: str) -> list[Told]:
    """Draw worlds, infer, and judge."""
    drawn = [draw_world(name, size, seed + n, family=family) for n in range(worlds)]
    rows = {row["origin"]: row for row in expiry(Recording(tables(drawn))).rows()}
    return [told(world, rows.get(origin(n))) for n, world in enumerate(drawn)]


def _one(job: tuple[str, int], worlds: int, seed: int, family: str) -> list[Told]:
    return calibrate(*job, worlds, seed, family)


def missed(found: list[Told]) -> list[str]:
    """What falls short of what is asked for."""
    wrong = sum(one.avoidable for one in found) / len(found)
    known = [one.covered for one in found if one.covered is not None]
    falls = []
    if wrong > MOST_WRONG:
        falls.append(f"avoidably wrong {wrong:.2f}")
    if known and sum(known) < LEAST_COVERED * len(known):
        falls.append(f"covers {sum(known)} of {len(known)}")
    if any(one.confidence == "high" and one.contradicted > CONTRADICTED for one in found):
        falls.append("high although contradicted")
    return falls


def main(argv: list[str] | None = None) -> int:
    """Calibrate and print."""
    parser = argparse.ArgumentParser(prog="studies.calibration.field", description=__doc__)
    parser.add_argument("--worlds", type=int, default=50, help="worlds per policy and size")
    parser.add_argument("--sizes", default="30,100", help="values seen: 30,100")
    parser.add_argument("--policies", default=",".join(RIGHT), help="names, with commas")
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--family", default="held-out", help="held-out or development")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    asked = parser.parse_args(argv)
    sizes = [int(size) for size in asked.sizes.split(",")]
    jobs = list(product(asked.policies.split(","), sizes))
    each = partial(_one, worlds=asked.worlds, seed=asked.seed, family=asked.family)
    table = Table(
        *(
            "policy",
            "values",
            "right",
            "wrong",
            "avoidably",
            "open",
            "covers",
            "high",
            "names",
            "falls short",
        ),
        title=f"{asked.worlds} worlds each, {asked.family} seeds from {asked.seed}",
    )
    short = 0
    if asked.jobs == 1:
        results = [each(job) for job in jobs]
    else:
        with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
            results = [*pool.map(each, jobs)]
    for (name, size), found in zip(jobs, results, strict=True):
        falls = missed(found)
        short += bool(falls)
        known = [one.covered for one in found if one.covered is not None]
        names = Counter(one.named for one in found)
        right, wrong = (sum(getattr(one, what) for one in found) for what in ("right", "wrong"))
        table.add_row(
            name,
            str(size),
            str(right),
            str(wrong),
            str(sum(one.avoidable for one in found)),
            str(len(found) - right - wrong),
            f"{sum(known)} of {len(known)}" if known else "·",
            str(sum(one.confidence == "high" for one in found)),
            ", ".join(f"{named} {count}" for named, count in names.most_common()),
            "; ".join(falls),
        )
    console = Console(width=180)
    console.print(table)
    console.print(f"covered, all together: {_covered(results)}")
    return 1 if short else 0


def _covered(results: list[list[Told]]) -> Share:
    known = [one.covered for found in results for one in found if one.covered is not None]
    return Share(sum(known), len(known))


if __name__ == "__main__":
    sys.exit(main())
