"""The recording does not settle how long a token lives."""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import method

_SUBJECT: Final = ("origin", "dialect", "param")
_WEAK: Final = ("none", "low")


def _check(rec: Recording) -> Lazy:
    weak = (
        expiry(rec)
        .lazy.filter((nw.col("ended") > 0) & nw.col("confidence").is_in(_WEAK))
        .select(*_SUBJECT, weak=nw.lit(1, nw.Int64))
    )
    told = (
        uses(rec)
        .lazy.join(credentials(rec), on=["dialect", "param"])
        .join(weak, on=list(_SUBJECT), how="left")
    )
    return cases(told, ~nw.col("weak").is_null(), per_client=False)


RULE: Final = Rule(
    id="too-little-evidence",
    title="Too little evidence for a lifetime",
    severity="info",
    confidence="high",
    audience="capture",
    observed="{count} of {of} uses of {param} are all that tells how long it lives: some ended, "
    "too few to settle by what rule",
    expected="several ends of several clients, before and after the limit",
    remedy="Record for longer, or add traffic that pauses: the expiry section names the pause "
    "that would tell most.",
    references=(method("expiry"),),
    check=_check,
)
