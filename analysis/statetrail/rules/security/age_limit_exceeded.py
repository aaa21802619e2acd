"""A token was accepted at a greater age than the profile allows."""

import narwhals as nw

from statetrail.rules.rule import Lazy, Profile, Recording, Rule, accepted_uses, occurrences


@Rule(
    title="Sessions live longer than allowed",
    severity="medium",
    confidence="high",
    observed="{count} of {of} accepted uses of {param} were of a value older than {age_max}",
    expected="a session ends at the latest {age_max} after it started, used or not ({profile})",
    remedy="Set an absolute limit beside the idle timeout, after which the user logs in again, and "
    "document it.",
    references=("ASVS 7.3.2", "CWE 613"),
    scope="bucket",
)
def check(rec: Recording, profile: Profile) -> Lazy:
    beyond = nw.col("age_low_s") > profile.age_max_s
    return occurrences(accepted_uses(rec, "age_low_s"), beyond, per_client=False)
