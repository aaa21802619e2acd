"""Cross-origin issues: what a response says in header fields to a page of another origin.

Enters: the issues of a bucket and what the requests and responses say of pages. Leaves: flags of
issues: they cross origins, and a browser keeps them from the page.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.coding import coded
from statetrail.analyses.conformance.visibility import is_cross_origin, is_hidden
from statetrail.dialects import Dialect
from statetrail.dialects.places import ISSUE_PARTS

_HEADERS: Final = frozenset(name for name, part in ISSUE_PARTS.items() if part == "header")


def cross_origin(
    exchanges: pa.Table,
    issues: pa.Table,
    origins: Sequence[str],
    origin: Ints,
    dialects: Sequence[Dialect],
) -> tuple[Bools, Bools]:
    """Which issues are in headers for a page of another origin, and which of them it cannot read.

    Parameters
    ----------
    exchanges
        ``exchange_id``, ``request_origin`` and ``exposed_headers``.
    issues
        ``exchange_id``, ``dialect``, ``param`` and ``channel``.
    origin
        That of each issue, as a place in `origins`.
    """
    crosses, hidden = np.zeros((2, len(issues)), dtype=np.bool_)
    if exchanges["request_origin"].null_count == len(exchanges) or not len(issues):
        return crosses, hidden
    ids = exchanges["exchange_id"].to_numpy()
    order = np.argsort(ids)
    row = order[np.searchsorted(ids[order], issues["exchange_id"].to_numpy())]
    page, pages = coded(exchanges["request_origin"])
    channel, channels = coded(issues["channel"])
    in_header = np.array([name in _HEADERS for name in channels], dtype=np.bool_)[channel]
    crosses = in_header & _of_pairs(
        page[row], origin, lambda page, origin: is_cross_origin(pages[page], origins[origin])
    )
    rows = np.flatnonzero(crosses)
    names = {dialect.name: dialect for dialect in dialects}
    few = issues.take(pa.array(rows)).select(["dialect", "param", "channel"])
    places: dict[tuple[str, str, str], int] = {}
    place = np.array(
        [places.setdefault(tuple(each.values()), len(places)) for each in few.to_pylist()],
        dtype=np.int64,
    )
    params = list(places)
    exposed, lists = coded(exchanges["exposed_headers"])

    def hides(listed: int, param: int) -> bool:
        dialect, name, place = params[param]
        return is_hidden(names[dialect], name, place, lists[listed])

    hidden[rows] = _of_pairs(exposed[row[rows]], place, hides)
    return crosses, hidden


def _of_pairs(first: Ints, second: Ints, condition: Callable[[int, int], bool]) -> Bools:
    """Whether a condition holds of pairs of places; it is evaluated once for each distinct one."""
    width = int(second.max(initial=0)) + 1
    pairs, place = np.unique(first * width + second, return_inverse=True)
    holds_of = [condition(pair // width, pair % width) for pair in pairs.tolist()]
    return np.array(holds_of, np.bool_)[place]
