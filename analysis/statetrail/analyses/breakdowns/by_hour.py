"""Rotations by hour: how often values change, and how much traffic there was to change them.

Enters: a recording. Leaves: the table `ROTATIONS_BY_HOUR`. A rotation belongs to the hour in which
the response that issued the new value began, a request to that in which it began itself. Hours are
those of UTC.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.analysis import analysis
from statetrail.analyses.breakdowns.by_endpoint import ones
from statetrail.analyses.breakdowns.tables import ROTATIONS_BY_HOUR
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording

HOUR_US: Final = 3_600_000_000

_SERIES: Final = ("client", "origin", "dialect", "param")
_COUNTS: Final = ("requests", "rotations", "resets", "first_values")


@analysis(ROTATIONS_BY_HOUR, needs=(verdicts, rotations), scope="whole")
def rotations_by_hour(rec: Recording, verdicts: Frame, rotations: Frame) -> Lazy:
    """How many rotations there were in each hour, of how many requests and clients.

    Returns
    -------
    Frame
        `statetrail.analyses.breakdowns.tables.ROTATIONS_BY_HOUR`.
    """
    none, changed = nw.lit(0, nw.Int64), ~nw.col("from_fingerprint").is_null()
    requests = verdicts.lazy.select(
        *_SERIES,
        hour_us=_hour("request_start_us"),
        requests=nw.lit(1, nw.Int64),
        rotations=none,
        resets=none,
        first_values=none,
    )
    changes = rotations.lazy.select(
        *_SERIES,
        hour_us=_hour("issued_at_us"),
        requests=none,
        rotations=ones(changed),
        resets=ones(nw.col("cause").is_in(LOSSES)),
        first_values=ones(~changed),
    )
    sums = [nw.col(name).sum() for name in _COUNTS]
    return (
        nw.concat([requests, changes], how="vertical")
        .group_by(*_SERIES, "hour_us")
        .agg(*sums)
        .with_columns(clients=nw.lit(1, nw.Int64))
        .group_by("origin", "dialect", "param", "hour_us")
        .agg(*sums, nw.col("clients").sum())
    )


def _hour(column: str) -> nw.Expr:
    return (nw.col(column) // HOUR_US).cast(nw.Int64) * HOUR_US
