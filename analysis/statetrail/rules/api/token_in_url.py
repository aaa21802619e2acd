"""A token, ticket or authentication travels in the query of the address."""

import narwhals as nw

from statetrail.analyses.tallies.exchange_tallies import IN_QUERY, exchange_tallies
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import tallied


@Rule(
    title="Token in the URL",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests that presented {param} had it in the query of the URL",
    expected="{param} travels in a header: URLs end up in the logs of servers and proxies, in "
    "histories and in Referer headers",
    remedy="Let clients send it in a header. Where the protocol allows no other place, as with "
    "ZEST, keep queries out of all logs, set Referrer-Policy: no-referrer on pages, and keep "
    "sessions short.",
    references=(
        "ASVS 14.2.1",
        "ASVS 16.2.5",
        "CWE 598",
        "RFC 9110 17.9",
        "RFC 9700 4.3.2",
        "ZEST Z4",
    ),
)
def check(rec: Recording) -> Lazy:
    tallies = exchange_tallies(rec).lazy.filter(nw.col("tally") == IN_QUERY)
    return tallied(tallies)
