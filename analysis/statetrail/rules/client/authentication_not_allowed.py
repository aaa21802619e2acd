"""A client authenticates at methods that do not allow it (S3)."""

import narwhals as nw

from statetrail.analyses.events.allowance import restricted_uses
from statetrail.rules.rule import REQUEST, Lazy, Recording, Rule, occurrences


@Rule(
    title="Authentication sent where it is not allowed",
    severity="medium",
    # Baskets, favorites and orders are among the methods that allow it: the list is not complete.
    confidence="medium",
    observed="{count} of {of} requests that presented {param} went to methods that are not known "
    "to allow it",
    expected="{param} goes only to methods that require or allow it; elsewhere the answer is an "
    "error, and a credential was exposed for nothing",
    remedy="Send it to baskets, favorites, orders and the other methods that the API reference "
    "lists, and use X-Ticket everywhere else.",
    references=("52eSELLER S3",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    detail = (
        nw.when(nw.col("refused"))
        .then(nw.lit(f"{REQUEST} (learned: refused)"))
        .otherwise(nw.lit(REQUEST))
    )
    return occurrences(
        restricted_uses(rec).lazy, nw.col("excess"), detail=detail, times=nw.col("times")
    )
