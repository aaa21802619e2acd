"""A client keeps the earlier value of a parameter that it may change (rule L5 of the verdicts)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdict import EARLIER_VALUE
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES
from statetrail.rules.rule import Lazy, Recording, Rule, flag, occurrences

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
)
def check(rec: Recording) -> Lazy:
    session = [*SERIES, "session"]
    presented = (
        verdicts(rec)
        .lazy.filter(~nw.col("fingerprint").is_null())
        .filter(nw.col("verdict").is_in(("honoured", "in-flight", "overridden", "misplaced")))
        .with_columns(
            nw.col("session").fill_null(0),
            earlier=flag(nw.col("reason") == EARLIER_VALUE),
        )
        .with_columns(
            times=nw.col("earlier").sum().over(*session),
            least=nw.col("fingerprint").min().over(*session),
            most=nw.col("fingerprint").max().over(*session),
        )
    )
    one_value = nw.col("least") == nw.col("most")
    always = (nw.col("earlier") == 1) & one_value & (nw.col("times") >= _MIN_TIMES)
    return occurrences(presented, always)
