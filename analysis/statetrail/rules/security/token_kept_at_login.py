"""A server does not change the token at a login: who knew it before is logged in too."""

import narwhals as nw

from statetrail.analyses.events.scope import logins
from statetrail.analyses.events.values import SEEN, issues, presentations
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    credentials,
    matching,
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
    param = ["exchange_id", "dialect", "param"]
    one = nw.lit(1, nw.Int64)
    logged_in = rec.keep(logins(rec))
    values = matching(issues(rec).lazy, logged_in, param, first="exchange_id").select(*SEEN)
    answers = values.select(*param).unique().with_columns(answered=one)
    echoes = values.unique().with_columns(same=one)
    presented = (
        matching(presentations(rec).lazy, logged_in, param, first="exchange_id")
        .filter(credentials(rec))
        .join(answers, on=param, how="left")
        .join(echoes, on=list(SEEN), how="left")
    )
    # An answer without a token that only the server issues leaves open whether it was changed.
    silent = of_params(rec, lambda param: not param.minted)
    unchanged = ~nw.col("same").is_null() | (silent & nw.col("answered").is_null())
    return occurrences(presented, unchanged, per_client=False)
