"""A token was accepted after the end that it states itself."""

from typing import Final

import narwhals as nw

from statetrail.rules.rule import Lazy, Recording, Rule, accepted_uses, occurrences

LEEWAY_S: Final = 300
"""Seconds that a server may grant for clocks that differ: "usually no more than a few minutes"."""


@Rule(
    title="Token accepted after the end that it declares",
    severity="high",
    # The signature is not checked: what the token states may be meant for somebody else.
    confidence="medium",
    observed="{count} of {of} accepted uses of a {param} that declares its lifetime came more than "
    "5 min after its end",
    expected="a JSON Web Token is not accepted from the time in `exp` on, except for a few minutes "
    "of clock difference",
    remedy="Check `exp` where tokens are verified, before anything else in them is used. Where a "
    "session is extended by other means, issue a new token with the extension.",
    references=("RFC 7519 4.1.4", "ASVS 9.2.1", "CWE 613"),
)
def check(rec: Recording) -> Lazy:
    value = ["dialect", "param", "fingerprint"]
    lifetimes = (
        rec.issued.lazy.filter(~nw.col("declared_s").is_null())
        .group_by(*value)
        .agg(nw.col("declared_s").max())
    )
    # A token is no younger than its first issue that was seen: its end came then or before.
    beyond = nw.col("age_low_s") > nw.col("declared_s") + LEEWAY_S
    accepted = accepted_uses(rec, "age_low_s").join(lifetimes, on=value)
    return occurrences(accepted, beyond, per_client=False)
