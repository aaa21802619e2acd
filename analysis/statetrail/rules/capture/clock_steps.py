"""Times of an exchange contradict each other: a clock was set while it recorded."""

import narwhals as nw

from statetrail.rules.rule import Lazy, Recording, Rule, dialect_exchanges, occurrences


@Rule(
    title="Clock set back during an exchange",
    severity="low",
    confidence="high",
    observed="{count} of {of} exchanges ended before they started",
    expected="times that only increase: a response after its request",
    remedy="Record on a machine whose clock is slewed and not stepped. Idle times and ages across "
    "the step are wrong by its length; exclude them, or record again.",
    references=("method times", "RFC 9110 6.6.1"),
)
def check(rec: Recording) -> Lazy:
    request, start, end = map(nw.col, ("request_start_us", "response_start_us", "response_end_us"))
    backwards = (
        (start < request).fill_null(False)
        | (end < start).fill_null(False)
        | (end < request).fill_null(False)
    )
    return occurrences(dialect_exchanges(rec), backwards, per_client=False)
