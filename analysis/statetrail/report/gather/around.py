"""What happened around a finding: the exchanges of the same client next to the primary one.

Enters: the findings and the fact tables. Leaves: for each finding the ids of the exchanges to draw,
in the order in which their requests began.
"""

from collections.abc import Sequence
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.frames import Recording
from statetrail.report.document import Finding

NEAR: Final = 4
"""Exchanges before the primary one, and after it."""
MAX_LANES: Final = 60
"""Findings whose surroundings are kept."""
_ANCHOR: Final = "anchor"


def gather_around(rec: Recording, shown: Sequence[Finding]) -> dict[str, tuple[int, ...]]:
    """The exchanges around the primary one of each of the findings, by the finding's id.

    They are of the client and origin of the primary exchange, and in the scope of a dialect.
    """
    anchors = {finding.id: finding.evidence[0] for finding in shown if finding.evidence}
    if not anchors:
        return {}
    ids = rec.place(pa.table({"exchange_id": pa.array(sorted({*anchors.values()}), pa.int64())}))
    every = rec.exchanges_with_client().select(
        "exchange_id", "client", "origin", "dialects", at_us="request_start_us"
    )
    primary = every.join(ids, on="exchange_id").select(
        "client", "origin", anchor="exchange_id", anchor_us="at_us"
    )
    # What is in no dialect's scope is left out, but never the primary exchange itself.
    near = every.join(primary, on=["client", "origin"]).filter(
        (nw.col("dialects") != "") | (nw.col("exchange_id") == nw.col(_ANCHOR))
    )
    own = nw.col("exchange_id") == nw.col(_ANCHOR)
    placed = near.with_columns(one=nw.col("exchange_id") * 0 + 1).with_columns(
        nth=nw.col("one").cum_sum().over(_ANCHOR, order_by=["at_us", "exchange_id"])
    )
    placed = placed.with_columns(
        middle=nw.when(own).then("nth").otherwise(0).max().over(_ANCHOR)
    ).filter(
        (nw.col("nth") - nw.col("middle") <= NEAR) & (nw.col("middle") - nw.col("nth") <= NEAR)
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for row in placed.select(_ANCHOR, "nth", "exchange_id").collect("pyarrow").rows(named=True):
        found.setdefault(row[_ANCHOR], []).append((row["nth"], row["exchange_id"]))
    return {
        finding: tuple(exchange for _, exchange in sorted(found.get(anchor, ())))
        for finding, anchor in anchors.items()
    }
