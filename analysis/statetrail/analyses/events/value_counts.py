"""How often each client was issued values of a parameter and presented them.

Enters: a bucket. Leaves: a small table, from which come the totals of rules about values.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, among, run_begins, unique
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.result_rows import numbers, of_series, table, words
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, history, pairs
from statetrail.schema import CLIENT, DIALECT, ORIGIN, PARAM, Column, Table

VALUE_COUNTS: Final = Table(
    "value_counts",
    "one parameter of one client",
    (
        *(CLIENT, ORIGIN, DIALECT, PARAM),
        Column("issues", "int", "Values in responses (rows of `issues`)"),
        Column("presentations", "int", "Values in requests (rows of `presentations`)"),
        Column("transfers", "int", "Exchanges that carried it in any form"),
    ),
    ("client", "origin", "dialect", "param"),
)


ISSUED_FORMS: Final = Table(
    "issued_forms",
    "one length and alphabet of the values of a parameter that were issued to a client",
    (
        *(CLIENT, ORIGIN, DIALECT, PARAM),
        Column("length", "int", "Characters of the values", "not known"),
        Column("alphabet", "text", "What their characters are"),
    ),
    ("client", "origin", "dialect", "param", "length", "alphabet"),
)


@analysis(ISSUED_FORMS, needs=(bucket, history), audited=True)
def issued_forms(bucket: Bucket, history: History) -> pa.Table:
    """The distinct forms of values that were issued."""
    value = np.flatnonzero(history.issued < FOREVER)
    series, length = bucket.values.series[value], bucket.values.length[value]
    alphabet = bucket.values.alphabet[value]
    forms = np.unique(np.stack([series, length, alphabet]), axis=1)
    series, length, alphabet = forms
    return table(
        ISSUED_FORMS,
        {
            **of_series(bucket, series),
            "length": numbers(length, length >= 0),
            "alphabet": words(alphabet, bucket.texts),
        },
    )


@analysis(VALUE_COUNTS, needs=(bucket, history), audited=True)
def value_counts(bucket: Bucket, history: History) -> pa.Table:
    """The issues, presentations and transfers of each parameter of each client."""
    count = len(bucket.series_client)
    issued, presented = (
        pairs(rows.exchange, rows.series, count) for rows in (bucket.issued, bucket.presented)
    )
    presented = presented[run_begins(presented)]  # they are in this order
    issued = unique(issued)
    issued = issued[among(presented, issued) == NOTHING]
    transfers = np.concatenate([presented, issued]) % max(count, 1)
    columns = {
        "issues": history.issues.series,
        "presentations": history.uses.series,
        "transfers": transfers,
    }
    counts = {name: np.bincount(series, minlength=count) for name, series in columns.items()}
    there = np.flatnonzero(sum(counts.values()))
    return table(
        VALUE_COUNTS,
        of_series(bucket, there) | {name: each[there] for name, each in counts.items()},
    )
