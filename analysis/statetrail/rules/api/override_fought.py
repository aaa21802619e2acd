"""A server re-issues its own value again and again although the client may choose another."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.exposure.overrides import override_outcomes
from statetrail.rules.rule import Lazy, Recording, Rule, flag, occurrences, with_totals

_MIN_FOUGHT: Final = 2


@Rule(
    title="Override answered with the server's own value",
    severity="low",
    # The server may have used the client's value and still have issued its own as a default.
    confidence="medium",
    observed="{count} of {of} overrides of {param} were answered by issuing another value again",
    expected="an informational {param} can be overridden: the server adopts the client's value, or "
    "issues its own with priority forced",
    remedy="Decide whether clients may choose. If they may, issue the value that they present; if "
    "not, issue the value as forced, so that clients do not try.",
    references=("52eSELLER priority informational", "52eSELLER S6"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    # On a basket the server is right: context does not change its state.
    overrides = (
        override_outcomes(rec)
        .lazy.filter(~nw.col("own_state"))
        .with_columns(fought=flag(nw.col("outcome") == "fought"))
    )
    overrides = with_totals(overrides, SERIES, of_series=nw.col("fought").sum())
    again = (nw.col("fought") == 1) & (nw.col("of_series") >= _MIN_FOUGHT)
    return occurrences(overrides, again)
