"""A client goes on with a value that the server has replaced, or that has ended (S6)."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="Old value kept",
    severity="high",
    confidence="high",
    observed="{count} of {of} requests presented an old value of {param}: a newer one had arrived "
    "before, or it had ended otherwise",
    expected="the newest value of {param} that the server issued, until that has ended",
    remedy="Store the value of every response that carries one, not only the one from start-up or "
    "login, in one place that all requests read from.",
    references=("52eSELLER S1, S6",),
    open="no root cause is known, and no answer refused the value or issued another; one that "
    "does, or the client's code, would settle it",
    verdicts=("stale",),
    # A token that is kept has a rule of its own: it costs more.
    from_server=False,
)
