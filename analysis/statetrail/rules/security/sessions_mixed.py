"""A request presents the keys of two sessions (rule L12 of the verdicts)."""

import narwhals as nw

from statetrail.analyses.conformance.mixed_sessions import mixed_sessions
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_params, of_totals, totals


@Rule(
    title="Two sessions in one request",
    severity="high",
    # Both may be one user's, who logged in twice.
    confidence="medium",
    observed="{count} of {of} requests presented a {param} that belongs to another session than "
    "the rest of the request, where both are in use, or that session had been given its own",
    expected="all session keys of a request belong to one session; otherwise one user may see, "
    "or act on, the state of another",
    remedy="Keep the state of each user apart in the client: one store per session, chosen when "
    "the request is built. On the server, refuse requests whose keys do not belong together.",
    references=("CWE 488", "ASVS 7.2.3", "52eSELLER S1"),
    open="no such request was answered with state; an answer with the state of either session "
    "would settle it",
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    secret = of_params(rec, lambda param: param.minted)
    mixed = mixed_sessions(rec).lazy
    hits = occurrences(mixed, nw.lit(True), proven=nw.col("answered"))
    counts = verdict_counts(rec).lazy.filter(secret & nw.col("presented"))
    return of_totals(hits, totals(counts, "times"))
