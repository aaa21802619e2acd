"""A token, ticket or authentication travels in the query of the address."""

import narwhals as nw

from statetrail.rules.rule import Lazy, Recording, Rule, credentials, occurrences


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
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    exchanges = rec.exchanges_with_client().select("exchange_id", "origin", "request_start_us")
    presented = rec.presented.lazy.filter((nw.col("kind") == "value") & credentials(rec)).join(
        exchanges, on="exchange_id"
    )
    return occurrences(presented, nw.col("channel") == "uriquery", per_client=False)
