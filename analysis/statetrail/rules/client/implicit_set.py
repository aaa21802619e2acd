"""A client presents state that goes without saying."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="Implicit state sent",
    severity="low",
    confidence="high",
    observed="{count} of {of} requests presented {param}, whose usage is implicit",
    expected="no value: {param} is part of the authentication header, is issued for information "
    "and cannot be set",
    remedy="Do not send parameters whose usage is implicit. To act for another customer, log in "
    "as that customer.",
    references=("52eSELLER usage implicit",),
    verdicts=("implicit-set",),
)
