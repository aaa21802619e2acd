"""A client goes on with a value that has ended: deleted, expired, refused or used up."""

import narwhals as nw

from statetrail.analyses.causes.root_causes import causes
from statetrail.rules.rule import (
    OCCURRENCE,
    Lazy,
    Recording,
    Rule,
    had_ended,
    occurrences,
    other_verdicts,
)


@Rule(
    title="Value presented after its end",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests presented a value of {param} that had ended, and the client "
    "must have known",
    expected="a value of {param} is presented until the server deletes or refuses it, its lifetime "
    "is over, or it is used up",
    remedy="Note the lifetime of each value, and forget a value that the server deletes or "
    "refuses. Then log in again, or present the refresh token, before the next request goes out.",
    references=("method lifetimes",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    stale = causes(rec).lazy.filter(nw.col("verdict") == "stale")
    hits = occurrences(
        stale.filter(had_ended()), nw.lit(True), detail=nw.col("reason"), cause=nw.col("cause")
    )
    others = other_verdicts(rec, "stale").select(*OCCURRENCE.names)
    return nw.concat([hits, others], how="vertical")
