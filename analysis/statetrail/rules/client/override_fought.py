"""A server re-issues its own value again and again although the client may choose another."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.exposure.overrides import basket_attempt, outcomes
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller

_MIN_FOUGHT: Final = 2


def _check(rec: Recording) -> Lazy:
    # On a basket the server is right: context does not change its state.
    made = outcomes(rec).filter(~basket_attempt())
    fights = (
        made.filter(nw.col("outcome") == "fought")
        .group_by(*SERIES)
        .agg(fights=nw.col("exchange_id").count())
    )
    told = made.join(fights, on=list(SERIES), how="left")
    again = (nw.col("outcome") == "fought") & (nw.col("fights").fill_null(0) >= _MIN_FOUGHT)
    return cases(told, again, detail=nw.lit(REQUEST))


RULE: Final = Rule(
    id="override-fought",
    title="Override answered with the server's own value",
    severity="low",
    # The server may have used the client's value and still have issued its own as a default.
    confidence="medium",
    audience="api",
    observed="{count} of {of} overrides of {param} were answered by issuing another value again",
    expected="an informational {param} can be overridden: the server adopts the client's value, or "
    "issues its own with priority forced",
    remedy="Decide whether clients may choose. If so, issue the value that they present; if not, "
    "issue it as forced, so that clients do not try in vain.",
    references=(eseller("priority informational"), eseller("S6")),
    check=_check,
)
