"""A session was lost after the client had filled a cart in it, and the cart stayed lost (Z7)."""

import narwhals as nw

from statetrail.analyses.events.values import SERIES, issues, presentations
from statetrail.analyses.sessions.sessions import session_costs
from statetrail.rules.rule import (
    REQUEST,
    Lazy,
    Recording,
    Rule,
    matching,
    occurrences,
    of_totals,
    totals,
)


@Rule(
    title="Cart lost with its session",
    severity="medium",
    # That the client did not write again is known only up to the end of the capture.
    confidence="medium",
    observed="{count} of {of} lost sessions contained a cart that the client did not fill again",
    expected="after the loss of a session the client writes the cart again, or informs its user",
    remedy="Compare the token of each response with the one presented. Where it has changed, write "
    "the cart's items again from the client's own record before the checkout.",
    references=("ZEST Z6, Z7",),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    losses = session_costs(rec).lazy.filter(~nw.col("cart_writes_lost").is_null())
    # Who left is not to blame, and after a login the server may have the customer's own cart.
    unfilled = rec.keep(
        losses.filter((nw.col("cart_writes_lost") > 0) & nw.col("went_on")).rename(
            {"ended_at_us": "response_start_us"}
        )
    )
    # The latest of the lost writes is enough as evidence.
    carts = unfilled.join(
        _ends(rec, unfilled), on=[*SERIES, "response_start_us"], how="left"
    ).with_columns(nw.col("exchange_id").fill_null(-1))
    login = nw.when(nw.col("login_lost").fill_null(False)).then(nw.lit(", the login too"))
    loss = nw.concat_str([nw.lit(f"{REQUEST}: "), nw.col("end"), login.otherwise(nw.lit(""))])
    hits = occurrences(
        carts,
        nw.lit(True),
        detail=loss,
        related=nw.col("last_lost_write"),
        at="response_start_us",
    )
    counts = losses.group_by(*SERIES).agg(times=nw.len())
    return of_totals(hits, totals(counts, "times"))


def _ends(rec: Recording, losses: Lazy) -> Lazy:
    """The exchange whose response began when a session ended: `SERIES`, ``response_start_us``."""
    moment = (*SERIES, "response_start_us")
    wanted = losses.select(*moment).unique()
    values = [
        matching(frame.lazy, wanted, moment, first=moment[-1]).select(*moment, "exchange_id")
        for frame in (issues(rec), presentations(rec))
    ]
    return nw.concat(values, how="vertical").group_by(*moment).agg(nw.col("exchange_id").min())
