"""An API issues state headers that a browser client cannot read."""

import narwhals as nw

from statetrail.analyses.exposure.cross_origin import cross_origin_issues
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences


@Rule(
    title="State header hidden from browsers",
    severity="medium",
    # Not every client that sends Origin is a browser.
    confidence="medium",
    observed="{count} of {of} cross-origin responses that issued {param} did not expose its header",
    expected="Access-Control-Expose-Headers lists the header, since a page of another origin can "
    "read only the headers listed there",
    remedy="List every X-Set header that the response carries in Access-Control-Expose-Headers. "
    "Until then browser clients cannot read it and are not to blame for ignoring it.",
    references=(
        "Fetch CORS protocol, HTTP responses: Access-Control-Expose-Headers",
        "52eSELLER S1",
    ),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    issues = cross_origin_issues(rec).lazy
    return occurrences(issues, nw.col("hidden"), detail=nw.col("endpoint"), per_client=False)
