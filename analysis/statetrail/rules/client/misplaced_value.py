"""A client presents the right value in the wrong place."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="State sent in the wrong place",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests presented the right value of {param} in another place than "
    "the issue names",
    expected="a header where the usage is header, a query parameter where it is uriquery",
    remedy="Read the usage after the semicolon of the X-Set header, and do not choose the place by "
    "the parameter's name. A credential in a query ends up in logs and referrers.",
    references=("52eSELLER usage header, uriquery", "RFC 9110 17.9", "CWE 598"),
    verdicts=("misplaced",),
)
