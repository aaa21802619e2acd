"""A token was accepted after more idle time than the profile allows."""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.profiles import Profile
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe


def _measure(rec: Recording, profile: Profile) -> Lazy:
    survived = (
        uses(rec)
        .lazy.filter(nw.col("exclusion").is_null() & (nw.col("outcome") == "survived"))
        .filter(~nw.col("idle_low_s").is_null())
        .join(credentials(rec), on=["dialect", "param"])
    )
    # The shortest that it can have been: the finding holds under every order of events.
    beyond = nw.col("idle_low_s") > profile.idle_max_s
    return cases(survived, beyond, detail=nw.lit(REQUEST), per_client=False)


RULE: Final = Rule(
    id="idle-limit-exceeded",
    title="Idle timeout longer than allowed",
    severity="medium",
    confidence="high",
    audience="security",
    observed="{count} of {of} accepted uses of {param} came after it had lain unused for more than"
    " {idle_max}",
    expected="a session ends after {idle_max} without use at the latest ({profile})",
    remedy="Set the idle timeout of sessions by the risk of what they allow, and document it. "
    "The expiry section tells what it is today.",
    references=(
        asvs("7.3.1"),
        cwe(613),
    ),
    measure=_measure,
)
