"""A client never presents a parameter: nobody has built it (S1, S2; Z4)."""

from typing import Final

import narwhals as nw

from statetrail.analyses.causes.client_patterns import MIN_CHANCES
from statetrail.analyses.causes.root_causes import causes
from statetrail.analyses.events.values import SERIES, presentations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import CASE, REQUEST, cases, innocent
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller, zest


def _check(rec: Recording) -> Lazy:
    omitted = causes(rec).filter(nw.col("verdict") == "omitted")
    # Who sends anything has built something: other rules say what is wrong with it.
    suspects = rec.keep(
        causes(rec).filter(nw.col("cause") == "not-implemented").select(*SERIES).unique()
    )
    read = innocent(rec, "omitted")
    shown = [
        frame.select(*SERIES).join(suspects, on=list(SERIES)).unique()
        for frame in (read, presentations(rec))
    ]
    senders = nw.concat(shown, how="vertical").unique().with_columns(sends=nw.lit(1, nw.Int64))
    told = omitted.join(senders, on=list(SERIES), how="left")
    never = (nw.col("cause") == "not-implemented") & nw.col("sends").is_null()
    hits = cases(told, never, detail=nw.lit(REQUEST))
    return nw.concat([hits, read.select(*CASE)], how="vertical")


RULE: Final = Rule(
    id="state-not-implemented",
    title="Parameter not implemented by the client",
    severity="medium",
    confidence="high",
    audience="client",
    observed=f"{{count}} of {{of}} requests did not present {{param}}, and the client never does, "
    f"in at least {MIN_CHANCES} chances",
    expected="a client that reads {param} from responses and presents it",
    remedy="Build it once for all parameters: keep whatever responses set, and add it to every "
    "request in the channel that the issue names.",
    references=(eseller("S1", "S2"), zest("Z4")),
    check=_check,
)
