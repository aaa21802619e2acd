"""The values that were issued and presented, as frames: what rules start from.

Enters: a bucket. Leaves: tables with one row per exchange and value. Malformed issues bind nobody
and are left out, as are the dialects that the recording is not judged by. ``response_start_us`` is
known of every row: where the capture lacks it, it is the end of the request, or else its start.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import Ints, run_begins
from statetrail.analyses.columnar.bucket import IMPLICIT, MALFORMED, Bucket, bucket
from statetrail.analyses.columnar.result_rows import Cells, numbers, of_series, table, words
from statetrail.analyses.events.history import History, history, pairs
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, FINGERPRINT, ORIGIN, PARAM, Column, Table

SERIES: Final = ("client", "origin", "dialect", "param")
"""What one run of values belongs to."""
SEEN: Final = ("exchange_id", "dialect", "param", "fingerprint")
"""What identifies one value in one exchange."""

# fmt: off

_COMMON: Final = (
    EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM, FINGERPRINT,
    Column("value", "text", "The value", "secret"),
    Column("request_start_us", "timestamp", "Start of the request"),
    Column("response_start_us", "timestamp", "Start of the response"),
)
ISSUES: Final = Table(
    "issues", "one value that a response issued",
    (
        *_COMMON,
        Column("length", "int", "Characters of the value", "not known"),
        Column("alphabet", "text", "What its characters are"),
        Column("usage", "text", "Where it is to be presented"),
        Column("priority", "text", "`forced` or `informational`"),
    ),
    SEEN,
)
PRESENTATIONS: Final = Table("presentations", "one value that a request presented", _COMMON, SEEN)

# fmt: on

PRIORITIES: Final = ("forced", "informational")


@analysis(ISSUES, needs=(bucket,))
def issues(bucket: Bucket) -> pa.Table:
    """The well-formed issues."""
    issued, row = bucket.issued, strictest(bucket)
    value, usage = issued.value[row], issued.usage[row]
    usages = (*bucket.channels, "implicit")
    return table(
        ISSUES,
        _common(bucket, issued.exchange[row], value)
        | {
            "length": numbers(bucket.values.length[value], bucket.values.length[value] >= 0),
            "alphabet": words(bucket.values.alphabet[value], bucket.texts),
            "usage": words(np.where(usage == IMPLICIT, len(usages) - 1, usage), usages),
            "priority": words(issued.informational[row].astype(np.int64), PRIORITIES),
        },
    )


def strictest(bucket: Bucket) -> Ints:
    """The well-formed issues, as rows of `Bucket.issued`.

    A response may issue a value in several places: that is one issue, the strictest.
    """
    issued = bucket.issued
    row = np.flatnonzero(issued.usage != MALFORMED)
    key = pairs(issued.exchange[row], issued.value[row], len(bucket.values))
    order = np.lexsort((-issued.usage[row], issued.informational[row], key))
    return row[order][run_begins(key[order])]


@analysis(PRESENTATIONS, needs=(bucket, history))
def presentations(bucket: Bucket, history: History) -> pa.Table:
    """The values presented, without requests for a new one."""
    return table(PRESENTATIONS, _common(bucket, history.uses.exchange, history.uses.value))


def _common(bucket: Bucket, exchange: Ints, value: Ints) -> dict[str, Cells]:
    exchanges = bucket.exchanges
    return {
        "exchange_id": exchanges.id[exchange],
        **of_series(bucket, bucket.values.series[value]),
        "fingerprint": bucket.values.fingerprint[value],
        "value": words(bucket.values.text[value], bucket.texts),
        "request_start_us": exchanges.clock[exchanges.request_start[exchange]],
        "response_start_us": exchanges.clock[exchanges.response_start[exchange]],
    }
