"""A client authenticates at methods that do not allow it (S3)."""

import narwhals as nw

from statetrail.analyses.conformance.visibility import UNBOUND_METHODS
from statetrail.analyses.events.allowance import learned
from statetrail.analyses.events.scope import barred, in_scope
from statetrail.analyses.events.values import presentations
from statetrail.rules.rule import REQUEST, Lazy, Recording, Rule, occurrences, of_params


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
    restricted = of_params(rec, lambda param: bool(param.only_on))
    exchanges = rec.exchanges.lazy.select("exchange_id", "endpoint", "method")
    bars = barred(rec).with_columns(barred=nw.col("param"))
    presented = (
        presentations(rec)
        .lazy.filter(restricted)
        .join(exchanges, on="exchange_id")
        .filter(~nw.col("method").is_in(UNBOUND_METHODS))
        .join(in_scope(rec), on=["origin", "endpoint", "dialect"])
        .join(bars, on=["endpoint", "dialect", "param"], how="left")
        .join(learned(rec), on=["origin", "method", "endpoint", "dialect", "param"], how="left")
    )
    allowance = nw.col("learned").fill_null("")
    detail = (
        nw.when(allowance == "refused")
        .then(nw.lit(f"{REQUEST} (learned: refused)"))
        .otherwise(nw.lit(REQUEST))
    )
    # What the server was seen to accept is allowed, whatever the list says.
    excess = ~nw.col("barred").is_null() & (allowance != "allowed")
    return occurrences(presented, excess, detail=detail)
