"""A client presents an issued value in another form than it was issued: re-encoded or cut short."""

from typing import Final

import narwhals as nw

from statetrail.analyses.causes.root_causes import NEAR_MISSES, causes
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_totals, totals

_WITH_VALUE: Final = ("honoured", "overridden", "foreign")


@Rule(
    title="Value altered by the client",
    severity="medium",
    # The writing and the beginning of the values are compared, not the values.
    confidence="medium",
    observed="{count} of {of} requests that presented {param} sent an issued value in another "
    "encoding, in different letter case, or cut short",
    expected="exactly the characters of {param} as issued, percent-encoded once in a query and not "
    "at all in a header",
    remedy="Keep the value as an opaque string: no trimming, no change of letter case, no quotes, "
    "no column that is too short for it. Encode it once, where the query is built.",
    references=("52eSELLER usage header, uriquery", "ZEST Z4", "RFC 9110 5.5"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    # A near miss is a value, of a fault or of a verdict that says only that it is not known.
    near_misses = causes(rec).lazy.filter(nw.col("cause").is_in(NEAR_MISSES))
    hits = occurrences(near_misses, nw.lit(True), cause=nw.col("cause"))
    shown = nw.col("fault") | nw.col("verdict").is_in(_WITH_VALUE)
    counts = verdict_counts(rec).lazy.filter(shown & nw.col("presented"))
    return of_totals(hits, totals(counts, "times"))
