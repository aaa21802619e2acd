"""Late uses: requests with a value whose replacement their client had to know.

Enters: a bucket, its verdicts and replacements. Leaves: a table of the verdicts `stale`, whether a
reason excuses them or not: whether the server still accepts the value is what rules look at.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, among, unique
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.result_rows import of_series, table, words
from statetrail.analyses.conformance.verdict import REASONS, STALE, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.replacements import Replacements, replacements
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, FINGERPRINT, ORIGIN, PARAM, Column, Table

LATE_USES: Final = Table(
    "late_uses",
    "one request with a value that was replaced, and whose client had to know that",
    (
        *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM, FINGERPRINT),
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("reason", "text", "One of `REASONS`", "none"),
        Column("replaced_us", "timestamp", "When another value was first issued for it"),
        Column("status", "int", "Status of the answer; 0 without one"),
        Column("again", "bool", "Whether the answer issued the value"),
    ),
    ("exchange_id", "dialect", "param"),
)


@analysis(LATE_USES, needs=(bucket, history, judgements, replacements), audited=True)
def late_uses(
    bucket: Bucket, history: History, judged: Judgements, replacements: Replacements
) -> pa.Table:
    """The verdicts `stale` on values whose replacement was seen."""
    exchanges, values = bucket.exchanges, len(bucket.values)
    replaced = replacements.before != NOTHING
    first = np.full(values, FOREVER)
    np.minimum.at(
        first,
        replacements.before[replaced],
        exchanges.response_start[replacements.exchange[replaced]],
    )
    stale = (judged.verdict == VERDICTS.index(STALE)) & (judged.value != NOTHING)
    late = np.flatnonzero(stale)
    late = late[first[judged.value[late]] < FOREVER]
    exchange, value = judged.exchange[late], judged.value[late]
    echoes = unique(pairs(history.issues.exchange, history.issues.value, values))
    return table(
        LATE_USES,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, judged.series[late]),
            "fingerprint": bucket.values.fingerprint[value],
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "reason": words(judged.reason[late], tuple(REASONS)),
            "replaced_us": exchanges.clock[first[value]],
            "status": exchanges.status[exchange],
            "again": among(echoes, pairs(exchange, value, values)) != NOTHING,
        },
    )
