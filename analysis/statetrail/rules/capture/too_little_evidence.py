"""The recording does not settle how long a token lives."""

from typing import Final

import narwhals as nw

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.tallies.use_tallies import USED
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import credential_uses, tallied

_WEAK: Final = ("none", "low")


@Rule(
    title="Too little evidence for a lifetime",
    severity="info",
    confidence="high",
    observed="{count} of {of} uses bear on the lifetime of {param}, and too few of them ended "
    "to name its limit",
    expected="several ends of several clients, before and after the limit",
    remedy="Record for longer, or add traffic that pauses: the expiry section names the most "
    "informative pause.",
    references=("method expiry",),
)
def check(rec: Recording) -> Lazy:
    subject = ["origin", "dialect", "param"]
    weak = (
        expiry(rec)
        .lazy.filter((nw.col("ended") > 0) & nw.col("confidence").is_in(_WEAK))
        .select(*subject, weak=nw.lit(1, nw.Int64))
    )
    used = credential_uses(rec, USED).join(weak, on=subject, how="left")
    hits = nw.when(~nw.col("weak").is_null()).then("hits").otherwise(0)
    return tallied(used.with_columns(hits=hits), detail="")
