"""A server, or a cache in front of it, gave one token to several clients."""

import narwhals as nw

from statetrail.analyses.exposure.shared import shared
from statetrail.rules.rule import Lazy, Recording, Rule, flag, occurrences, with_totals


@Rule(
    title="One token issued to several clients",
    severity="high",
    # Clients are told apart by what the capture knows of them; one may change its address.
    confidence="medium",
    observed="{count} of {of} clients that share a {param} with others received it from the server",
    expected="each client gets a {param} of its own",
    remedy="Find out whether a cache stores the responses that issue it (see state-cacheable), or "
    "whether the generator repeats itself. If the clients are one program at several addresses, "
    "distinguish clients by user agent only.",
    references=("CWE 488", "ASVS 7.2.3", "ZEST Z3"),
)
def check(rec: Recording) -> Lazy:
    holders = shared(rec).lazy.with_columns(
        exchange_id=nw.col("first_id"), handed=flag(nw.col("how") == "handed")
    )
    value = ("origin", "dialect", "param", "fingerprint")
    holders = with_totals(holders, value, times_handed=nw.col("handed").sum())
    twice = (nw.col("handed") == 1) & (nw.col("times_handed") > 1)
    return occurrences(holders, twice, per_client=False, at="first_us")
