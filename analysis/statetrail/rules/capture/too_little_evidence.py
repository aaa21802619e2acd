"""The recording does not settle how long a token lives."""

from typing import Final

import narwhals as nw

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.rules.rule import Lazy, Recording, Rule, credential_uses, occurrences

_WEAK: Final = ("none", "low")


@Rule(
    title="Too little evidence for a lifetime",
    severity="info",
    confidence="high",
    observed="Only {count} of {of} uses bear on the lifetime of {param}, and too few of them ended "
    "to name its limit",
    expected="several ends of several clients, before and after the limit",
    remedy="Record for longer, or add traffic that pauses: the expiry section names the most "
    "informative pause.",
    references=("method expiry",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    subject = ["origin", "dialect", "param"]
    weak = (
        expiry(rec)
        .lazy.filter((nw.col("ended") > 0) & nw.col("confidence").is_in(_WEAK))
        .select(*subject, weak=nw.lit(1, nw.Int64))
    )
    used = credential_uses(rec).join(weak, on=subject, how="left")
    return occurrences(used, ~nw.col("weak").is_null(), detail="", per_client=False)
