"""A client presents an issued value, but not as it was issued: otherwise written or cut short."""

from typing import Final

import narwhals as nw

from statetrail.analyses.causes.root_causes import NEAR_MISSES
from statetrail.analyses.conformance.verdicts import FAULTS, verdicts
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, with_causes
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller, rfc, zest


def _check(rec: Recording) -> Lazy:
    shown = verdicts(rec).lazy.filter(
        nw.col("verdict").is_in(("honoured", *FAULTS, "overridden", "foreign"))
        & ~nw.col("fingerprint").is_null()
    )
    mangled = ~nw.col("cause").is_null()
    return cases(
        with_causes(rec, shown, NEAR_MISSES),
        mangled,
        detail=nw.lit(REQUEST),
        cause=nw.col("cause"),
    )


RULE: Final = Rule(
    id="value-mangled",
    title="Value changed on its way back",
    severity="medium",
    # The writing and the beginning of the values are compared, not the values.
    confidence="medium",
    audience="client",
    observed="{count} of {of} requests that presented {param} sent an issued value in another "
    "writing, or cut short",
    expected="the very characters of {param} as issued, percent-encoded once in a query and not at "
    "all in a header",
    remedy="Keep the value as an opaque string: no trimming, no change of case, no quotes, no "
    "column that is too short for it. Encode it once, where the query is built.",
    references=(eseller("usage header, uriquery"), zest("Z4"), rfc(9110, "5.5")),
    check=_check,
)
