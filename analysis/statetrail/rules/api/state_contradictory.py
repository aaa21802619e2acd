"""An API issues a parameter now with one usage or priority, now with another."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES, issues
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller

_ORDER: Final = ["begun_us", "exchange_id", "fingerprint"]
_MIN_TURNS: Final = 2
"""One change may be meant, as at a login; one that is taken back is not."""


def _check(rec: Recording) -> Lazy:
    said = issues(rec).with_columns(
        observed_us=nw.col("begun_us"), said=nw.concat_str(["usage", "priority"], separator="/")
    )
    # Most servers always say the same: what they say need not be put in order.
    mixed = rec.keep(
        said.group_by(*SERIES)
        .agg(least=nw.col("said").min(), most=nw.col("said").max())
        .filter(nw.col("least") != nw.col("most"))
        .select(*SERIES)
    )
    turned = (
        said.join(mixed, on=list(SERIES))
        .with_columns(before=nw.col("said").shift(1).over(*SERIES, order_by=_ORDER))
        .with_columns(
            turn=nw.when(nw.col("before") != nw.col("said"))
            .then(nw.lit(1, nw.Int64))
            .otherwise(nw.lit(0, nw.Int64))
        )
    )
    turns = turned.group_by(*SERIES).agg(turns=nw.col("turn").sum())
    told = turned.join(turns, on=list(SERIES))
    again = (nw.col("turn") == 1) & (nw.col("turns") >= _MIN_TURNS)
    rest = said.join(mixed, on=list(SERIES), how="anti")
    found = [
        cases(told, again, detail=nw.lit(REQUEST), per_client=False, at="observed_us"),
        cases(rest, nw.lit(False), per_client=False, at="observed_us"),
    ]
    return nw.concat(found, how="vertical")


RULE: Final = Rule(
    id="state-contradictory",
    title="Contradictory state headers",
    severity="medium",
    confidence="high",
    audience="api",
    observed="{count} of {of} issues of {param} had another usage or priority than the one before,"
    " to and fro",
    expected="one usage and one priority for {param}, whichever endpoint answers",
    remedy="Let all endpoints and servers issue the parameter in the same way. A client that "
    "follows each response sends it now here, now there, and is wrong every other time.",
    references=(
        eseller("usage header, uriquery"),
        eseller("priority informational, forced"),
    ),
    check=_check,
)
