"""Exchanges have no response: what they would have issued is not known."""

import narwhals as nw

from statetrail.analyses.tallies.exchange_tallies import NO_RESPONSE, exchange_tallies
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import tallied


@Rule(
    title="Exchanges without a complete response",
    severity="info",
    confidence="high",
    observed="{count} of {of} exchanges have no response, or one that was cut short",
    expected="every request with its whole response: a lost response may have issued a value that "
    "the recording does not have",
    remedy="Look for the reason in the list of what did not complete. If the proxy lost the "
    "responses, record again; if clients gave up, their verdicts are still correct.",
    references=("method visibility",),
)
def check(rec: Recording) -> Lazy:
    tallies = exchange_tallies(rec).lazy.filter(nw.col("tally") == NO_RESPONSE)
    return tallied(tallies, detail=nw.col("detail"))
