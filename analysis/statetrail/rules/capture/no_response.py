"""Exchanges have no response: what they would have issued is not known."""

import narwhals as nw

from statetrail.rules.rule import Lazy, Recording, Rule, dialect_exchanges, occurrences


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
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    missing = nw.col("status").is_null() | ~nw.col("error").is_null()
    return occurrences(dialect_exchanges(rec), missing, detail=nw.col("error"), per_client=False)
