"""Requests with the earlier value of a parameter that its client may change, by sessions with one.

Enters: a bucket and its verdicts. Leaves: a table with a row for each such request.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, unique
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.result_rows import of_series, table
from statetrail.analyses.conformance.verdict import (
    EARLIER_VALUE,
    OVERRIDDEN,
    REASONS,
    VERDICTS,
)
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

PRESENTED: Final = ("honoured", "in-flight", "overridden", "misplaced")
"""The verdicts on requests that present a value which is no fault."""

EARLIER_VALUES: Final = Table(
    "earlier_values",
    "one request with the earlier value, in a session that presented no other",
    (
        *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM),
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("occasions", "int", "How often the session chose it, knowing more each time"),
    ),
    ("exchange_id", "dialect", "param"),
)
_EARLIER: Final = tuple(REASONS).index(EARLIER_VALUE)
_OVERRIDDEN: Final = VERDICTS.index(OVERRIDDEN)
_SHOWN: Final = tuple(VERDICTS.index(verdict) for verdict in PRESENTED)


@analysis(EARLIER_VALUES, needs=(bucket, judgements), audited=True)
def earlier_values(bucket: Bucket, judged: Judgements) -> pa.Table:
    """The requests with earlier values; those of no session are taken together.

    Requests between which no answer arrived are one occasion: a page sends many at once. A value
    that the client presented before the server issued it is its own choice.
    """
    shown = np.flatnonzero((judged.value != NOTHING) & np.isin(judged.verdict, _SHOWN))
    if not (judged.reason[shown] == _EARLIER).any():
        shown = shown[:0]
    session = judged.session[shown]
    name = np.where(session == NOTHING, 0, bucket.values.fingerprint[session])
    _, name = np.unique(name, return_inverse=True)
    key = judged.series[shown] * (name.max(initial=0) + 1) + name
    _, group = np.unique(key, return_inverse=True)
    count, value = group.max(initial=-1) + 1, judged.value[shown]
    least, most = np.full(count, len(bucket.values)), np.full(count, NOTHING)
    np.minimum.at(least, group, value)
    np.maximum.at(most, group, value)
    earlier = judged.reason[shown] == _EARLIER
    own = np.zeros(count, dtype=np.bool_)
    own[group[(judged.verdict[shown] == _OVERRIDDEN) & ~earlier]] = True
    exchanges, exchange = bucket.exchanges, judged.exchange[shown]
    begin = group * exchanges.span
    ends = np.sort(begin + exchanges.response_end[exchange])
    # How many answers each request may know.
    known = np.searchsorted(ends, begin + exchanges.request_start[exchange], "right")
    occasions = unique(group[earlier] * (len(shown) + 1) + known[earlier]) // (len(shown) + 1)
    times = np.bincount(occasions, minlength=count)
    row = np.flatnonzero(earlier & ((least == most) & ~own)[group])
    exchange = exchange[row]
    return table(
        EARLIER_VALUES,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, judged.series[shown[row]]),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "occasions": times[group[row]],
        },
    )
