"""Requests that present keys of two sessions, both of which go on (L12).

Enters: a bucket and its verdicts. Leaves: a table with a row for each such request and key.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import of_params
from statetrail.analyses.columnar.result_rows import of_series, table
from statetrail.analyses.conformance.verdict import REASONS, SESSIONS_MIXED
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import dialect_places
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

MIXED_SESSIONS: Final = Table(
    "mixed_sessions",
    "one key of another session than the request's, which is in use on its own, too",
    (
        *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM),
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("answered", "bool", "Whether an answer of success issued state of the dialect"),
    ),
    ("exchange_id", "dialect", "param"),
)
_MIXED: Final = tuple(REASONS).index(SESSIONS_MIXED)


@analysis(MIXED_SESSIONS, needs=(bucket, history, judgements), audited=True)
def mixed_sessions(bucket: Bucket, history: History, judged: Judgements) -> pa.Table:
    """The keys of other sessions.

    What a session is known by before a login goes on with it, but not on its own: the other key
    has to be presented without the request's session after that session had begun.
    """
    exchanges, dialect = bucket.exchanges, dialect_places(bucket)[bucket.series_param]
    made = of_params(bucket, lambda param: param is not None and param.minted)[bucket.series_param]
    key = made[judged.series] & (judged.value != NOTHING)
    mixed = key & (judged.reason == _MIXED)
    start, count = exchanges.request_start[judged.exchange], len(bucket.values)
    named = key & (judged.session != NOTHING)
    began, _ = extremes(judged.session[named], start[named], count)
    single = key & ~mixed
    _, alone = extremes(judged.value[single], start[single], count)
    both = np.flatnonzero(mixed & (judged.session != NOTHING))
    other, session = judged.value[both], judged.session[both]
    both = both[(began[session] < FOREVER) & (alone[other] > began[session])]
    success = (exchanges.status >= 200) & (exchanges.status < 300)
    width = len(bucket.dialects)
    answers = pairs(history.issues.exchange, dialect[history.issues.series], width)
    exchange, series = judged.exchange[both], judged.series[both]
    answered = np.isin(pairs(exchange, dialect[series], width), answers) & success[exchange]
    return table(
        MIXED_SESSIONS,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, series),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "answered": answered,
        },
    )
