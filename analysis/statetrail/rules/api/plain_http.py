"""State or a token goes over the network without encryption."""

from functools import reduce
from operator import or_

import narwhals as nw

from statetrail.analyses.tallies.exchange_tallies import (
    OWN_MACHINE,
    PLAIN_HTTP,
    exchange_tallies,
)
from statetrail.rules.rule import OCCURRENCE, Lazy, Recording, Rule, value_totals
from statetrail.rules.tallied import tallied


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
    tallies = exchange_tallies(rec).lazy.filter(nw.col("tally") == PLAIN_HTTP)
    origin = nw.col("origin").str
    # What is good for a site or for every origin is counted where it went.
    plain = origin.starts_with("http://") & ~reduce(or_, map(origin.starts_with, OWN_MACHINE))
    others = value_totals(rec, "transfers", ~plain, per_client=False)
    return nw.concat([tallied(tallies), others.select(*OCCURRENCE.names)], how="vertical")
