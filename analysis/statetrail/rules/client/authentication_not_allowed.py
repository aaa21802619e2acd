"""A client authenticates at methods that do not allow it (S3)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.allowance import learned
from statetrail.analyses.events.scope import UNBOUND_METHODS, barred, in_scope
from statetrail.analyses.events.values import presentations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, of_params
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller


def _check(rec: Recording) -> Lazy:
    restricted = of_params(rec, lambda param: bool(param.only_on))
    where = rec.exchanges.lazy.select("exchange_id", "endpoint", "method")
    bar = barred(rec).with_columns(barred=nw.col("param"))
    shown = (
        presentations(rec)
        .filter(restricted)
        .join(where, on="exchange_id")
        .filter(~nw.col("method").is_in(UNBOUND_METHODS))
        .join(in_scope(rec), on=["origin", "endpoint", "dialect"])
        .join(bar, on=["endpoint", "dialect", "param"], how="left")
        .join(learned(rec), on=["origin", "method", "endpoint", "dialect", "param"], how="left")
        .with_columns(request_start_us=nw.col("asked_us"))
    )
    known = nw.col("learned").fill_null("")
    told = (
        nw.when(known == "refused")
        .then(nw.concat_str([nw.lit(REQUEST), nw.lit(" (learned: refused)")]))
        .otherwise(nw.lit(REQUEST))
    )
    # What the server was seen to accept is allowed, whatever the list says.
    return cases(shown, ~nw.col("barred").is_null() & (known != "allowed"), detail=told)


RULE: Final = Rule(
    id="authentication-not-allowed",
    title="Authentication sent where it is not allowed",
    severity="medium",
    # Baskets, favorites and orders are among the methods that allow it: the list is not complete.
    confidence="medium",
    audience="client",
    observed="{count} of {of} requests that presented {param} went to methods that are not known "
    "to allow it",
    expected="{param} goes only to methods that require or allow it; elsewhere the answer is an "
    "error, and a credential has travelled for nothing",
    remedy="Send it to baskets, favorites, orders and whatever else the API reference lists, and "
    "use X-Ticket everywhere else.",
    references=(eseller("S3"),),
    check=_check,
)
