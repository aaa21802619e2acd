"""Requests that present values of the client's own choice to what has a state of its own.

Enters: a bucket, its verdicts, and what became of overrides. Leaves: a table of the requests.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, chosen, within
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import having_own_state, of_params
from statetrail.analyses.columnar.result_rows import REQUEST, hits_and_totals, of_requests, table
from statetrail.analyses.conformance.verdict import DEFIED, HONOURED, OVERRIDDEN, VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements
from statetrail.analyses.events.history import pairs
from statetrail.analyses.exposure.overrides import FOUGHT, Outcomes, outcomes
from statetrail.schema import Column, Table

OWN_CHOICES: Final = Table(
    "own_choices",
    "one request with a value of the client's own choice, or the number of others",
    (
        *REQUEST,
        Column("own_value", "bool", "Whether it presented a value of its own"),
        Column("fought", "bool", "Whether the server issued another value next"),
        Column("times", "int", "Requests that the row stands for"),
    ),
    ("exchange_id", "dialect", "param"),
)
_OWN: Final = tuple(VERDICTS.index(verdict) for verdict in (OVERRIDDEN, DEFIED))
"""Not `stale`, nor `overridden` by an earlier value: an old value is a matter of the client's
storage, not an attempt."""
_COUNTED: Final = tuple(VERDICTS.index(verdict) for verdict in (HONOURED, OVERRIDDEN))


@analysis(OWN_CHOICES, needs=(bucket, judgements, outcomes), audited=True)
def own_choices(bucket: Bucket, judged: Judgements, outcomes: Outcomes) -> pa.Table:
    """The requests for baskets, say, that presented context or left it out at a fault."""
    exchanges, param = bucket.exchanges, bucket.series_param[judged.series]
    context = of_params(bucket, lambda param: param is not None and param.clear is not None)
    counts = judged.fault | np.isin(judged.verdict, _COUNTED)
    row = np.flatnonzero(context[param] & counts)
    row = row[having_own_state(bucket)[exchanges.endpoint[judged.exchange[row]], param[row]]]
    exchange, series = judged.exchange[row], judged.series[row]
    own = np.isin(judged.verdict[row], _OWN) & (judged.reason[row] == NOTHING)
    kept, times = hits_and_totals(series, own)
    count, others = len(bucket.series_client), chosen(outcomes.requests, outcomes.outcome == FOUGHT)
    request = pairs(exchange, series, count)
    fought = within(request, pairs(others.exchange, others.series, count))
    return table(
        OWN_CHOICES,
        of_requests(bucket, exchange[kept], series[kept])
        | {"own_value": own[kept], "fought": fought[kept], "times": times},
    )
