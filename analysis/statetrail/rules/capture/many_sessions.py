"""A client holds several sessions at once: it may be many users."""

import narwhals as nw

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences
from statetrail.schema.clients import DECLARED


@Rule(
    title="Client with several sessions at once",
    severity="info",
    confidence="high",
    observed="{count} of {of} clients held several sessions at the same time",
    expected="clients that are one user each; a client with several sessions is judged session by "
    "session, and what it sends without a session key is not judged",
    remedy="Let a backend name its users in a header, record with --client-header and audit with "
    "--client-by header; or let clients log in to the proxy and audit with --client-by proxy-user. "
    "Then each user is a client.",
    references=("method visibility",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    sender = ["client", "origin", "dialect"]
    first = verdict_counts(rec).lazy.group_by(*sender).agg(exchange_id=nw.col("exchange_id").min())
    held = (
        clients(rec)
        .lazy.join(first, on=sender, how="left")
        .with_columns(nw.col("exchange_id").fill_null(-1), param=nw.lit(""))
    )
    declared = any(name in DECLARED for name in rec.client_by)
    several = (nw.col("sessions_at_once") > 1) & nw.lit(not declared)
    at_once, held_in_all = (
        nw.col(name).cast(nw.String) for name in ("sessions_at_once", "sessions")
    )
    detail = nw.concat_str(
        [nw.col("client"), nw.lit(": "), at_once, nw.lit(" at once of "), held_in_all]
    )
    return occurrences(held, several, detail=detail, at="first_us", per_client=False)
