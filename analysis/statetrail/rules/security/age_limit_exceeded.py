"""A token was accepted at a greater age than the profile allows."""

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
        .filter(~nw.col("age_low_s").is_null())
        .join(credentials(rec), on=["dialect", "param"])
    )
    # The shortest that it can have been: the finding holds under every order of events.
    beyond = nw.col("age_low_s") > profile.age_max_s
    return cases(survived, beyond, detail=nw.lit(REQUEST), per_client=False)


RULE: Final = Rule(
    id="age-limit-exceeded",
    title="Sessions live longer than allowed",
    severity="medium",
    confidence="high",
    audience="security",
    observed="{count} of {of} accepted uses of {param} were of a value older than {age_max}",
    expected="a session ends {age_max} after its beginning at the latest, used or not ({profile})",
    remedy="Give sessions an absolute limit beside the idle timeout, after which the user logs "
    "in again, and document it.",
    references=(
        asvs("7.3.2"),
        cwe(613),
    ),
    measure=_measure,
)
