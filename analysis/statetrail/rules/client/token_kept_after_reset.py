"""A client goes on with a token after the server has reset its session (Z6)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import FAULTS, verdicts
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, of_params
from statetrail.rules.rule import Rule
from statetrail.rules.sources import zest


def _check(rec: Recording) -> Lazy:
    ends = (
        tokens(rec)
        .lazy.filter(nw.col("end") == "reset")
        .select(*SERIES, "fingerprint", "ended_at_us")
    )
    counted = (
        verdicts(rec)
        .lazy.filter(nw.col("verdict").is_in(("honoured", *FAULTS)))
        .filter(of_params(rec, lambda param: param.minted))
        .join(ends, on=[*SERIES, "fingerprint"], how="left")
    )
    dead = (nw.col("verdict") == "stale") & (nw.col("request_start_us") > nw.col("ended_at_us"))
    return cases(counted, dead, detail=nw.lit(REQUEST))


RULE: Final = Rule(
    id="token-kept-after-reset",
    title="Token kept after its session was reset",
    severity="high",
    confidence="high",
    audience="client",
    observed="{count} of {of} requests presented a {param} whose session the server had reset "
    "before, and the client had to know",
    expected="after a reset the client presents the new {param}; the old one leads to a new, empty"
    " session every time",
    remedy="Compare the token of each response with the one that was presented, and store it "
    "where it differs, before the next request goes out.",
    references=(zest("Z4", "Z6", "Z7"),),
    check=_check,
)
