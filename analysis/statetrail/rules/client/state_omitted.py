"""A client leaves out state that the server asked it to send (S1, S2)."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="State left out of requests",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests did not present {param} although the server had issued it",
    expected="every request that allows it presents {param} as issued, even where the method does "
    "not need it",
    remedy="Store all state that responses set, and add it to every request in one place of the "
    "client, as a header or a query parameter as the issue says.",
    references=("52eSELLER S1, S2",),
    verdicts=("omitted",),
    # A session token that is left out has a rule of its own: it costs more.
    from_server=False,
)
