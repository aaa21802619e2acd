"""A response that issues state may be stored and handed to somebody else."""

import narwhals as nw

from statetrail.analyses.tallies.exchange_tallies import CACHEABLE, exchange_tallies
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import tallied


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
)
def check(rec: Recording) -> Lazy:
    tallies = exchange_tallies(rec).lazy.filter(nw.col("tally") == CACHEABLE)
    return tallied(tallies, detail=nw.col("detail"))
