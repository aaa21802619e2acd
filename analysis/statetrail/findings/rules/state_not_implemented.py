"""A client has never obeyed a parameter: nobody has built it (S1, S2; Z4)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.habits import MIN_CHANCES
from statetrail.analyses.verdicts import FAULTS, verdicts
from statetrail.findings.cases import cases, with_causes
from statetrail.findings.rule import Rule
from statetrail.findings.sources import eseller, zest
from statetrail.frames import Lazy, Recording


def _check(rec: Recording) -> Lazy:
    counted = verdicts(rec).lazy.filter(nw.col("verdict").is_in(("honoured", *FAULTS)))
    never = nw.col("cause").fill_null("") == "not-implemented"
    return cases(with_causes(rec, counted), never, detail=nw.col("request"))


RULE: Final = Rule(
    id="state-not-implemented",
    title="Parameter not implemented by the client",
    severity="medium",
    confidence="high",
    audience="client",
    observed=f"{{count}} of {{of}} requests did not obey {{param}}, and none ever did, in at least "
    f"{MIN_CHANCES} chances",
    expected="a client that reads {param} from responses and presents it",
    remedy="Build it once for all parameters: keep whatever responses set, and add it to every "
    "request in the channel that the issue names.",
    references=(eseller("S1", "S2"), zest("Z4")),
    check=_check,
)
