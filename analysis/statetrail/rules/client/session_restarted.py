"""A client asks for a new session although it has one (Z2, Z4)."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="New session requested repeatedly",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests asked for a new {param} although the client had one",
    expected="a session is requested once; from then on its token is presented",
    remedy="Ask for a session only where no token is stored, and share the token between the parts "
    "of the client. Each restart loses cart and login, and costs the server a session.",
    references=("ZEST Z2, Z4, Z7",),
    verdicts=("restarted",),
    params=lambda param: param.establish is not None,
)
