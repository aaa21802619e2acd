"""Names of what findings show: the requests and the sessions of the first occurrences.

Enters: exchanges, as arrays. Leaves: names, as places in lists: a large recording has millions of
occurrences, and few names.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Ints, among
from statetrail.analyses.columnar.coding import coded, combined, integers
from statetrail.analyses.conformance.chosen_verdicts import verdicts_of_exchanges
from statetrail.analyses.events.value_counts import value_counts
from statetrail.dialects import Dialect
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.schema import pseudonym

type Names = tuple[Ints, list[str]]
"""A place in a list of names for each question, -1 where there is none, and that list."""


def request_names(rec: Recording, exchange: Ints) -> Names:
    """Method and endpoint of each exchange."""
    if not len(exchange):
        return exchange, []
    rows = _of(rec, rec.exchanges.lazy.select("exchange_id", "method", "endpoint"), exchange)
    (method, methods), (endpoint, endpoints) = coded(rows["method"]), coded(rows["endpoint"])
    code, (first, second) = combined([(method, methods), (endpoint, endpoints)])
    names = [f"{methods[m]} {endpoints[e]}" for m, e in zip(first, second, strict=True)]
    order = np.argsort(integers(rows["exchange_id"]))
    place = among(integers(rows["exchange_id"])[order], exchange)
    return np.append(code[order], NOTHING)[place], names


def session_names(rec: Recording, exchange: Ints, param: Ints, params: Sequence[str]) -> Names:
    """The pseudonym of the session that each exchange was judged in, by one of the `params`."""
    if not len(exchange):
        return exchange, []
    rows = verdicts_of_exchanges(rec, exchange)
    code, names = coded(rows["param"])
    numbers = {name: number for number, name in enumerate(params)}
    of_row = np.array([numbers.get(name, NOTHING) for name in names], dtype=np.int64)[code]
    ids = np.unique(exchange)
    key = among(ids, integers(rows["exchange_id"])) * len(params) + of_row
    session, sessions = np.unique(integers(rows["session"]), return_inverse=True)
    known = np.flatnonzero(of_row != NOTHING)
    known = known[np.argsort(key[known])]
    place = among(key[known], among(ids, exchange) * len(params) + param)
    return np.append(sessions[known], NOTHING)[place], [pseudonym(one) for one in session.tolist()]


def dialects_of(rec: Recording) -> Mapping[tuple[str, ...], Sequence[Dialect]]:
    """The dialects of each origin and parameter."""
    counts = value_counts(rec).lazy.select("origin", "param", "dialect").unique()
    rows = counts.collect("pyarrow").to_native().to_pylist()
    own = {dialect.name: dialect for dialect in rec.dialects}
    found = defaultdict[tuple[str, ...], list[Dialect]](list)
    for row in sorted(rows, key=lambda row: str(row["dialect"])):
        if row["dialect"] in own:
            found[row["origin"], row["param"]].append(own[row["dialect"]])
    return found


def _of(rec: Recording, rows: Lazy, exchange: Ints) -> pa.Table:
    """The rows of some exchanges."""
    wanted = rec.place(pa.table({"exchange_id": np.unique(exchange)}))
    table: pa.Table = rows.join(wanted, on="exchange_id").collect("pyarrow").to_native()
    return table
