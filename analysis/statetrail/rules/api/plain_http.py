"""State or a token goes over the network without encryption."""

from typing import Final

import narwhals as nw

from statetrail.recording.engines import is_among
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_totals, value_totals

_OWN_MACHINE: Final = r"^http://(?:localhost|127\.|\[::1\])"


@Rule(
    title="State over plain HTTP",
    severity="high",
    # A proxy in front may add TLS where the capture does not see it.
    confidence="medium",
    observed="{count} of {of} exchanges carried {param} over http",
    expected="https everywhere: over http anyone on the network path can read {param} and change "
    "it",
    remedy="Serve the API over https only, answer http without any secret, and send "
    "Strict-Transport-Security. If a proxy adds TLS in front of what was recorded, this is "
    "expected; suppress it.",
    references=("ASVS 12.2.1", "CWE 319", "RFC 9110 4.2.2"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    names = [dialect.name for dialect in rec.dialects]
    origin = nw.col("origin")
    # What stays on one machine cannot be read on the way. The scheme comes first: few are plain.
    plain = (
        rec.exchanges_with_client()
        .filter((nw.col("scheme") == "http") & ~origin.str.contains(_OWN_MACHINE))
        .select("exchange_id", "origin", "request_start_us")
    )
    values = [
        facts.lazy.filter(is_among("dialect", names)).select("exchange_id", "param")
        for facts in (rec.issued, rec.presented)
    ]
    # An exchange that issues what it was presented counts once.
    transfers = nw.concat([each.join(plain, on="exchange_id") for each in values], how="vertical")
    hits = occurrences(transfers.unique(), nw.lit(True), per_client=False)
    return of_totals(hits, value_totals(rec, "transfers", per_client=False))
