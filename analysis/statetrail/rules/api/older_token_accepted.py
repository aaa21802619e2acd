"""A server answers a replaced token with itself (rule L3 of the verdicts)."""

import narwhals as nw

from statetrail.analyses.conformance.verdict import STILL_ACCEPTED
from statetrail.analyses.tokens.late_uses import late_uses
from statetrail.rules.rule import Lazy, Profile, Recording, Rule, occurrences, server_issued


@Rule(
    title="Replaced token answered with itself",
    severity="low",
    confidence="high",
    observed="{count} of {of} late uses of a replaced {param} were answered with the old value "
    "again, within {overlap} of its replacement",
    expected="once a newer {param} was issued, the answer to the old one is the newer one, or a "
    "refusal: otherwise a client cannot know which of them is valid. After {overlap} see "
    "superseded-honoured",
    remedy="Issue the newest token of the session in every answer, whichever of its values was "
    "presented, and end the old one. Look for servers behind one address that do not share their "
    "sessions.",
    references=("ZEST Z4, Z6", "52eSELLER S6"),
    scope="bucket",
)
def check(rec: Recording, profile: Profile) -> Lazy:
    late = late_uses(rec).lazy.filter(server_issued(rec))
    overlap_us = round(profile.overlap_s * 1_000_000)
    soon = nw.col("request_start_us") - nw.col("replaced_us") <= overlap_us
    accepted = nw.col("reason").fill_null("") == STILL_ACCEPTED
    return occurrences(late, accepted & soon, per_client=False)
