"""The manner of issues: where a value is to be presented, and whether it may be changed.

Enters: a bucket. Leaves: a table of the issues at which a parameter's manner changed.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import run_begins
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.result_rows import of_series, table
from statetrail.analyses.events.values import strictest
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

MANNER_CHANGES: Final = Table(
    "manner_changes",
    "one issue of another usage or priority than the one before",
    (
        *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM),
        Column("response_start_us", "timestamp", "Start of the response"),
        Column("of_series", "int", "Such issues of the parameter to the client"),
    ),
    ("exchange_id", "dialect", "param"),
)


@analysis(MANNER_CHANGES, needs=(bucket,), audited=True)
def manner_changes(bucket: Bucket) -> pa.Table:
    """The changes, by the order of the responses."""
    issued, exchanges, count = bucket.issued, bucket.exchanges, len(bucket.series_client)
    row = strictest(bucket)
    series, manner = issued.series[row], issued.usage[row] * np.int64(2) + issued.informational[row]
    least, most = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(least, series, manner)
    np.maximum.at(most, series, manner)
    # Most servers never change the manner: their issues need not be put in order.
    row = row[(least < most)[series]]
    series, exchange = issued.series[row], issued.exchange[row]
    start = exchanges.response_start[exchange]
    fingerprint = bucket.values.fingerprint[issued.value[row]]
    row = row[np.lexsort((fingerprint, exchanges.id[exchange], start, series))]
    series, manner = issued.series[row], issued.usage[row] * np.int64(2) + issued.informational[row]
    changed = np.flatnonzero(run_begins(manner) & ~run_begins(series))
    times = np.bincount(series[changed], minlength=count)
    exchange, series = issued.exchange[row[changed]], series[changed]
    return table(
        MANNER_CHANGES,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, series),
            "response_start_us": exchanges.clock[exchanges.response_start[exchange]],
            "of_series": times[series],
        },
    )
