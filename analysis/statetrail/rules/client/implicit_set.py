"""A client presents state that goes without saying."""

from typing import Final

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import judged
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller


def _check(rec: Recording) -> Lazy:
    return judged(rec, "implicit-set")


RULE: Final = Rule(
    id="implicit-set",
    title="Implicit state sent",
    severity="low",
    confidence="high",
    audience="client",
    observed="{count} of {of} requests presented {param}, whose usage is implicit",
    expected="nothing: {param} is part of the authentication header, is given for information and "
    "cannot be set",
    remedy="Do not send parameters whose usage is implicit. To act for another customer, log in "
    "as that customer.",
    references=(eseller("usage implicit"),),
    check=_check,
)
