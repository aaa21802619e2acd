"""A token was accepted at a greater age than the profile allows."""

from statetrail.rules.rule import Lazy, Profile, Recording, Rule
from statetrail.rules.tallied import uses_beyond


@Rule(
    title="Sessions live longer than allowed",
    severity="medium",
    confidence="high",
    observed="{count} of {of} accepted uses of {param} were of a value older than {age_max}",
    expected="a session ends at the latest {age_max} after it started, used or not ({profile})",
    remedy="Set an absolute limit beside the idle timeout, after which the user logs in again, and "
    "document it.",
    references=("ASVS 7.3.2", "CWE 613"),
)
def check(rec: Recording, profile: Profile) -> Lazy:
    return uses_beyond(rec, "age", profile.age_max_s)
