"""A request presents the keys of two sessions (rule L12 of the verdicts)."""

import narwhals as nw

from statetrail.analyses.conformance.verdict import SESSIONS_MIXED
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES, issues
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_params


@Rule(
    title="Two sessions in one request",
    severity="high",
    # Both may be one user's: that the other one is in use on its own speaks against it.
    confidence="medium",
    observed="{count} of {of} requests presented a {param} that belongs to another session than "
    "the rest of the request, and that is in use on its own as well",
    expected="all session keys of a request belong to one session; otherwise one user may see, "
    "or act on, the state of another",
    remedy="Keep the state of each user apart in the client: one store per session, chosen when "
    "the request is built. On the server, refuse requests whose keys do not belong together.",
    references=("CWE 488", "ASVS 7.2.3", "52eSELLER S1"),
    open="no such request was answered with state; an answer with the state of either session "
    "would settle it",
)
def check(rec: Recording) -> Lazy:
    secret = of_params(rec, lambda param: param.minted)
    value = [*SERIES, "fingerprint"]
    keys = rec.keep(
        verdicts(rec)
        .lazy.filter(secret & ~nw.col("fingerprint").is_null())
        .select("exchange_id", *value, "session", "reason", "request_start_us")
    )
    mixed = nw.col("reason").fill_null("") == SESSIONS_MIXED
    first = (
        keys.filter(~nw.col("session").is_null())
        .group_by("client", "origin", "dialect", "session")
        .agg(began_us=nw.col("request_start_us").min())
    )
    # What a session is known by before a login goes on with it, but not on its own.
    alone = keys.filter(~mixed).group_by(*value).agg(alone_us=nw.col("request_start_us").max())
    answered = (
        issues(rec)
        .lazy.join(rec.exchanges.lazy.select("exchange_id", "status"), on="exchange_id")
        .filter((nw.col("status") >= 200) & (nw.col("status") < 300))
        .select("exchange_id", "dialect", answered=nw.col("exchange_id") * 0 + 1)
        .unique()
    )
    presented = (
        keys.with_columns(mixed=mixed)
        .join(first, on=["client", "origin", "dialect", "session"], how="left")
        .join(alone, on=value, how="left")
        .join(answered, on=["exchange_id", "dialect"], how="left")
    )
    both = nw.col("mixed") & (nw.col("alone_us") > nw.col("began_us"))
    return occurrences(presented, both, proven=nw.col("answered") == 1)
