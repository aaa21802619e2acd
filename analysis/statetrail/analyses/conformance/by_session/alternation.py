"""Requests with and without a session key that alternate at one endpoint (rule L4).

Enters: requests without a key. Leaves: those of them at whose endpoint their sender presents the
key, too, and not only before or after them: a user and a guest behind one backend.
"""

import numpy as np

from statetrail.analyses.columnar.arrays import Ints, unique, within
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.events.lineage import Lineage


def alternating_requests(bucket: Bucket, lineage: Lineage, without: Ints) -> Ints:
    """Of requests without a key (dialect and exchange) those at whose endpoint, for their sender,
    requests with and without it alternate."""
    exchanges = bucket.exchanges
    count = max(len(exchanges), 1)
    without = unique(without)
    carrying = np.flatnonzero((lineage.of_request >= 0).ravel())
    pair = np.concatenate([without, carrying])
    exchange = pair % count
    group = (pair // count * len(bucket.clients) + exchanges.client[exchange]) * max(
        len(bucket.endpoints), 1
    ) + exchanges.endpoint[exchange]
    bare = np.arange(len(pair), dtype=np.int64) < len(without)
    # The exchanges of a sender are in order of their requests.
    order = np.lexsort((exchange, group))
    ordered_group, ordered_bare = group[order], bare[order]
    changes = (ordered_bare[1:] != ordered_bare[:-1]) & (ordered_group[1:] == ordered_group[:-1])
    groups, number = np.unique(ordered_group[1:][changes], return_counts=True)
    return without[within(group[: len(without)], groups[number >= 2])]
