"""State or a token goes over the network without encryption."""

from typing import Final

import narwhals as nw

from statetrail.recording.engines import is_among
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences

_PLAIN: Final = "^http://"
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
)
def check(rec: Recording) -> Lazy:
    names = [dialect.name for dialect in rec.dialects]
    exchanges = rec.exchanges_with_client().select("exchange_id", "origin", "request_start_us")
    values = [
        facts.lazy.filter(is_among("dialect", names)).select("exchange_id", "param")
        for facts in (rec.issued, rec.presented)
    ]
    # An exchange that issues what it was presented counts once; `unique` comes last, so that an
    # engine can leave out what is encrypted before.
    transfers = nw.concat(values, how="vertical").join(exchanges, on="exchange_id").unique()
    # What stays on one machine cannot be read on the way.
    origin = nw.col("origin")
    plain = origin.str.contains(_PLAIN) & ~origin.str.contains(_OWN_MACHINE)
    return occurrences(transfers, plain, per_client=False)
