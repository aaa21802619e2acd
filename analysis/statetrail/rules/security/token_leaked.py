"""A token, ticket or authentication of one origin is sent to another (Referer, query, path)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.value_counts import value_counts
from statetrail.analyses.exposure.leaks import leaks
from statetrail.analyses.tallies.seen import contacts
from statetrail.rules.rule import (
    Lazy,
    Recording,
    Rule,
    credentials,
    occurrences,
    of_totals,
    totals,
)

_HOLDER: Final = ("client", "issued_origin", "dialect", "param")


@Rule(
    title="Credential sent to another origin",
    severity="high",
    # Two addresses of one API may trust each other.
    confidence="medium",
    observed="{count} of {of} requests to other origins carried a {param} that was issued here",
    expected="a {param} goes only to the origins that issue or accept it",
    remedy="Keep credentials out of URLs that others see: set Referrer-Policy to origin, strip the "
    "query before analytics or advertising get the page's URL, and end the values that have "
    "leaked. If both origins are one API, this is expected; suppress it.",
    references=("CWE 200", "CWE 598", "RFC 9110 10.1.3", "RFC 9110 17.9"),
)
def check(rec: Recording) -> Lazy:
    place = nw.concat_str([nw.col("place"), nw.col("to")], separator=" to ")
    places = leaks(rec).lazy.rename({"origin": "to"})
    leaked = (
        places.group_by("exchange_id", "request_start_us", *_HOLDER, "to")
        .agg(nw.col("place").min())
        .with_columns(origin=nw.col("issued_origin"))
    )
    # Each request of a client to another origin could have leaked what the client was issued.
    issued = value_counts(rec).lazy.filter(credentials(rec) & (nw.col("issues") > 0))
    owners = issued.select("client", "dialect", "param", issued_origin="origin")
    holders = nw.concat([owners.select(*_HOLDER), places.select(*_HOLDER)], how="vertical")
    requests = contacts(rec).lazy.rename({"origin": "to"})
    elsewhere = (
        holders.unique()
        .join(requests, on="client")
        .filter(nw.col("to") != nw.col("issued_origin"))
        .with_columns(origin=nw.col("issued_origin"))
    )
    hits = occurrences(leaked, nw.lit(True), detail=place)
    return of_totals(hits, totals(elsewhere, "requests"))
