"""Details: columns of the fact tables that a part leaves out, for the few analyses that need them.

Enters: a part, and rows of its clients. Leaves: the rows in the part's order, and flags of texts.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.bucket import Part, coded

type Details = Mapping[str, pa.Table]
"""Columns of fact tables by the table's name."""


def aligned(part: Part, exchanges: pa.Table) -> pa.Table:
    """Rows of exchanges in the order of `Part.exchanges`."""
    ids = exchanges["exchange_id"].to_numpy()
    order = np.argsort(ids)
    return exchanges.take(pa.array(order[np.searchsorted(ids[order], part.exchanges.id)]))


def holds(column: pa.ChunkedArray, condition: Callable[[str], bool]) -> Bools:
    """Whether a condition holds of each text; it is asked once for each distinct one."""
    code, texts = coded(column)
    return np.array([text is not None and condition(text) for text in texts], np.bool_)[code]


def of_pairs(first: Ints, second: Ints, condition: Callable[[int, int], bool]) -> Bools:
    """Whether a condition holds of each pair of places; it is asked once for each distinct one."""
    width = int(second.max(initial=0)) + 1
    pairs, place = np.unique(first * width + second, return_inverse=True)
    met = [condition(pair // width, pair % width) for pair in pairs.tolist()]
    return np.array(met, np.bool_)[place]
