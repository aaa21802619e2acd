"""An API issues state that does not parse, so that no client can obey it."""

import narwhals as nw

from statetrail.analyses.tallies.exchange_tallies import MALFORMED, exchange_tallies
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import tallied


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
)
def check(rec: Recording) -> Lazy:
    tallies = exchange_tallies(rec).lazy.filter(nw.col("tally") == MALFORMED)
    return tallied(tallies, detail=nw.col("detail"))
