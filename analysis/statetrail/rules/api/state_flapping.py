"""An API issues two values of a parameter alternately: its servers do not agree."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.rotations import rotations
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    flag,
    occurrences,
    of_params,
    previous,
    with_totals,
)

_INTENDED: Final = ("override", "basket", "login")
_MIN_RETURNS: Final = 2


@Rule(
    title="State that alternates between two values",
    severity="medium",
    # Somebody may change it by other means, to and fro.
    confidence="medium",
    observed="{count} of {of} changes of {param} went back to the previous value, although no "
    "request asked for it",
    expected="{param} changes when something has changed, and then keeps its value",
    remedy="Look for two servers, caches or code paths that have different defaults, and take the "
    "value from one place. Clients that obey send one value and the other alternately.",
    references=("52eSELLER S1, S6",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    context = of_params(rec, lambda param: not param.minted and param.clear is not None)
    intended = nw.col("cause").is_in(_INTENDED)
    left = previous("from_fingerprint", SERIES, order_by=["issued_at_us", "exchange_id"])
    changes = (
        rotations(rec)
        .lazy.filter(context & ~nw.col("from_fingerprint").is_null() & ~intended)
        .with_columns(left=left)
        .with_columns(returned=flag(nw.col("left") == nw.col("to_fingerprint")))
    )
    changes = with_totals(changes, SERIES, of_series=nw.col("returned").sum())
    repeated = (nw.col("returned") == 1) & (nw.col("of_series") >= _MIN_RETURNS)
    return occurrences(changes, repeated, per_client=False, at="issued_at_us")
