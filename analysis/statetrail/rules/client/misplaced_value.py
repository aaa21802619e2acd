"""A client presents the right value in the wrong place."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="State sent in the wrong place",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests presented the right value of {param} in another place than "
    "the issue names",
    expected="the place that the issue names, or the one that the protocol has for the parameter",
    remedy="Send each value where its issue says (the usage of an X-Set header: header or "
    "uriquery), or else where the protocol has it: a cookie within its Domain and Path, a token in "
    "its header or form field. A credential in a query ends up in logs and referrers.",
    references=("52eSELLER usage header, uriquery", "RFC 9110 17.9", "CWE 598"),
    verdicts=("misplaced",),
)
