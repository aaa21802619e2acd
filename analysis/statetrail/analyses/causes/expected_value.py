"""What was due: what a faulty request should have presented, and what had stood in its way.

Enters: a recording and the faults in question. Leaves: for each fault the newest value that its
client must have known, the obstacle to it, and whether the server spoilt the parameter since.

A value may be issued, replaced and issued again. What had become of it before it was replaced tells
nothing of now: only its current *run* counts, the issues since the last one of another value.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.causes.delivery import obstacles
from statetrail.analyses.events.asof import as_of
from statetrail.analyses.events.scope import mounts
from statetrail.analyses.events.values import NEVER, SERIES, issues, malformed, presentations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_FAULT: Final = ("exchange_id", "dialect", "param")


def due(rec: Recording, faults: Lazy) -> Lazy:
    """The newest value that the client must know (R2), and what stood between the two.

    Parameters
    ----------
    faults
        Rows of table `verdicts`.

    Returns
    -------
    Lazy
        Columns ``exchange_id``, ``dialect``, ``param``; ``obstacle`` (null: one of the value's
        issues had none, or the client has presented it since), ``other_path`` (1: it was issued
        only under another path in front of the API) and ``spoilt`` (1: a malformed issue of the
        parameter came with or after it). A fault before which nothing was due has no row.
    """
    newest = _newest(rec, faults)
    # Whoever has presented a value had it, whatever it came by.
    arrived = nw.max_horizontal(
        nw.col("readable").fill_null(-NEVER), nw.col("shown").fill_null(-NEVER)
    )
    return rec.keep(
        newest.join(_readable(rec, newest), on=list(_FAULT), how="left")
        .join(_shown(rec, newest), on=list(_FAULT), how="left")
        .join(_other_path(rec, newest), on=list(_FAULT), how="left")
        .join(_malformed(rec, faults), on=list(_FAULT), how="left")
        .select(
            *_FAULT,
            "other_path",
            obstacle=nw.when(arrived < nw.col("run_us")).then("obstacle"),
            spoilt=nw.when(nw.col("spoilt_us").fill_null(-NEVER) >= nw.col("begun_us")).then(
                nw.col("exchange_id") * 0 + 1
            ),
        )
    )


def _newest(rec: Recording, faults: Lazy) -> Lazy:
    """The issue that began last of those that must be known, with its run and its obstacle."""
    grace, series = rec.grace_us, list(SERIES)
    must = rec.keep(_runs(rec).filter(nw.col("ended_us") < NEVER))
    latest = as_of(
        must.with_columns(t=nw.col("ended_us") + grace),
        faults.select(*SERIES, "exchange_id", t="request_start_us"),
        by=series,
        at=["t"],
        inclusive=False,
        carry=["exchange_id"],
        maxima=["begun_us"],
    ).filter(~nw.col("begun_us").is_null())
    # Of several issues that began at the same time, the last one by its exchange and value.
    newest = (
        latest.join(
            must.select(
                *(*SERIES, "begun_us", "ended_us", "fingerprint", "run_us"), issue_id="exchange_id"
            ),
            on=[*SERIES, "begun_us"],
        )
        .filter(nw.col("ended_us") + grace < nw.col("t"))
        .filter(nw.col("issue_id") == nw.col("issue_id").max().over(*_FAULT))
        .filter(nw.col("fingerprint") == nw.col("fingerprint").max().over(*_FAULT))
    )
    obstacle = obstacles(rec).rename({"exchange_id": "issue_id"})
    return rec.keep(newest.join(obstacle, on=["issue_id", "dialect", "param"], how="left"))


def _runs(rec: Recording) -> Lazy:
    """The issues with ``run_us``: when the run of equal values that they belong to began."""
    order = ["begun_us", "exchange_id", "fingerprint"]
    before = nw.col("fingerprint").shift(1).over(*SERIES, order_by=order)
    begins = nw.col("before").is_null() | (nw.col("before") != nw.col("fingerprint"))
    return (
        issues(rec)
        .with_columns(before=before)
        .with_columns(run_us=nw.when(begins).then("begun_us").otherwise(nw.lit(-NEVER, nw.Int64)))
        .with_columns(nw.col("run_us").cum_max().over(*SERIES, order_by=order))
    )


def _readable(rec: Recording, newest: Lazy) -> Lazy:
    """When the value that was due had last been issued without an obstacle: ``readable``."""
    clear = (
        issues(rec)
        .filter(nw.col("ended_us") < NEVER)
        .join(obstacles(rec), on=list(_FAULT))
        .filter(nw.col("obstacle") == "")
    )
    return as_of(
        clear.with_columns(t=nw.col("ended_us") + rec.grace_us, readable=nw.col("begun_us")),
        newest,
        by=[*SERIES, "fingerprint"],
        at=["t"],
        inclusive=False,
        carry=["exchange_id"],
        maxima=["readable"],
    ).select(*_FAULT, "readable")


def _shown(rec: Recording, newest: Lazy) -> Lazy:
    """When the client had last presented the value that was due: ``shown``."""
    return as_of(
        presentations(rec).with_columns(t=nw.col("asked_us"), shown=nw.col("asked_us")),
        newest,
        by=[*SERIES, "fingerprint"],
        at=["t"],
        inclusive=False,
        carry=["exchange_id"],
        maxima=["shown"],
    ).select(*_FAULT, "shown")


def _other_path(rec: Recording, newest: Lazy) -> Lazy:
    """The faults whose value was issued only under another path in front of the API."""
    placed = rec.exchanges.lazy.select("exchange_id", "endpoint").join(mounts(rec), on="endpoint")
    of_request = placed.select("exchange_id", "dialect", "mount")
    of_issue = of_request.rename({"exchange_id": "issue_id", "mount": "issue_mount"})
    same = (
        issues(rec)
        .join(of_request, on=["exchange_id", "dialect"])
        .group_by(*SERIES, "fingerprint", "mount")
        .agg(here_us=nw.col("begun_us").min())
    )
    # Kept in between: DuckDB may else begin with the two large sides, which have only the dialect
    # in common.
    asked = rec.keep(newest.join(of_request, on=["exchange_id", "dialect"]))
    moved = rec.keep(
        asked.join(of_issue, on=["issue_id", "dialect"]).filter(
            nw.col("mount") != nw.col("issue_mount")
        )
    )
    return (
        moved.join(same, on=[*SERIES, "fingerprint", "mount"], how="left")
        .filter(nw.col("here_us").fill_null(NEVER) > nw.col("t"))
        .select(*_FAULT, other_path=nw.col("exchange_id") * 0 + 1)
    )


def _malformed(rec: Recording, faults: Lazy) -> Lazy:
    """When the last malformed issue that may be known had ended: ``spoilt_us``.

    As with values (R3), what began later replaces it only if it began after that. One that was cut
    short counts from its beginning.
    """
    until = nw.when(nw.col("ended_us") < NEVER).then("ended_us").otherwise(nw.col("begun_us"))
    return as_of(
        malformed(rec).with_columns(t=nw.col("begun_us"), spoilt_us=until),
        faults.select(*SERIES, "exchange_id", t="request_start_us"),
        by=list(SERIES),
        at=["t"],
        inclusive=True,
        carry=["exchange_id"],
        maxima=["spoilt_us"],
    ).select(*_FAULT, "spoilt_us")
