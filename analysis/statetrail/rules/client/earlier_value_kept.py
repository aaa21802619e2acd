"""A client keeps the earlier value of a parameter that it may change (rule L5 of the verdicts)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.earlier_values import PRESENTED, earlier_values
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_totals, totals

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
    remedy="Make sure that the client reads the parameter from every response. If the "
    "value is its user's choice, nothing has to be done.",
    references=("52eSELLER S1, S6", "52eSELLER priority informational"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    often = earlier_values(rec).lazy.filter(nw.col("occasions") >= _MIN_TIMES)
    shown = nw.col("verdict").is_in(PRESENTED) & nw.col("presented")
    counts = verdict_counts(rec).lazy.filter(shown)
    return of_totals(occurrences(often, nw.lit(True)), totals(counts, "times"))
