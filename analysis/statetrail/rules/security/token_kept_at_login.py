"""A server does not change the token at a login: who knew it before is logged in too."""

import narwhals as nw

from statetrail.analyses.events.login_tokens import login_tokens
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    occurrences,
    of_params,
)


@Rule(
    title="Token not renewed at login",
    severity="high",
    # The login may have failed with a status of success.
    confidence="medium",
    observed="{count} of {of} logins that presented a {param} were answered with the same one, or "
    "with none",
    expected="a login issues a new {param} and ends the old one, so that anyone who planted or "
    "saw the old one is not logged in",
    remedy="Issue a new token in the response to a login, move the cart to it, and refuse the old "
    "one from then on.",
    references=("ASVS 7.2.4", "CWE 384", "ZEST Z7"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    # An answer without a token that only the server issues leaves open whether it was changed.
    silent = of_params(rec, lambda param: not param.minted)
    unchanged = nw.col("again") | (silent & ~nw.col("answered"))
    return occurrences(login_tokens(rec).lazy, unchanged, per_client=False)
