"""A client tries to change a basket's state by context parameters (S4, S5)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import FAULTS, verdicts
from statetrail.analyses.exposure.overrides import basket_attempt, outcomes
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, of_params
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller


def _check(rec: Recording) -> Lazy:
    # A value that was issued before and is stale is a matter of the client's store, not of an
    # attempt to change the basket.
    changed = ("overridden", "defied")
    # Those of no basket are left out first: they are most.
    where = rec.exchanges.lazy.select("exchange_id", "endpoint").filter(
        nw.col("endpoint").str.to_lowercase().str.contains("/baskets", literal=True)
    )
    # Whether the state that the server issues next shows the attempt to have been in vain.
    effect = outcomes(rec).select("exchange_id", "dialect", "param", "outcome")
    context = of_params(rec, lambda param: param.clear is not None)
    told = (
        verdicts(rec)
        .lazy.filter(context & nw.col("verdict").is_in(("honoured", *FAULTS, "overridden")))
        .join(where, on="exchange_id")
        .filter(basket_attempt())
        .join(effect, on=["exchange_id", "dialect", "param"], how="left")
    )
    vain = nw.concat_str([nw.lit(REQUEST), nw.lit(" without effect")])
    detail = nw.when(nw.col("outcome") == "fought").then(vain).otherwise(nw.lit(REQUEST))
    return cases(told, nw.col("verdict").is_in(changed), detail=detail)


RULE: Final = Rule(
    id="basket-state-by-context",
    title="Basket state changed by a context parameter",
    severity="medium",
    confidence="high",
    audience="client",
    observed="{count} of {of} requests for baskets presented a {param} of the client's own choice",
    expected="context parameters leave a basket as it is: its state changes by PUT "
    "/services/v3/baskets/{{basketId}}/state, its country by PUT …/sellto and …/shipto",
    remedy="Change the basket by the PUT method, then present the value that the server issues. "
    "Prices in another currency than the basket's are not shown by asking for them.",
    references=(eseller("S4", "S5"),),
    check=_check,
)
