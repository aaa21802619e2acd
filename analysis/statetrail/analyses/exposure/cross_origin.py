"""Cross-origin issues: state in headers of responses to pages of another origin.

Enters: a recording. Leaves: the table `CROSS_ORIGIN_ISSUES`.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.bucket import MALFORMED, Bucket, bucket
from statetrail.analyses.columnar.result_rows import REQUEST, of_requests, table
from statetrail.analyses.events.history import pairs
from statetrail.schema import Column, Table

CROSS_ORIGIN_ISSUES: Final = Table(
    "cross_origin_issues",
    "one parameter in a header of a response to a page of another origin",
    (*REQUEST, Column("hidden", "bool", "A browser keeps the header from the page")),
    ("exchange_id", "dialect", "param"),
)


@analysis(CROSS_ORIGIN_ISSUES, needs=(bucket,), audited=True)
def cross_origin_issues(bucket: Bucket) -> pa.Table:
    """The issues in headers of responses to pages of another origin."""
    issued = bucket.issued
    readable = bucket.exchanges.open[issued.exchange] & (issued.usage != MALFORMED)
    issue = np.flatnonzero(issued.crosses & readable)
    keys = pairs(issued.exchange[issue], issued.series[issue], len(bucket.series_client))
    issue = issue[np.unique(keys, return_index=True)[1]]
    columns = of_requests(bucket, issued.exchange[issue], issued.series[issue])
    return table(CROSS_ORIGIN_ISSUES, columns | {"hidden": issued.hidden[issue]})
