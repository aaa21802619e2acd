"""How often each verdict fell on each parameter of each client: what totals are made of.

Enters: the verdicts of a bucket. Leaves: a small table, so that no count has to read all verdicts.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.result_rows import of_series, table, words
from statetrail.analyses.conformance.verdict import REASONS, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

VERDICT_COUNTS: Final = Table(
    "verdict_counts",
    "one kind of verdict on one parameter of one client",
    (
        *(CLIENT, ORIGIN, DIALECT, PARAM),
        Column("verdict", "text", "One of `VERDICTS`"),
        Column("reason", "text", "One of `REASONS`", "none"),
        Column("fault", "bool", "Whether it counts against the client"),
        Column("presented", "bool", "Whether the requests presented a value"),
        Column("times", "int", "How often"),
        EXCHANGE,
        Column("request_start_us", "timestamp", "Start of the first of the requests"),
    ),
    ("client", "origin", "dialect", "param", "verdict", "reason", "fault", "presented"),
)


@analysis(VERDICT_COUNTS, needs=(bucket, judgements), audited=True)
def verdict_counts(bucket: Bucket, judged: Judgements) -> pa.Table:
    """The verdicts counted; ``exchange_id`` is the lowest of each kind."""
    presented = judged.value != NOTHING
    reasons = len(REASONS) + 1
    kind = ((judged.verdict * reasons + judged.reason + 1) * 2 + judged.fault) * 2 + presented
    kinds = len(VERDICTS) * reasons * 4
    key, place, count = np.unique(
        judged.series * kinds + kind, return_inverse=True, return_counts=True
    )
    series, kind = key // kinds, key % kinds
    first = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(first, place, bucket.exchanges.id[judged.exchange])
    start = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(start, place, bucket.exchanges.request_start[judged.exchange])
    return table(
        VERDICT_COUNTS,
        {
            **of_series(bucket, series),
            "verdict": words(kind // (4 * reasons), VERDICTS),
            "reason": words(kind // 4 % reasons - 1, tuple(REASONS)),
            "fault": kind // 2 % 2 == 1,
            "presented": kind % 2 == 1,
            "times": count,
            "exchange_id": first,
            "request_start_us": bucket.exchanges.clock[start],
        },
    )
