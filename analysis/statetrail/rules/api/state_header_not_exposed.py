"""An API issues state headers that a browser client cannot read."""

import narwhals as nw

from statetrail.analyses.causes.delivery import cross_origin_issues
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import occurrences
from statetrail.rules.rule import Rule
from statetrail.rules.sources import eseller, fetch


def _check(rec: Recording) -> Lazy:
    issues = cross_origin_issues(rec).lazy
    return occurrences(issues, nw.col("hidden"), detail=nw.col("endpoint"), per_client=False)


RULE = Rule(
    id="state-header-not-exposed",
    title="State header hidden from browsers",
    severity="medium",
    # Not every client that sends Origin is a browser.
    confidence="medium",
    audience="api",
    observed="{count} of {of} cross-origin responses that issued {param} did not expose its header",
    expected="Access-Control-Expose-Headers lists the header, since a page of another origin can "
    "read only the headers listed there",
    remedy="List every X-Set header that the response carries in Access-Control-Expose-Headers. "
    "Until then browser clients cannot read it and are not to blame for ignoring it.",
    references=(
        fetch("CORS protocol, HTTP responses: Access-Control-Expose-Headers"),
        eseller("S1"),
    ),
    check=_check,
)
