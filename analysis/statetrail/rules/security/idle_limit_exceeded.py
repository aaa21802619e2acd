"""A token was accepted after more idle time than the profile allows."""

from statetrail.rules.rule import Lazy, Profile, Recording, Rule
from statetrail.rules.tallied import uses_beyond


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
)
def check(rec: Recording, profile: Profile) -> Lazy:
    return uses_beyond(rec, "idle", profile.idle_max_s)
