"""An API issues a parameter alternately with one usage or priority and with another."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES, issues
from statetrail.rules.rule import Lazy, Recording, Rule, flag, occurrences, previous, with_totals

_ORDER: Final = ["response_start_us", "exchange_id", "fingerprint"]
_MIN_CHANGES: Final = 2
"""One change may be intended, as at a login; one that is taken back is not."""


@Rule(
    title="Contradictory state headers",
    severity="medium",
    confidence="high",
    observed="{count} of {of} issues of {param} had another usage or priority than the issue "
    "before, more than once",
    expected="one usage and one priority for {param} on all endpoints",
    remedy="Let all endpoints and servers issue the parameter in the same way. A client that "
    "follows each response sends it alternately in one place and in another.",
    references=("52eSELLER usage header, uriquery", "52eSELLER priority informational, forced"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    issued = issues(rec).lazy.with_columns(
        manner=nw.concat_str(["usage", "priority"], separator="/")
    )
    # Most servers never change the manner: their issues need not be put in order.
    mixed = rec.keep(
        issued.group_by(*SERIES)
        .agg(least=nw.col("manner").min(), most=nw.col("manner").max())
        .filter(nw.col("least") != nw.col("most"))
        .select(*SERIES)
    )
    changes = (
        issued.join(mixed, on=list(SERIES))
        .with_columns(before=previous("manner", SERIES, order_by=_ORDER))
        .with_columns(changed=flag(nw.col("before") != nw.col("manner")))
    )
    changes = with_totals(changes, SERIES, of_series=nw.col("changed").sum())
    repeated = (nw.col("changed") == 1) & (nw.col("of_series") >= _MIN_CHANGES)
    steady = issued.join(mixed, on=list(SERIES), how="anti")
    parts = [
        occurrences(changes, repeated, per_client=False, at="response_start_us"),
        occurrences(steady, nw.lit(False), detail="", per_client=False, at="response_start_us"),
    ]
    return nw.concat(parts, how="vertical")
