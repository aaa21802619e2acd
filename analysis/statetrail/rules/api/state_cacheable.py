"""A response that issues state may be stored and handed to somebody else."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import issues
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences

_STORED: Final = r"(?:^|,)(?:public|s-maxage=[1-9]|max-age=[1-9])"
_KEPT_OUT: Final = r"(?:^|,)(?:private|no-store|no-cache)(?:,|$)"


@Rule(
    title="State on a cacheable response",
    severity="medium",
    confidence="high",
    observed="{count} of {of} responses to GET that issued {param} let shared caches store them",
    expected="a response that issues state is for one client: Cache-Control: private or no-store",
    remedy="Send Cache-Control: no-store with every response that issues a token or state, or "
    "issue state only on responses that are not cached. Otherwise a cache hands one client the "
    "state of another.",
    references=("RFC 9111 3", "RFC 9111 7.3", "ASVS 14.2.2", "ASVS 14.3.2", "CWE 525"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    reads = rec.exchanges.lazy.filter(nw.col("method").is_in(("GET", "HEAD"))).select(
        "exchange_id", "endpoint", control=nw.col("cache_control").fill_null("")
    )
    issued = issues(rec).lazy.join(reads, on="exchange_id")
    control = nw.col("control")
    cacheable = control.str.contains(_STORED) & ~control.str.contains(_KEPT_OUT)
    directives = nw.concat_str(["control", "endpoint"], separator=" at ")
    return occurrences(
        issued, cacheable, detail=directives, per_client=False, at="response_start_us"
    )
