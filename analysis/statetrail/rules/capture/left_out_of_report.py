"""More names or origins than a report is about: some of them are left out of it."""

import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.tallies.bounds import bounds
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
    rows = [
        _occurrences(found.origins, None, found.origins["origin"]),
        _occurrences(found.names, found.names["origin"], found.names["param"]),
    ]
    return rec.place(pa.concat_tables(rows))


def _occurrences(
    rows: pa.Table, origin: pa.ChunkedArray | None, detail: pa.ChunkedArray
) -> pa.Table:
    def constant(value: object) -> pa.Array:
        return pa.repeat(value, len(rows))

    columns = {
        "client": constant(""),
        "origin": constant("") if origin is None else origin,
        "param": constant(""),
        "exchange_id": rows["exchange_id"],
        "observed_us": rows["observed_us"],
        "hit": pc.invert(rows["kept"]).cast(pa.int64()),
        "detail": detail,
        "related_id": constant(-1),
        "cause": constant(""),
        "times": constant(1),
        "proven": constant(1),
    }
    return pa.table(columns).cast(OCCURRENCE)
