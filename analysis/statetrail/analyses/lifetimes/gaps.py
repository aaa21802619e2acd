"""Gaps: how long tokens had lain unused when they were used, as a histogram.

Enters: the uses of some tokens. Leaves: counts by bins on a logarithmic scale. The length of a gap
is the one that bounds the timeout: the shortest possible of a survived use, the longest possible of
an ended one.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, distinct
from statetrail.analyses.columnar.result_rows import words
from statetrail.analyses.lifetimes.outcomes import ENDED, OUTCOMES
from statetrail.analyses.lifetimes.uses import TokenUse
from statetrail.schema import DIALECT, ORIGIN, PARAM, Column, Table

BINS_PER_DECADE: Final = 20
SHORTEST_S: Final = 0.001

GAPS: Final = Table(
    "gaps",
    "one bin of the histogram of one parameter",
    (
        *(ORIGIN, DIALECT, PARAM),
        Column("outcome", "text", "`survived` or `ended`"),
        Column("bin", "int", "The bin: `BINS_PER_DECADE` times the decimal logarithm of seconds"),
        Column("count", "int", "Uses after such a gap"),
    ),
    ("origin", "dialect", "param", "outcome", "bin"),
)


def gaps_of(use: TokenUse) -> pa.Table:
    """The histogram of some uses."""
    uses = use.observations
    gap_us = np.where(uses.outcome == ENDED, uses.idle_high_us, uses.idle_low_us)
    row = np.flatnonzero((uses.exclusion == NOTHING) & (gap_us >= 0))
    gap_s = np.maximum(gap_us[row] / 1_000_000, SHORTEST_S)
    place = np.floor(np.log10(gap_s) * BINS_PER_DECADE).astype(np.int64)
    lowest = int(place.min(initial=0))
    width = int(place.max(initial=0)) - lowest + 1
    series = use.kind[uses.token[row]] * len(OUTCOMES) + uses.outcome[row]
    bins, each = distinct(series * width + place - lowest, len(use.kinds) * len(OUTCOMES) * width)
    count = np.bincount(each, minlength=len(bins))
    series, place = bins // width, bins % width + lowest
    kind, outcome = series // len(OUTCOMES), series % len(OUTCOMES)
    columns = {
        **{
            name: words(kind, [names[at] for names in use.kinds])
            for at, name in enumerate(("origin", "dialect", "param"))
        },
        "outcome": words(outcome, OUTCOMES),
        "bin": place,
        "count": count,
    }
    return pa.table(columns).cast(GAPS.arrow)


def united_gaps(several: Iterable[pa.Table]) -> pa.Table:
    """The histograms of several buckets as one."""
    every = pa.concat_tables([GAPS.arrow.empty_table(), *several])
    every = every.combine_chunks()  # What comes from a worker may lie unaligned.
    summed = every.group_by(list(GAPS.key)).aggregate([("count", "sum")])
    return summed.rename_columns(GAPS.names)
