"""An API issues two values of a parameter in turns: its servers do not agree."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.rotations import rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, of_params
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller

_MEANT: Final = ("override", "basket", "login")
_MIN_RETURNS: Final = 2


def _check(rec: Recording) -> Lazy:
    context = of_params(rec, lambda param: not param.minted and param.clear is not None)
    changed = (
        rotations(rec)
        .lazy.filter(~nw.col("from_fingerprint").is_null())
        .filter(context)
        .filter(~nw.col("cause").is_in(_MEANT))
    )
    order = ["issued_at_us", "exchange_id"]
    returned = changed.with_columns(
        left=nw.col("from_fingerprint").shift(1).over(*SERIES, order_by=order)
    ).with_columns(
        back=nw.when(nw.col("left") == nw.col("to_fingerprint"))
        .then(nw.lit(1, nw.Int64))
        .otherwise(nw.lit(0, nw.Int64))
    )
    returns = returned.group_by(*SERIES).agg(returns=nw.col("back").sum())
    told = returned.join(returns, on=list(SERIES))
    again = (nw.col("back") == 1) & (nw.col("returns") >= _MIN_RETURNS)
    return cases(told, again, detail=nw.lit(REQUEST), per_client=False, at="issued_at_us")


RULE: Final = Rule(
    id="state-flapping",
    title="State that flaps between two values",
    severity="medium",
    # Somebody may change it by other means, to and fro.
    confidence="medium",
    audience="api",
    observed="{count} of {of} changes of {param} went back to the value before, though nobody "
    "asked for it",
    expected="{param} changes when something changed, and stays so",
    remedy="Look for two servers, caches or code paths that have different defaults, and take "
    "the value from one place. Clients that obey send now the one, now the other.",
    references=(eseller("S1", "S6"),),
    check=_check,
)
