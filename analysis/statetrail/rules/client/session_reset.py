"""A session's token was answered with another one: the session was over (Z6).

That holds where clients can ask for a session; other tokens are also renewed as a matter of course.
A token that is accepted again later was no lost session (rule L3 of the verdicts).
"""

import narwhals as nw

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    occurrences,
    of_params,
    of_totals,
    value_totals,
    with_totals,
)


@Rule(
    title="Session reset by the server",
    severity="info",
    confidence="high",
    observed="{count} of {of} requests that presented a {param} were the first to be answered with "
    "another one: the session was over, and with it cart, login and customer prices",
    expected="a session is used again before it times out, and after a reset the client goes on "
    "with the new token",
    remedy="Keep sessions in use that are still needed, and treat a changed token as the loss of "
    "the session's state: log in and fill the cart again. The expiry section shows how long "
    "sessions live here.",
    references=("ZEST Z6, Z7",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    sessions = of_params(rec, lambda param: param.establish is not None)
    ends = (
        tokens(rec)
        # A value that no response ever had may never have named a session, as `null`.
        .lazy.filter((nw.col("end") == "reset") & (nw.col("issues") > 0) & sessions)
        .select(*SERIES, "ended_at_us", from_fingerprint="fingerprint")
    )
    resets = (
        rotations(rec)
        .lazy.filter(nw.col("cause").is_in(LOSSES))
        .join(ends, on=[*SERIES, "from_fingerprint"])
        .filter(nw.col("issued_at_us") >= nw.col("ended_at_us"))
    )
    # A token that is kept is answered with another one each time: its session was lost once.
    token = [*SERIES, "from_fingerprint"]
    resets = with_totals(resets, token, first_us=nw.col("issued_at_us").min())
    resets = resets.filter(nw.col("issued_at_us") == nw.col("first_us"))
    hits = occurrences(resets, nw.lit(True))
    return of_totals(hits, value_totals(rec, "presentations", sessions))
