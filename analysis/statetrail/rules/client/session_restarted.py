"""A client asks for new sessions again and again although it has one (Z2, Z4)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.causes.root_causes import causes
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.rotations import rotations
from statetrail.rules.rule import (
    OCCURRENCE,
    Lazy,
    Recording,
    Rule,
    flag,
    occurrences,
    of_params,
    other_verdicts,
)

_MIN_TIMES: Final = 3
_SOON_S: Final = 300.0


@Rule(
    title="New session requested repeatedly",
    severity="medium",
    # A program that is started again and again keeps no token either.
    confidence="medium",
    observed="{count} of {of} requests asked for a new {param} within minutes of the last one, "
    "which the client had not presented once",
    expected="a session is requested once; from then on its token is presented",
    remedy="Ask for a session only where no token is stored, and share the token between the parts "
    "of the client. Each restart loses cart and login, and costs the server a session.",
    references=("ZEST Z2, Z4, Z7",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    requested = of_params(rec, lambda param: param.establish is not None)
    request = ["exchange_id", "dialect", "param"]
    gaps = (
        rotations(rec)
        .lazy.filter(requested)
        .group_by(*request)
        .agg(nw.col("idle_high_s").min(), thrown=nw.col("from_fingerprint").min())
    )
    restarts = (
        causes(rec)
        .lazy.filter((nw.col("verdict") == "restarted") & requested)
        .join(gaps, on=request, how="left")
        .with_columns(soon=flag(nw.col("idle_high_s") <= _SOON_S))
    )
    # Requests that are sent at once throw one token away: that is once.
    once = restarts.filter(nw.col("soon") == 1).unique([*SERIES, "thrown"], keep="any")
    times = once.group_by(*SERIES).agg(of_series=nw.len())
    restarts = restarts.join(times, on=[*SERIES], how="left")
    again = (nw.col("soon") == 1) & (nw.col("of_series") >= _MIN_TIMES)
    hits = occurrences(restarts, again, cause=nw.col("cause"))
    others = other_verdicts(rec, "restarted").filter(requested).select(*OCCURRENCE.names)
    return nw.concat([hits, others], how="vertical")
