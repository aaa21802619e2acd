"""Verdicts by endpoint: where clients lose a value that they hold, and where servers end it.

Enters: a recording. Leaves: the table `VERDICTS_BY_ENDPOINT`. A verdict and a rotation belong to
the endpoint of their request.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.analysis import analysis
from statetrail.analyses.breakdowns.tables import VERDICTS_BY_ENDPOINT
from statetrail.analyses.conformance.verdict import HONOURED, OMITTED, RESTARTED, STALE
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording

_REQUEST: Final = ("exchange_id", "client", "origin", "dialect", "param")
_PLACE: Final = ("origin", "endpoint", "dialect", "param")
_COUNTS: Final = ("honoured", "faults", "dropped", "stale", "resets")


@analysis(VERDICTS_BY_ENDPOINT, needs=(verdicts, rotations), scope="whole")
def verdicts_by_endpoint(rec: Recording, verdicts: Frame, rotations: Frame) -> Lazy:
    """What requests to each endpoint did with each parameter: where the token is lost most.

    Returns
    -------
    Frame
        `statetrail.analyses.breakdowns.tables.VERDICTS_BY_ENDPOINT`.
    """
    fault, verdict = nw.col("fault"), nw.col("verdict")
    judged = verdicts.lazy.select(
        *_REQUEST,
        honoured=ones(verdict == HONOURED),
        faults=ones(fault),
        dropped=ones(fault & verdict.is_in([OMITTED, RESTARTED])),
        stale=ones(fault & (verdict == STALE)),
        resets=nw.lit(0, nw.Int64),
    )
    ended = rotations.lazy.filter(nw.col("cause").is_in(LOSSES)).select(
        *_REQUEST,
        **{name: nw.lit(int(name == "resets"), nw.Int64) for name in _COUNTS},
    )
    endpoints = rec.exchanges.lazy.select("exchange_id", "endpoint")
    sums = [nw.col(name).sum() for name in _COUNTS]
    return (
        nw.concat([judged, ended], how="vertical")
        .join(endpoints, on="exchange_id", how="inner")
        .group_by(*_PLACE, "client")
        .agg(*sums)
        .with_columns(clients_at_fault=ones(nw.col("faults") > 0))
        .group_by(*_PLACE)
        .agg(*sums, nw.col("clients_at_fault").sum())
        .with_columns(judged=nw.col("honoured") + nw.col("faults"))
        .with_columns(
            compliance=nw.when(nw.col("judged") > 0).then(nw.col("honoured") / nw.col("judged"))
        )
    )


def ones(condition: nw.Expr) -> nw.Expr:
    """1 where a condition holds, else 0."""
    return nw.when(condition).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64))
