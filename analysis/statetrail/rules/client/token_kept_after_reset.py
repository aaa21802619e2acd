"""A client goes on with a token after the server has reset its session (Z6)."""

import narwhals as nw

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.tokens import tokens
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_params


@Rule(
    title="Token kept after its session was reset",
    severity="high",
    confidence="high",
    observed="{count} of {of} requests presented a {param} whose session the server had reset "
    "before, and the client must have known",
    expected="after a reset the client presents the new {param}; the old one leads to a new, empty "
    "session every time",
    remedy="Compare the token of each response with the one that was presented, and store it "
    "where it differs, before the next request goes out.",
    references=("ZEST Z4, Z6, Z7",),
)
def check(rec: Recording) -> Lazy:
    resets = (
        tokens(rec)
        .lazy.filter(nw.col("end") == "reset")
        .select(*SERIES, "fingerprint", "ended_at_us")
    )
    counted = nw.col("fault") | (nw.col("verdict") == "honoured")
    judged = (
        verdicts(rec)
        .lazy.filter(counted & of_params(rec, lambda param: param.minted))
        .join(resets, on=[*SERIES, "fingerprint"], how="left")
    )
    dead = (nw.col("verdict") == "stale") & (nw.col("request_start_us") > nw.col("ended_at_us"))
    return occurrences(judged, dead)
