"""Clients: how far each client obeys the state that it was given.

Enters: a recording. Leaves: the table `CLIENTS`, one row per client, origin and dialect: every
client that asked an origin for something in the dialect's scope, where that origin issues state of
the dialect at all. One that nothing can be judged of (it came once, or never took a session up) has
no compliance, and is there all the same.

Compliance is honoured / (honoured + faults), where the faults are
`statetrail.analyses.conformance.verdict.FAULTS`. What is no fault and not honoured is in neither.
"""

import narwhals as nw

from statetrail.analyses.analysis import analysis
from statetrail.analyses.conformance import verdict
from statetrail.analyses.conformance.tables import CLIENTS
from statetrail.analyses.conformance.verdict import FAULTS
from statetrail.analyses.conformance.verdicts import verdict_counts
from statetrail.analyses.events.scope import UNBOUND_METHODS, in_scope
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_KEYS = ("client", "origin", "dialect")


@analysis(CLIENTS, needs=(verdict_counts,), scope="whole")
def clients(rec: Recording, counts: Lazy) -> Lazy:
    """The compliance of every client, with the denominator beside it.

    Returns
    -------
    Frame
        `statetrail.analyses.conformance.tables.CLIENTS`.
    """
    exchanges = rec.exchanges_with_client().select(
        *("exchange_id", "client", "origin", "endpoint", "method", "request_start_us")
    )
    issuing = (
        rec.issued.lazy.select("exchange_id", "dialect")
        .join(exchanges.select("exchange_id", "origin"), on="exchange_id")
        .select("origin", "dialect")
        .unique()
    )
    requests = (
        exchanges.filter(~nw.col("method").is_in(UNBOUND_METHODS))
        .join(in_scope(rec), on=["origin", "endpoint"])
        .join(issuing, on=["origin", "dialect"])
        .group_by(*_KEYS)
        .agg(
            requests=nw.len(),
            first_us=nw.col("request_start_us").min(),
            last_us=nw.col("request_start_us").max(),
        )
    )
    name = nw.col("verdict")
    judged = (
        counts.with_columns(
            honoured=nw.when(name == verdict.HONOURED).then(nw.col("times")).otherwise(0),
            faults=nw.when(name.is_in(FAULTS)).then(nw.col("times")).otherwise(0),
        )
        .group_by(*_KEYS)
        .agg(nw.col("honoured").sum(), nw.col("faults").sum())
    )
    return (
        requests.join(judged, on=list(_KEYS), how="left")
        .with_columns(nw.col("honoured").fill_null(0), nw.col("faults").fill_null(0))
        .with_columns(judged=nw.col("honoured") + nw.col("faults"))
        .with_columns(
            compliance=nw.when(nw.col("judged") > 0).then(nw.col("honoured") / nw.col("judged"))
        )
    )
