"""A client goes on with a token that has ended, as by an answer with another one (Z6; S6)."""

import narwhals as nw

from statetrail.analyses.causes.root_causes import UNKNOWN, causes
from statetrail.rules.rule import (
    OCCURRENCE,
    Lazy,
    Recording,
    Rule,
    how_it_ended,
    is_from_server,
    occurrences,
    other_verdicts,
)


@Rule(
    title="Token kept after its end",
    severity="high",
    confidence="high",
    observed="{count} of {of} requests presented a {param} that had ended, and the client must "
    "have known",
    expected="the client presents the {param} that it was last answered with, until that has "
    "ended; the old one does not bring a session back that was reset",
    remedy="Compare the token of each response with the one that was presented, and store it "
    "where it differs. Forget a token that the server deletes or refuses, or whose lifetime is "
    "over. Do both before the next request goes out, in one place that all requests read from.",
    references=("ZEST Z4, Z6, Z7", "52eSELLER S1, S6"),
    open="no root cause is known, and no answer refused the old one or issued another; one that "
    "does, or the client's code, would settle it",
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    tokens = is_from_server(rec)
    kept = causes(rec).lazy.filter((nw.col("verdict") == "stale") & tokens)
    shown = (nw.col("cause") != UNKNOWN) | nw.col("refused")
    hits = occurrences(
        kept, nw.lit(True), detail=how_it_ended(), cause=nw.col("cause"), proven=shown
    )
    others = other_verdicts(rec, "stale").filter(tokens).select(*OCCURRENCE.names)
    return nw.concat([hits, others], how="vertical")
