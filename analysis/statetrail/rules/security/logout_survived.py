"""A session goes on after its client has logged out with it."""

import narwhals as nw

from statetrail.analyses.lifetimes.summaries import use_tallies
from statetrail.analyses.tallies.use_tallies import AFTER_LOGOUT
from statetrail.rules.rule import Lazy, Recording, Rule
from statetrail.rules.tallied import tallied


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
)
def check(rec: Recording) -> Lazy:
    return tallied(use_tallies(rec).lazy.filter(nw.col("tally") == AFTER_LOGOUT))
