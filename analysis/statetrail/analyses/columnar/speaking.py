"""Speaking: which clients' origins speak a dialect whose scope names no paths.

Enters: facts of a bucket, and its dialects. Leaves: the facts of the dialects that are spoken. A
dialect is spoken between a client and a realm once a value was issued at a place that tells so
(`IssueKeys.tells`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Ints
from statetrail.analyses.columnar.coding import integers
from statetrail.dialects import Dialect

type Rows = tuple[pa.Table, Ints, Ints]
"""Facts, with the places of their exchanges and of their parameters."""


def spoken(
    rows: Sequence[Rows],
    dialects: Sequence[Dialect],
    client: Ints,
    params: Mapping[tuple[str, str], int],
) -> list[Rows]:
    """The rows of dialects that are spoken; the first are those of table `issued`.

    `client` is that of each exchange, with its realm.
    """
    issues, issuing, number = rows[0]
    names = [dialect.name for dialect in dialects]
    of = np.array([names.index(dialect) for dialect, _ in params], dtype=np.int64)
    scoped = np.array([bool(dialect.scope.paths) for dialect in dialects], dtype=np.bool_)
    is_spoken = np.zeros((int(client.max(initial=0)) + 1, len(names)), dtype=np.bool_)
    is_spoken |= scoped
    telling = np.flatnonzero(integers(issues["tells"]) == 1)
    is_spoken[client[issuing[telling]], of[number[telling]]] = True
    kept = []
    for table, exchange, param in rows:
        which = is_spoken[client[exchange], of[param]]
        kept.append((table.filter(pa.array(which)), exchange[which], param[which]))
    return kept
