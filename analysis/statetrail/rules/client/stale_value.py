"""A client goes on with a value that the server has replaced (Z6; S6)."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="Old value kept after a newer one arrived",
    severity="high",
    confidence="high",
    observed="{count} of {of} requests presented an old value of {param} although a newer one had "
    "arrived before",
    expected="the newest value of {param} that the server issued",
    remedy="Store the value of every response that carries one, not only the one from start-up or "
    "login, in one place that all requests read from.",
    references=("ZEST Z4, Z6", "52eSELLER S1, S6"),
    verdicts=("stale",),
)
