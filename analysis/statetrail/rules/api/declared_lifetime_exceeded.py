"""A token was accepted after the end that it states itself."""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe, rfc

LEEWAY_S: Final = 300
"""Seconds that a server may grant for clocks that differ: "usually no more than a few minutes"."""


def _check(rec: Recording) -> Lazy:
    value = ["dialect", "param", "fingerprint"]
    stated = (
        rec.issued.lazy.filter(~nw.col("declared_s").is_null())
        .group_by(*value)
        .agg(declared_s=nw.col("declared_s").max())
    )
    survived = (
        uses(rec)
        .lazy.filter(nw.col("exclusion").is_null() & (nw.col("outcome") == "survived"))
        .filter(~nw.col("age_low_s").is_null())
        .join(credentials(rec), on=["dialect", "param"])
        .join(stated, on=value)
    )
    # A token is no younger than its first issue that was seen: its end came then or before.
    beyond = nw.col("age_low_s") > nw.col("declared_s") + LEEWAY_S
    return cases(survived, beyond, detail=nw.lit(REQUEST), per_client=False)


RULE: Final = Rule(
    id="declared-lifetime-exceeded",
    title="Token accepted after its own end",
    severity="high",
    # The signature is not checked: what the token states may be meant for somebody else.
    confidence="medium",
    audience="security",
    observed="{count} of {of} accepted uses of a {param} that states its lifetime came later than "
    "5 min after its end",
    expected="from the time in `exp` on a JSON Web Token is not accepted, but for a few minutes "
    "that allow for clocks",
    remedy="Check `exp` where tokens are verified, before anything else of them is used. Where a "
    "session lives on by other means, issue a new token with it.",
    references=(
        rfc(7519, "4.1.4"),
        asvs("9.2.1"),
        cwe(613),
    ),
    check=_check,
)
