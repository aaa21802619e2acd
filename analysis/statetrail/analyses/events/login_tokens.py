"""Credentials that requests presented which logged in.

Enters: a bucket and its history. Leaves: a table with a row for each of them.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import acting, of_params
from statetrail.analyses.columnar.result_rows import of_series, table
from statetrail.analyses.events.history import History, history
from statetrail.analyses.exposure.shared import is_credential
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

LOGIN_TOKENS: Final = Table(
    "login_tokens",
    "one credential that a successful login presented",
    (
        *(EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM),
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("answered", "bool", "Whether the answer issued a value of the parameter"),
        Column("again", "bool", "Whether the answer issued this value"),
    ),
    ("exchange_id", "dialect", "param"),
)


@analysis(LOGIN_TOKENS, needs=(bucket, history), audited=True)
def login_tokens(bucket: Bucket, history: History) -> pa.Table:
    """The credentials of logins; a redirect counts as success."""
    exchanges, uses = bucket.exchanges, history.uses
    secret = of_params(bucket, lambda param: param is not None and is_credential(param))
    param, status = bucket.series_param[uses.series], exchanges.status[uses.exchange]
    row = np.flatnonzero(
        secret[param] & exchanges.writes[uses.exchange] & (status >= 200) & (status < 400)
    )
    row = row[acting(bucket, "login")[exchanges.endpoint[uses.exchange[row]], param[row]]]
    exchange = uses.exchange[row]
    return table(
        LOGIN_TOKENS,
        {
            "exchange_id": exchanges.id[exchange],
            **of_series(bucket, uses.series[row]),
            "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
            "answered": uses.answered[row],
            "again": uses.again[row],
        },
    )
