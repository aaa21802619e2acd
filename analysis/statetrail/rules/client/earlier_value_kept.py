"""A client keeps the earlier value of a parameter that it may change (rule L5 of the verdicts)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdict import EARLIER_VALUE
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES
from statetrail.rules.rule import Lazy, Recording, Rule, matching, occurrences, of_totals, totals

_MIN_TIMES: Final = 3


@Rule(
    title="Changes of a value may not be followed",
    severity="low",
    # The client may have chosen the value: it is allowed to.
    confidence="medium",
    observed="{count} of {of} requests presented the earlier value of {param} after the server had "
    "issued another, and none the newer one",
    expected="a client that does not choose for itself presents the newest {param}; that it "
    "presents another is allowed, and no fault",
    remedy="Make sure that the client reads {param} from every response. If the value is its "
    "user's choice, nothing has to be done.",
    references=("52eSELLER S1, S6", "52eSELLER priority informational"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    session = [*SERIES, "session"]
    shown = nw.col("verdict").is_in(("honoured", "in-flight", "overridden", "misplaced"))
    presented = (
        verdicts(rec)
        .lazy.filter(shown & ~nw.col("fingerprint").is_null())
        .with_columns(nw.col("session").fill_null(0))
    )
    earlier = rec.keep(presented.filter(nw.col("reason") == EARLIER_VALUE))
    often = (
        earlier.group_by(*session).agg(times=nw.len()).filter(nw.col("times") >= _MIN_TIMES)
    ).select(*session)
    fingerprint = nw.col("fingerprint")
    one_value = (
        matching(presented, often, session, first="session")
        .group_by(*session)
        .agg(least=fingerprint.min(), most=fingerprint.max())
        .filter(nw.col("least") == nw.col("most"))
    )
    hits = occurrences(earlier.join(one_value.select(*session), on=session), nw.lit(True))
    counts = verdict_counts(rec).lazy.filter(shown & nw.col("presented"))
    return of_totals(hits, totals(counts, "times"))
