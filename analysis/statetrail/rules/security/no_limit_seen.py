"""No token was ever seen to end, by idle time or by age."""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe

_SUBJECT: Final = ("origin", "dialect", "param")


def _check(rec: Recording) -> Lazy:
    told = (
        uses(rec)
        .lazy.filter(nw.col("exclusion").is_null())
        .filter(nw.col("outcome").is_in(("survived", "ended")))
        .join(credentials(rec), on=["dialect", "param"])
    )
    ends = (
        told.filter(nw.col("outcome") == "ended")
        .group_by(*_SUBJECT)
        .agg(ends=nw.col("exchange_id").count())
    )
    seen = told.join(ends, on=list(_SUBJECT), how="left")
    return cases(seen, nw.col("ends").is_null(), per_client=False)


RULE: Final = Rule(
    id="no-limit-seen",
    title="No end of a session was seen",
    severity="info",
    # A recording that is shorter than the limit cannot show it.
    confidence="low",
    audience="security",
    observed="{count} of {of} uses of {param} were accepted: neither an idle timeout nor an "
    "absolute limit was seen",
    expected="sessions end after some idle time, and after some time in all",
    remedy="Record for longer, with clients that pause, until a session ends; or read the limits"
    " in the configuration of the server. If there are none, set them.",
    references=(
        asvs("7.3.1"),
        asvs("7.3.2"),
        cwe(613),
    ),
    check=_check,
)
