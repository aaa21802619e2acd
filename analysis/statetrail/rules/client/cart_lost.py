"""A session was lost after the client had filled a cart in it, and the cart stayed lost (Z7)."""

import narwhals as nw

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.sessions.sessions import session_costs
from statetrail.rules.rule import (
    REQUEST,
    Lazy,
    Recording,
    Rule,
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
    # The latest of the lost writes is enough as evidence.
    unfilled = losses.filter((nw.col("cart_writes_lost") > 0) & nw.col("went_on")).with_columns(
        exchange_id=nw.col("ended_by").fill_null(-1)
    )
    login = nw.when(nw.col("login_lost").fill_null(False)).then(nw.lit(", the login too"))
    loss = nw.concat_str([nw.lit(f"{REQUEST}: "), nw.col("end"), login.otherwise(nw.lit(""))])
    hits = occurrences(
        unfilled,
        nw.lit(True),
        detail=loss,
        related=nw.col("last_lost_write"),
        at="ended_at_us",
    )
    counts = losses.group_by(*SERIES).agg(times=nw.len())
    return of_totals(hits, totals(counts, "times"))
