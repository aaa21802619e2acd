"""Issues that a browser keeps from a page: from one of another origin, or of what it only shows.

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
    headless: Bools,
    dialects: Sequence[Dialect],
) -> tuple[Bools, Bools]:
    """Which issues are in headers for a page of another origin, and which ones no page can read.

    Parameters
    ----------
    exchanges
        ``exchange_id``, ``request_origin``, ``exposed_headers`` and ``has_cookies``.
    issues
        ``exchange_id``, ``dialect``, ``param`` and ``channel``.
    origin
        That of each issue, as a place in `origins`.
    headless
        Whether a page can read no header of each issue's response.
    """
    crosses, hidden = np.zeros((2, len(issues)), dtype=np.bool_)
    no_pages = exchanges["request_origin"].null_count == len(exchanges)
    if (no_pages and not headless.any()) or not len(issues):
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
    rows = np.flatnonzero(crosses | (in_header & headless))
    names = {dialect.name: dialect for dialect in dialects}
    few = issues.take(pa.array(rows)).select(["dialect", "param", "channel"])
    places: dict[tuple[str, str, str], int] = {}
    place = np.array(
        [places.setdefault(tuple(each.values()), len(places)) for each in few.to_pylist()],
        dtype=np.int64,
    )
    params = list(places)
    seen = exchanges.select(["exposed_headers", "has_cookies"]).take(pa.array(row[rows]))
    heads: dict[tuple[str | None, int | None, bool, bool], int] = {}
    kinds = zip(
        *(column.to_pylist() for column in seen.columns),
        crosses[rows].tolist(),
        headless[rows].tolist(),
        strict=True,
    )
    head = np.array([heads.setdefault(kind, len(heads)) for kind in kinds], dtype=np.int64)
    every = list(heads)

    def hides(head: int, param: int) -> bool:
        exposed, has_cookies, crossing, unread = every[head]
        dialect, name, place = params[param]
        return is_hidden(
            *(names[dialect], name, place, exposed),
            crosses=crossing,
            has_cookies=bool(has_cookies),
            headless=unread,
        )

    hidden[rows] = _of_pairs(head, place, hides)
    return crosses & ~headless, hidden


def _of_pairs(first: Ints, second: Ints, condition: Callable[[int, int], bool]) -> Bools:
    """Whether a condition holds of pairs of places; it is evaluated once for each distinct one."""
    width = int(second.max(initial=0)) + 1
    pairs, place = np.unique(first * width + second, return_inverse=True)
    holds_of = [condition(pair // width, pair % width) for pair in pairs.tolist()]
    return np.array(holds_of, np.bool_)[place]
