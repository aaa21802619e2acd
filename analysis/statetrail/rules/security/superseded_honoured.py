"""A server goes on to accept a token that it has replaced."""

import narwhals as nw

from statetrail.analyses.tokens.late_uses import late_uses
from statetrail.rules.rule import (
    Lazy,
    Profile,
    Recording,
    Rule,
    credentials,
    occurrences,
    of_params,
)


@Rule(
    title="Replaced token still accepted",
    severity="medium",
    # A server may ignore what it does not need.
    confidence="medium",
    observed="{count} of {of} late uses of a replaced {param} were accepted more than {overlap} "
    "after its replacement",
    expected="an old {param} works for a short time, since requests may be under way, and then "
    "no longer; a longer overlap, up to the renewal period, is normal where tokens are renewed "
    "periodically",
    remedy="End a token when its successor has been used, or a minute after it was replaced. "
    "Renewal does not help if a stolen token outlives it.",
    references=("ASVS 7.2.4", "ASVS 7.4.1", "CWE 613"),
    scope="bucket",
)
def check(rec: Recording, profile: Profile) -> Lazy:
    late = late_uses(rec).lazy.filter(credentials(rec))
    # A token that only the server issues is answered with itself where it lives; other credentials
    # are accepted without one.
    silent = of_params(rec, lambda param: not param.minted)
    success = (nw.col("status") >= 200) & (nw.col("status") < 300)
    accepted = nw.col("again") | (silent & success)
    overlap_us = round(profile.overlap_s * 1_000_000)
    long_after = nw.col("request_start_us") - nw.col("replaced_us") > overlap_us
    return occurrences(late, accepted & long_after, per_client=False)
