"""A client sends a value of its own for a parameter that cannot be changed."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="Forced value defied",
    severity="high",
    confidence="high",
    observed="{count} of {of} requests presented a value of {param} that the server never issued, "
    "although its priority is forced",
    expected="the issued value of {param}: forced state cannot be changed from the API",
    remedy="Present the value that was issued. If another value is needed, change it where it is "
    "decided: in the customer's account or the shop's settings.",
    references=("52eSELLER priority forced", "CWE 472"),
    open="no root cause is known, and no answer refused the value or issued another; one that "
    "does, or the client's code, would settle it",
    verdicts=("defied",),
)
