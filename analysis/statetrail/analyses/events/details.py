"""Details: columns of the fact tables that few analyses need, and a bucket leaves out.

Enters: a bucket, and rows of its clients. Leaves: rows in the bucket's order, and flags of texts.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.coding import coded
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.visibility import FOREVER

_FORMS = ("fingerprint", "normal_fingerprint", "prefix_fingerprint")
_COLUMNS = {
    "issued": ("exchange_id", *_FORMS),
    "presented": _FORMS,
}

type Details = Mapping[str, pa.Table]
"""Columns of fact tables by the table's name."""


@artifact(reads=_COLUMNS)
def details(facts: Details) -> Details:
    """The columns of a bucket's fact tables that `Bucket` leaves out."""
    return facts


def aligned(bucket: Bucket, rows: pa.Table, exchange: Ints | None = None) -> pa.Table:
    """The rows of these exchanges (by default of all, in the order of `Bucket.exchanges`)."""
    wanted = bucket.exchanges.id if exchange is None else bucket.exchanges.id[exchange]
    ids = rows["exchange_id"].to_numpy()
    order = np.argsort(ids)
    return rows.take(pa.array(order[np.searchsorted(ids[order], wanted)]))


def holds(column: pa.ChunkedArray, condition: Callable[[str], bool]) -> Bools:
    """Whether a condition holds of each text; it is evaluated once for each distinct one."""
    code, texts = coded(column)
    return np.array([text is not None and condition(text) for text in texts], np.bool_)[code]


def extremes(group: Ints, moment: Ints, count: int) -> tuple[Ints, Ints]:
    """The first and the last moment of each of `count` groups, `FOREVER` and -1 for none."""
    first = np.full(count, FOREVER)
    last = np.full(count, NOTHING, dtype=np.int64)
    np.minimum.at(first, group, moment)
    np.maximum.at(last, group, moment)
    return first, last
