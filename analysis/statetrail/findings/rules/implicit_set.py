"""A client presents state that goes without saying."""

from typing import Final

from statetrail.engines import Lazy
from statetrail.findings.cases import judged
from statetrail.findings.rule import Rule
from statetrail.findings.sources import eseller
from statetrail.frames import Recording


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
