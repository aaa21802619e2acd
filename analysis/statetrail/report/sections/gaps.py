"""The gaps section: how long tokens lay unused before a use that they survived or did not.

Enters: `uses`. Leaves: `Gap` parts, a histogram on a logarithmic scale.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.frames import Recording
from statetrail.report.document import Gap
from statetrail.report.sections.counting import counted

BINS_PER_DECADE: Final = 20
SHORTEST_S: Final = 0.001


def gather_gaps(rec: Recording) -> tuple[Gap, ...]:
    """Count the gaps by length: of the survived uses the shortest that it can have been, of the
    ended ones the longest, which are the figures that bound the timeout.
    """
    ended = nw.col("outcome") == "ended"
    gap = nw.when(ended).then("idle_high_s").otherwise("idle_low_s")
    lengths = (
        uses(rec)
        .lazy.filter(nw.col("exclusion").is_null())
        .with_columns(gap=gap)
        .filter(~nw.col("gap").is_null())
        .with_columns(gap=nw.when(nw.col("gap") > SHORTEST_S).then("gap").otherwise(SHORTEST_S))
        .with_columns(bin=(nw.col("gap").log(10) * BINS_PER_DECADE).floor().cast(nw.Int64))
    )
    return tuple(
        Gap(
            origin=row["origin"],
            dialect=row["dialect"],
            param=row["param"],
            outcome="fatal" if row["outcome"] == "ended" else "survived",
            low_s=_edge(row["bin"]),
            high_s=_edge(row["bin"] + 1),
            count=row["count"],
        )
        for row in counted(lengths, "origin", "dialect", "param", "outcome", "bin")
    )


def _edge(number: int) -> float:
    return float(f"{10 ** (number / BINS_PER_DECADE):.6g}")
