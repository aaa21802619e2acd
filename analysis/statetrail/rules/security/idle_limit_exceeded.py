"""A token was accepted after more idle time than the profile allows."""

import narwhals as nw

from statetrail.rules.rule import Lazy, Profile, Recording, Rule, accepted_uses, occurrences


@Rule(
    title="Idle timeout longer than allowed",
    severity="medium",
    confidence="high",
    observed="{count} of {of} accepted uses of {param} came after it had been unused for more than "
    "{idle_max}",
    expected="a session ends at the latest after {idle_max} without use ({profile})",
    remedy="Set the idle timeout of sessions according to the risk of what they allow, and "
    "document it. The expiry section shows what it is today.",
    references=("ASVS 7.3.1", "CWE 613"),
    scope="bucket",
)
def check(rec: Recording, profile: Profile) -> Lazy:
    beyond = nw.col("idle_low_s") > profile.idle_max_s
    return occurrences(accepted_uses(rec, "idle_low_s"), beyond, per_client=False)
