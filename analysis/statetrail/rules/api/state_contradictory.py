"""An API issues a parameter alternately with one usage or priority and with another."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.manners import manner_changes
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    occurrences,
    of_totals,
    value_totals,
)

_MIN_CHANGES: Final = 2
"""One change may be intended, as at a login; one that is taken back is not."""


@Rule(
    title="Contradictory state headers",
    severity="medium",
    confidence="high",
    observed="{count} of {of} issues of {param} had another usage or priority than the issue "
    "before, more than once",
    expected="one usage and one priority for {param} on all endpoints",
    remedy="Let all endpoints and servers issue the parameter in the same way. A client that "
    "follows each response sends it alternately in one place and in another.",
    references=("52eSELLER usage header, uriquery", "52eSELLER priority informational, forced"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    repeated = manner_changes(rec).lazy.filter(nw.col("of_series") >= _MIN_CHANGES)
    hits = occurrences(repeated, nw.lit(True), per_client=False, at="response_start_us")
    return of_totals(hits, value_totals(rec, "issues", per_client=False))
