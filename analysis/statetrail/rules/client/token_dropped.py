"""A client with a running session sends requests without its token (Z4, Z8)."""

from statetrail.rules.rule import Rule

RULE = Rule(
    module=__name__,
    title="Session token dropped",
    severity="medium",
    confidence="high",
    observed="{count} of {of} requests were sent without {param} although the client had one",
    expected="every request of the session presents {param}; without it the server refuses the "
    "request, or treats it as nobody's: without cart, login or customer prices",
    remedy="Add the token to every request from the moment it was issued, including those of "
    "background jobs, images and retries.",
    references=("ZEST Z4, Z8", "52eSELLER S1, S2"),
    verdicts=("omitted",),
    from_server=True,
)
