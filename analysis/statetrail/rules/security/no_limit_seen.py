"""No token was ever seen to end, by idle time or by age."""

import narwhals as nw

from statetrail.analyses.tallies.use_tallies import ACCEPTED
from statetrail.rules.rule import Lazy, Recording, Rule, with_totals
from statetrail.rules.tallied import credential_uses, tallied


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
    # What was not accepted had ended.
    accepted = with_totals(
        credential_uses(rec, ACCEPTED),
        ("origin", "dialect", "param"),
        accepted=nw.col("hits").sum(),
        counted=nw.col("times").sum(),
    )
    endless = nw.col("accepted") == nw.col("counted")
    hits = nw.when(endless).then("hits").otherwise(0)
    return tallied(accepted.with_columns(hits=hits), detail="")
