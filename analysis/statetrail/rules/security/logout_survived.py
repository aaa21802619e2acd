"""A session goes on after its client has logged out with it."""

import narwhals as nw

from statetrail.analyses.events.scope import actions
from statetrail.analyses.lifetimes.uses import uses
from statetrail.recording.engines import is_among
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences

_TOKEN = ("client", "origin", "dialect", "param", "fingerprint")
_AFTER_US = 1_000_000
"""How long after a logout's response a request counts as sent when it was over."""


@Rule(
    title="Session goes on after the logout",
    severity="high",
    # An endpoint may answer differently for reasons that the traffic does not show.
    confidence="medium",
    observed="{count} of {of} requests with a {param} after the logout with it were served where "
    "it is needed",
    expected="a logout ends the {param} on the server; deleting it in the client is not enough",
    remedy="End the session on the server when its client logs out. To settle it: log out, send a "
    "request with the old value to a page that needs a login, and look at what comes back.",
    references=("ASVS 7.4.1", "CWE 613"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    every = rec.exchanges.lazy.select("exchange_id", "endpoint", "status", ended="response_end_us")
    names = [dialect.name for dialect in rec.dialects if dialect.by_declaration]
    rows = uses(rec).lazy.filter(is_among("dialect", names)).join(every, on="exchange_id")
    status = nw.col("status").fill_null(0)
    logouts = actions(rec, "logout").with_columns(out=nw.lit(1, nw.Int64))
    rows = rows.join(logouts, on=["endpoint", "dialect"], how="left")
    done = rows.filter(
        ~nw.col("out").is_null() & (status >= 200) & (status < 400) & ~nw.col("ended").is_null()
    )
    over = done.group_by(*_TOKEN).agg(over_us=nw.col("ended").min())
    after = rows.filter(nw.col("out").is_null()).join(over, on=list(_TOKEN))
    after = after.filter(nw.col("request_start_us") > nw.col("over_us") + _AFTER_US)
    return occurrences(after, nw.col("outcome") == "survived", per_client=False)
