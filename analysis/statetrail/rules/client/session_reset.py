"""A session's token was answered with another one: the session was over (Z6)."""

import narwhals as nw

from statetrail.analyses.events.values import SEEN, presentations
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences, of_params


@Rule(
    title="Session reset by the server",
    severity="info",
    confidence="high",
    observed="{count} of {of} requests that presented a {param} were answered with another one: "
    "the session was over, and with it cart, login and customer prices",
    expected="a session is used again before it times out, and after a reset the client goes on "
    "with the new token",
    remedy="Keep sessions in use that are still needed, and treat a changed token as the loss of "
    "the session's state: log in and fill the cart again. The expiry section shows how long "
    "sessions live here.",
    references=("ZEST Z6, Z7",),
)
def check(rec: Recording) -> Lazy:
    resets = (
        rotations(rec)
        .lazy.filter(nw.col("cause").is_in(LOSSES))
        .select("exchange_id", "dialect", "param", fingerprint="from_fingerprint")
        .with_columns(reset=nw.col("fingerprint"))
    )
    presented = (
        presentations(rec)
        .lazy.filter(of_params(rec, lambda param: param.minted))
        .join(resets, on=list(SEEN), how="left")
    )
    return occurrences(presented, ~nw.col("reset").is_null())
