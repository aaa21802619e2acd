"""Times contradict each other, or the order of arrival: a clock was set while it recorded."""

import narwhals as nw

from statetrail.analyses.columnar.clock_steps import clock_steps
from statetrail.recording.engines import is_among
from statetrail.rules.rule import Lazy, Recording, Rule, dialect_exchanges, occurrences


@Rule(
    title="Clock set back while it recorded",
    severity="low",
    confidence="high",
    observed="{count} of {of} exchanges ended before they started, or before an earlier one did",
    expected="times that only increase: a response after its request, a later exchange after an "
    "earlier one",
    remedy="Record on a machine whose clock is slewed and not stepped. Idle times and ages across "
    "the step are wrong by its length; exclude them, or record again.",
    references=("method times", "RFC 9110 6.6.1"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    request, start, end = map(nw.col, ("request_start_us", "response_start_us", "response_end_us"))
    backwards = (
        (start < request).fill_null(False)
        | (end < start).fill_null(False)
        | (end < request).fill_null(False)
    )
    steps = is_among("exchange_id", clock_steps(rec).exchange.tolist())
    return occurrences(dialect_exchanges(rec), backwards | steps, per_client=False)
