"""Clients: how far each client obeys the state that it was given.

Enters: a recording. Leaves: the table `CLIENTS`, one row per client, origin and dialect.

Compliance is honoured / (honoured + faults), where the faults are
`statetrail.analyses.verdicts.FAULTS`. What is no client's fault (`overridden`, `in-flight`,
`foreign`, `not-applicable`) is in neither.
"""

import narwhals as nw

from statetrail.analyses.verdicts import FAULTS, verdicts
from statetrail.frames import Frame, Lazy, Recording
from statetrail.schema import CLIENTS


def clients(rec: Recording) -> Frame:
    """The compliance of every client, with the denominator beside it.

    Returns
    -------
    Frame
        `statetrail.schema.CLIENTS`.
    """
    return rec.result(CLIENTS, lambda: _clients(rec))


def _clients(rec: Recording) -> Lazy:
    verdict = nw.col("verdict")
    one = nw.col("exchange_id") * 0 + 1
    counted = verdicts(rec).lazy.with_columns(
        honoured=nw.when(verdict == "honoured").then(one).otherwise(0),
        faults=nw.when(verdict.is_in(FAULTS)).then(one).otherwise(0),
    )
    return (
        counted.group_by("client", "origin", "dialect")
        .agg(
            nw.col("honoured").sum(),
            nw.col("faults").sum(),
            requests=nw.col("exchange_id").n_unique(),
            first_us=nw.col("at_us").min(),
            last_us=nw.col("at_us").max(),
        )
        .with_columns(judged=nw.col("honoured") + nw.col("faults"))
        .with_columns(
            compliance=nw.when(nw.col("judged") > 0).then(nw.col("honoured") / nw.col("judged"))
        )
    )
