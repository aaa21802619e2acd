"""Several clients present the same token, ticket or authentication."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import presentations
from statetrail.analyses.exposure.shared import credentials, shared
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import cwe, zest

_VALUE: Final = ("client", "origin", "dialect", "param", "fingerprint")


def _check(rec: Recording) -> Lazy:
    among = shared(rec).lazy.select(*_VALUE, "how")
    shown = (
        presentations(rec)
        .join(credentials(rec), on=["dialect", "param"])
        .join(among, on=list(_VALUE), how="left")
        .with_columns(request_start_us=nw.col("asked_us"))
    )
    # Whom the server gave the value is not the one to ask: see token-handed-twice.
    own = nw.col("how").fill_null("handed") == "handed"
    return cases(shown, ~own, detail=nw.col("how"))


RULE: Final = Rule(
    id="token-shared",
    title="Credential used by several clients",
    severity="medium",
    # Clients are told apart by what the capture knows of them; one may change its address.
    confidence="medium",
    audience="security",
    observed="{count} of {of} requests presented a {param} that other clients present as well",
    expected="each client has a {param} of its own: taken means that the server gave the value to "
    "another client only, unseen that no issue of it was captured",
    remedy="Find out how the value got from one client to the other, and end it. If the clients "
    "are one program at several addresses, tell clients apart by user agent alone.",
    references=(cwe(488), cwe(384), zest("Z4")),
    check=_check,
)
