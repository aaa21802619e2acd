"""Times contradict each other, or the order of arrival: a clock was set while it recorded."""

import narwhals as nw

from statetrail.analyses.tallies.exchange_tallies import CLOCK_SET_BACK, exchange_tallies
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import tallied


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
)
def check(rec: Recording) -> Lazy:
    tallies = exchange_tallies(rec).lazy.filter(nw.col("tally") == CLOCK_SET_BACK)
    return tallied(tallies)
