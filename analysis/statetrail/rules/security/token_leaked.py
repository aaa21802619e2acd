"""A token, ticket or authentication of one origin is sent to another (Referer, query, path)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.leaks import leaks
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences

_HOLDER: Final = ("client", "issued_origin", "dialect", "param")


@Rule(
    title="Credential sent to another origin",
    severity="high",
    # Two addresses of one API may trust each other.
    confidence="medium",
    observed="{count} of {of} requests to other origins carried a {param} that was issued here",
    expected="a {param} goes only to the origin that issued it",
    remedy="Keep credentials out of URLs that others see: set Referrer-Policy to origin, strip the "
    "query before analytics or advertising get the page's URL, and end the values that have "
    "leaked. If both origins are one API, this is expected; suppress it.",
    references=("CWE 200", "CWE 598", "RFC 9110 10.1.3", "RFC 9110 17.9"),
)
def check(rec: Recording) -> Lazy:
    leaked = rec.keep(leaks(rec).lazy.select("exchange_id", *_HOLDER, "place"))
    # Others could have leaked, too; counted are the requests of those that did.
    holders = leaked.select(*_HOLDER).unique()
    exchanges = rec.exchanges_with_client().select(
        "client", "exchange_id", "request_start_us", to="origin"
    )
    places = leaked.group_by("exchange_id", *_HOLDER).agg(nw.col("place").min())
    requests = (
        holders.join(exchanges, on="client")
        .filter(nw.col("to") != nw.col("issued_origin"))
        .join(places, on=["exchange_id", *_HOLDER], how="left")
        .with_columns(origin=nw.col("issued_origin"))
    )
    place = nw.concat_str([nw.col("place").fill_null(""), nw.col("to")], separator=" to ")
    return occurrences(requests, ~nw.col("place").is_null(), detail=place)
