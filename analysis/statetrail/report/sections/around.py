"""What happened around a finding: the exchanges of the same client next to the primary one.

Enters: the findings and the fact tables. Leaves: for each finding the ids of the exchanges to draw,
in the order in which their requests began.
"""

from collections.abc import Sequence
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.recording.frames import Recording
from statetrail.report.document import Finding
from statetrail.report.sections.counting import rows
from statetrail.schema import CLIENT_BY

NEAR: Final = 4
"""Exchanges before the primary one, and after it."""
MAX_LANES: Final = 60
"""Findings whose surroundings are kept."""


def gather_around(rec: Recording, shown: Sequence[Finding]) -> dict[str, tuple[int, ...]]:
    """The exchanges around the primary one of each of the findings, by the finding's id.

    They are of the client and origin of the primary exchange, and in the scope of a dialect.
    """
    anchors = {finding.id: finding.evidence[0] for finding in shown if finding.evidence}
    if not anchors:
        return {}
    ids = rec.place(pa.table({"exchange_id": pa.array(sorted({*anchors.values()}), pa.int64())}))
    # By what their names are made of: the names of all exchanges would cost more than the rest.
    sides = [*(CLIENT_BY[name] for name in rec.client_by), "scheme", "host", "port"]
    every = rec.exchanges.lazy.select(
        *("exchange_id", "dialects", "request_start_us"),
        *(nw.col(name).cast(nw.String).fill_null("-") for name in sides),
    )
    primary = rec.keep(every.join(ids, on="exchange_id").select(*sides))
    own = ids.with_columns(own=nw.lit(1, nw.Int64))
    # What is in no dialect's scope is left out, but never a primary exchange itself.
    theirs = (
        every.join(primary.unique(), on=sides)
        .join(own, on="exchange_id", how="left")
        .filter((nw.col("dialects") != "") | ~nw.col("own").is_null())
        .with_columns(one=nw.col("exchange_id") * 0 + 1)
    )
    placed = rec.keep(
        theirs.with_columns(
            nth=nw.col("one").cum_sum().over(*sides, order_by=["request_start_us", "exchange_id"])
        ).select(*sides, "exchange_id", "own", nth=nw.col("nth").cast(nw.Int64))
    )
    wanted = [
        {name: row[name] for name in sides} | {"anchor": row["exchange_id"], "nth": row["nth"] + n}
        for row in rows(placed.filter(~nw.col("own").is_null()), "exchange_id")
        for n in range(-NEAR, NEAR + 1)
    ]
    near = placed.join(rec.place(pa.Table.from_pylist(wanted)), on=[*sides, "nth"])
    found: dict[int, list[int]] = {}
    for row in rows(near.select("anchor", "nth", "exchange_id"), "anchor", "nth"):
        found.setdefault(row["anchor"], []).append(row["exchange_id"])
    return {finding: tuple(found.get(anchor, ())) for finding, anchor in anchors.items()}
