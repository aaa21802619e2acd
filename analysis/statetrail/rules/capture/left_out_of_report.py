"""More names or origins than a report is about: some of them are left out of it."""

import pandas as pd
import pyarrow as pa

from statetrail.recording.bounds import bounds
from statetrail.rules.rule import OCCURRENCE, Lazy, Recording, Rule


@Rule(
    title="Names or origins left out of the report",
    severity="medium",
    confidence="high",
    observed="{count} of {of} origins, or of the names at an origin that no dialect lists, are "
    "left out of the report",
    expected="at most 1,000 origins, and at each at most 32 names that no dialect lists",
    remedy="Find out who invents them: it may be an attack on the audit. Record with "
    "--filter what is to be audited, or list the names that a server means in a dialect.",
    references=("method bounds",),
)
def check(rec: Recording) -> Lazy:
    found = bounds(rec)
    origins = found.origins.assign(detail=found.origins["origin"], origin="")
    names = found.names.assign(detail=found.names["param"])
    rows = pd.concat([origins, names], ignore_index=True)
    filled = rows.assign(
        client="",
        param="",
        hit=(~rows["kept"].astype(bool)).astype("int64"),
        related_id=-1,
        cause="",
        times=1,
        proven=1,
    )
    return rec.place(pa.Table.from_pandas(filled, schema=OCCURRENCE, preserve_index=False))
