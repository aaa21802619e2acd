"""An API issues state that does not parse, so that no client can obey it."""

from typing import Final

import narwhals as nw

from statetrail.recording.engines import is_among
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences

_ISSUE: Final = ("exchange_id", "dialect", "param")


@Rule(
    title="State issued in a form that does not parse",
    severity="medium",
    confidence="high",
    observed="{count} of {of} issues of {param} are malformed",
    expected="a well-formed value: {{value}};{{usage}}/{{priority}} once per header, or a session "
    "attribute that is neither empty nor 1",
    remedy="Send the header once, with a value of printable ASCII, a usage of header, uriquery or "
    "implicit, and a priority of informational or forced.",
    references=("52eSELLER format of X-Set headers", "ZEST Z3", "RFC 9110 5.3", "RFC 9110 5.5"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    names = [dialect.name for dialect in rec.dialects]
    exchanges = rec.exchanges_with_client().select(
        "exchange_id", "origin", "endpoint", "request_start_us"
    )
    issued = rec.issued.lazy.filter(is_among("dialect", names)).select(
        "exchange_id", "dialect", "param", "problem"
    )
    sound = issued.filter(nw.col("problem").is_null()).select(*_ISSUE, sound="exchange_id").unique()
    issued = (
        issued.join(sound, on=list(_ISSUE), how="left")
        # An exact copy of what is well formed says the same.
        .filter(((nw.col("problem") != "repeated") | nw.col("sound").is_null()).fill_null(True))
        .join(exchanges, on="exchange_id")
    )
    reason = nw.concat_str(["problem", "endpoint"], separator=" at ")
    return occurrences(issued, ~nw.col("problem").is_null(), detail=reason, per_client=False)
