"""Exchanges have no response: what they would have issued is not known."""

from typing import Final

import narwhals as nw

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import method


def _check(rec: Recording) -> Lazy:
    seen = (
        rec.exchanges_with_client()
        .filter(nw.col("dialects") != "")
        .select("exchange_id", "origin", "status", "error", "request_start_us")
        .with_columns(param=nw.lit(""))
    )
    missing = nw.col("status").is_null() | ~nw.col("error").is_null()
    return cases(seen, missing, detail=nw.col("error"), per_client=False)


RULE: Final = Rule(
    id="no-response",
    title="Exchanges without a complete response",
    severity="info",
    confidence="high",
    audience="capture",
    observed="{count} of {of} exchanges have no response, or one that was cut short",
    expected="every request with its whole response: a lost one may have issued a value that "
    "nobody knows of",
    remedy="Look for the reason in the list of what did not complete. Where the proxy lost them,"
    " record again; where clients give up, their verdicts are right all the same.",
    references=(method("visible"),),
    check=_check,
)
