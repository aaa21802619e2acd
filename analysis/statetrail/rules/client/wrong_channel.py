"""A client presents the right value in the wrong place."""

from typing import Final

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import judged
from statetrail.rules.rule import Rule
from statetrail.rules.sources import cwe, eseller, rfc


def _check(rec: Recording) -> Lazy:
    return judged(rec, "misplaced")


RULE: Final = Rule(
    id="wrong-channel",
    title="State sent in the wrong channel",
    severity="medium",
    confidence="high",
    audience="client",
    observed="{count} of {of} requests presented the right value of {param} in another channel "
    "than the issue names",
    expected="a header where the usage is header, a query parameter where it is uriquery",
    remedy="Read the usage behind the semicolon of the X-Set header, and do not decide the channel "
    "by the parameter's name. A credential in a query ends up in logs and referrers.",
    references=(eseller("usage header, uriquery"), rfc(9110, "17.9"), cwe(598)),
    check=_check,
)
