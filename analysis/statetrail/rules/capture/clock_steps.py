"""Times of an exchange contradict each other: a clock was set while it recorded."""

from typing import Final

import narwhals as nw

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import method, rfc


def _check(rec: Recording) -> Lazy:
    asked, begun, ended = "request_start_us", "response_start_us", "response_end_us"
    seen = (
        rec.exchanges_with_client()
        .filter(nw.col("dialects") != "")
        .select("exchange_id", "origin", asked, begun, ended)
        .with_columns(param=nw.lit(""), observed_us=nw.col(asked))
    )
    backwards = (
        (nw.col(begun) < nw.col(asked)).fill_null(False)
        | (nw.col(ended) < nw.col(begun)).fill_null(False)
        | (nw.col(ended) < nw.col(asked)).fill_null(False)
    )
    return cases(seen, backwards, detail=nw.lit(REQUEST), per_client=False, at="observed_us")


RULE: Final = Rule(
    id="clock-steps",
    title="Clock set back during an exchange",
    severity="low",
    confidence="high",
    audience="capture",
    observed="{count} of {of} exchanges ended before they began",
    expected="times that only grow: a response after its request",
    remedy="Record on a machine whose clock is slewed and not stepped. Idle times and ages "
    "across the step are wrong by its length; leave them out, or record again.",
    references=(
        method("times"),
        rfc(9110, "6.6.1"),
    ),
    check=_check,
)
