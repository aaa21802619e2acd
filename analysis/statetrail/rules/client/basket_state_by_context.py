"""A client tries to change a basket's state by context parameters (S4, S5)."""

import narwhals as nw

from statetrail.analyses.exposure.own_choices import own_choices
from statetrail.rules.rule import REQUEST, Lazy, Recording, Rule, occurrences


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
    # Whether the state that the server issues next shows that the attempt had no effect.
    detail = (
        nw.when(nw.col("fought"))
        .then(nw.lit(f"{REQUEST} without effect"))
        .otherwise(nw.lit(REQUEST))
    )
    return occurrences(
        own_choices(rec).lazy, nw.col("own_value"), detail=detail, times=nw.col("times")
    )
