"""Tokens were in use before the recording began."""

import narwhals as nw

from statetrail.analyses.events.unseen import unseen_issues
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.exposure.shared import shared
from statetrail.analyses.tokens.first_uses import first_uses
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences


@Rule(
    title="Sessions that started before the recording",
    severity="info",
    confidence="high",
    observed="{count} of {of} values of {param} were in use before an issue of them was seen",
    expected="a recording that starts before the sessions in it; otherwise only a lower bound of "
    "their age is known",
    remedy="Start to record before the clients start, or leave the first hour out of conclusions "
    "about ages. Idle times are not affected.",
    references=("method left truncation",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    values = (
        first_uses(rec)
        .lazy.join(unseen_issues(rec), on=["origin", "dialect"], how="left")
        # A body that was not recorded may have issued it.
        .filter((nw.col("request_start_us") <= nw.col("unseen_us")).fill_null(True))
    )
    # What another client was seen to get began in the recording.
    value = [*SERIES, "fingerprint"]
    got = shared(rec).lazy.filter(nw.col("how").is_in(("taken", "moved"))).select(*value, "how")
    values = values.join(got, on=value, how="left")
    before = nw.col("left_truncated") & nw.col("how").is_null()
    return occurrences(values, before, detail="", per_client=False)
