"""A token was accepted after the end that it states itself."""

from statetrail.analyses.tallies.use_tallies import BEYOND_DECLARED
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import credential_uses, tallied


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
    return tallied(credential_uses(rec, BEYOND_DECLARED))
