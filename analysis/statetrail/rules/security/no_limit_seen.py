"""No token was ever seen to end, by idle time or by age."""

import narwhals as nw

from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    credential_uses,
    flag,
    occurrences,
    with_totals,
)


@Rule(
    title="No end of a session was seen",
    severity="info",
    # A recording that is shorter than the limit cannot show it.
    confidence="low",
    observed="{count} of {of} uses of {param} were accepted: neither an idle timeout nor an "
    "absolute limit was seen",
    expected="sessions end after some idle time, and after a maximum total time",
    remedy="Record for longer, with clients that pause, until a session ends; or read the limits "
    "in the configuration of the server. If there are none, set them.",
    references=("ASVS 7.3.1", "ASVS 7.3.2", "CWE 613"),
)
def check(rec: Recording) -> Lazy:
    outcome = nw.col("outcome")
    used = (
        credential_uses(rec)
        .filter(nw.col("exclusion").is_null() & outcome.is_in(("survived", "ended")))
        .with_columns(ended=flag(outcome == "ended"))
    )
    used = with_totals(used, ("origin", "dialect", "param"), ends=nw.col("ended").sum())
    return occurrences(used, nw.col("ends") == 0, detail="", per_client=False)
