"""Several clients present the same token, ticket or authentication."""

import narwhals as nw

from statetrail.analyses.events.values import SERIES, presentations
from statetrail.analyses.exposure.shared import shared
from statetrail.rules.rule import (
    OCCURRENCE,
    Lazy,
    Recording,
    Rule,
    has_rows,
    known_credentials,
    matching,
    occurrences,
    of_totals,
    value_totals,
)


@Rule(
    title="Credential used by several clients",
    severity="medium",
    # Clients are told apart by what the capture knows of them; one may change its address.
    confidence="medium",
    observed="{count} of {of} requests presented a {param} that other clients present as well",
    expected="each client has a {param} of its own; `taken` means that the server issued the value "
    "to another client only, `unseen` that no issue of it was captured",
    remedy="Find out how the value got from one client to the other, and end it. If the clients "
    "are one program at several addresses, distinguish clients by user agent only.",
    references=("CWE 488", "CWE 384", "ZEST Z4"),
)
def check(rec: Recording) -> Lazy:
    value = [*SERIES, "fingerprint"]
    # A client that the server gave the value is not to blame: see token-handed-twice. Nor is one
    # that moved to another address.
    taken = shared(rec).lazy.filter(nw.col("how").is_in(("taken", "unseen")))
    taken = rec.keep(taken.select(*value, "how"))
    every = value_totals(rec, "presentations", known_credentials(rec))
    if not has_rows(taken):
        return every.select(*OCCURRENCE.names)
    presented = matching(presentations(rec).lazy, taken, value, first="fingerprint")
    return of_totals(occurrences(presented, nw.lit(True), detail=nw.col("how")), every)
