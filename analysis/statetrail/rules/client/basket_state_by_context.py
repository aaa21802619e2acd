"""A client tries to change a basket's state by context parameters (S4, S5)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.exposure.overrides import override_outcomes, own_state
from statetrail.rules.rule import REQUEST, Lazy, Recording, Rule, occurrences, of_params

_OWN_VALUE: Final = ("overridden", "defied")
"""Not `stale`, nor `overridden` by an earlier value: an old value is a matter of the client's
storage, not an attempt."""


@Rule(
    title="Basket state changed by a context parameter",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests for baskets presented a {param} of the client's own choice",
    expected="context parameters do not change a basket: its state changes by PUT "
    "/services/v3/baskets/{{basketId}}/state, its country by PUT …/sellto and …/shipto",
    remedy="Change the basket by the PUT method, then present the value that the server issues. "
    "Presenting another currency does not show the basket's prices in it.",
    references=("52eSELLER S4, S5",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    context = of_params(rec, lambda param: param.clear is not None)
    # Most requests are for no basket: they are left out first.
    baskets = (
        rec.exchanges.lazy.select("exchange_id", "endpoint")
        .join(own_state(rec), on="endpoint")
        .select("exchange_id", "dialect", "param")
    )
    # Whether the state that the server issues next shows that the attempt had no effect.
    effects = override_outcomes(rec).lazy.select("exchange_id", "dialect", "param", "outcome")
    presented = (
        verdicts(rec)
        .lazy.filter(
            context & (nw.col("fault") | nw.col("verdict").is_in(("honoured", "overridden")))
        )
        .join(baskets, on=["exchange_id", "dialect", "param"])
        .join(effects, on=["exchange_id", "dialect", "param"], how="left")
    )
    detail = (
        nw.when(nw.col("outcome") == "fought")
        .then(nw.lit(f"{REQUEST} without effect"))
        .otherwise(nw.lit(REQUEST))
    )
    own_value = nw.col("verdict").is_in(_OWN_VALUE) & nw.col("reason").is_null()
    return occurrences(presented, own_value, detail=detail)
