"""The first request with each value that a server made.

Enters: a bucket and its history. Leaves: a table, for rules about captures that began too late.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import of_params
from statetrail.analyses.columnar.result_rows import of_series, table
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, history
from statetrail.analyses.exposure.shared import is_credential
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, FINGERPRINT, ORIGIN, PARAM, Column, Table

FIRST_USES: Final = Table(
    "first_uses",
    "one value that only the server makes, or that is a credential, and that was presented",
    (
        *(CLIENT, ORIGIN, DIALECT, PARAM, FINGERPRINT, EXCHANGE),
        Column("request_start_us", "timestamp", "Start of the first request with it"),
        Column("left_truncated", "bool", "It was presented before it was issued, or never issued"),
    ),
    ("client", "origin", "dialect", "param", "fingerprint"),
)


@analysis(FIRST_USES, needs=(bucket, history), audited=True)
def first_uses(bucket: Bucket, history: History) -> pa.Table:
    """The values presented; ``exchange_id`` is the lowest of their requests."""
    made = of_params(
        bucket, lambda param: param is not None and (param.minted or is_credential(param))
    )
    first_id = np.full(len(bucket.values), np.iinfo(np.int64).max)
    np.minimum.at(first_id, history.uses.value, bucket.exchanges.id[history.uses.exchange])
    used = history.used < FOREVER
    value = np.flatnonzero(used & made[bucket.series_param[bucket.values.series]])
    return table(
        FIRST_USES,
        {
            **of_series(bucket, bucket.values.series[value]),
            "fingerprint": bucket.values.fingerprint[value],
            "exchange_id": first_id[value],
            "request_start_us": bucket.exchanges.clock[history.used[value]],
            "left_truncated": history.left_truncated[value],
        },
    )
