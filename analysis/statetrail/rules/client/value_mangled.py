"""A client presents an issued value in another form than it was issued: re-encoded or cut short."""

from typing import Final

import narwhals as nw

from statetrail.analyses.causes.root_causes import NEAR_MISSES, causes
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.rules.rule import Lazy, Recording, Rule, matching, occurrences, of_totals, totals

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
    key = ["exchange_id", "dialect", "param"]
    near_misses = causes(rec).lazy.filter(nw.col("cause").is_in(NEAR_MISSES)).select(*key, "cause")
    # What counts, and those verdicts of which a near miss may be.
    shown = nw.col("fault") | nw.col("verdict").is_in(_WITH_VALUE)
    presented = verdicts(rec).lazy.filter(shown & ~nw.col("fingerprint").is_null())
    mangled = matching(presented, rec.keep(near_misses), key, first="exchange_id")
    hits = occurrences(mangled, nw.lit(True), cause=nw.col("cause"))
    counts = verdict_counts(rec).lazy.filter(shown & nw.col("presented"))
    return of_totals(hits, totals(counts, "times"))
