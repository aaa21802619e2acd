"""Cases: the frames that rules are made of, each with whether the rule fired.

Enters: a recording. Leaves: lazy frames with the columns `CASE`, one row per occasion; occasions
on which the rule did not fire may be counted in one row (``times``), as nothing else is told of
them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.causes.root_causes import causes
from statetrail.analyses.conformance.verdicts import FAULTS, verdict_counts
from statetrail.dialects import Param
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

CASE: Final = (
    "client",  # "": not about one client
    "origin",
    "param",
    "exchange_id",
    "observed_us",
    "hit",  # 1: the rule fired, 0: it could have
    "detail",  # what tells this case from the others, `REQUEST` in it for the request; "": nothing
    "related_id",  # another exchange that belongs to the evidence, -1: none
    "cause",  # the root cause, "": none is looked for
    "times",  # how many occasions the row stands for: 1, or more of those that did not hit
)
"""The columns of a frame of cases, none of them ever null."""


REQUEST: Final = "\x01"
"""What stands in a case's detail for the request's method and endpoint: looked up for what is shown
alone. No text of a recording holds it."""


def cases(
    frame: Lazy,
    hit: nw.Expr,
    *,
    detail: nw.Expr | None = None,
    related: nw.Expr | None = None,
    cause: nw.Expr | None = None,
    at: str = "request_start_us",
    per_client: bool = True,
) -> Lazy:
    """The rows of a frame as cases; it has the columns of `CASE` that come without a default.

    `at` is the column with the moment of the occasion.
    """
    return frame.select(
        "origin",
        "param",
        "exchange_id",
        observed_us=at,
        client=nw.col("client") if per_client else nw.lit(""),
        hit=nw.when(hit.fill_null(False)).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64)),
        detail=nw.lit("") if detail is None else detail.fill_null(""),
        related_id=nw.lit(-1, dtype=nw.Int64) if related is None else related.fill_null(-1),
        cause=nw.lit("") if cause is None else cause.fill_null(""),
        times=nw.lit(1, nw.Int64),
    ).select(*CASE)


def judged(rec: Recording, *guilty: str, among: Callable[[Param], bool] | None = None) -> Lazy:
    """The verdicts that count, as cases that fire where the verdict is one of `guilty`.

    Parameters
    ----------
    among
        Which parameters the rule is about; all by default, and then unknown ones too.
    """
    guilt = nw.col("verdict").is_in(guilty)
    # Every fault has a cause, "unknown" at least.
    faults, others = causes(rec).filter(guilt), innocent(rec, *guilty)
    if among is not None:
        faults, others = (frame.filter(of_params(rec, among)) for frame in (faults, others))
    hits = cases(faults, nw.lit(True), detail=nw.lit(REQUEST), cause=nw.col("cause"))
    return nw.concat([hits, others.select(*CASE)], how="vertical")


def innocent(rec: Recording, *guilty: str) -> Lazy:
    """The verdicts that count and are none of `guilty`, as cases without a hit, counted.

    Returns
    -------
    Lazy
        The columns `CASE`, and ``dialect``; one row per client, parameter and verdict.
    """
    verdict = nw.col("verdict")
    return (
        verdict_counts(rec)
        .filter(verdict.is_in(("honoured", *FAULTS)) & ~verdict.is_in(guilty))
        .select(
            "dialect",
            "client",
            "origin",
            "param",
            "exchange_id",
            observed_us="request_start_us",
            hit=nw.col("exchange_id") * 0,
            detail=nw.lit(""),
            related_id=nw.lit(-1, dtype=nw.Int64),
            cause=nw.lit(""),
            times=nw.col("times").cast(nw.Int64),
        )
    )


def with_causes(rec: Recording, judged_rows: Lazy, among: Sequence[str] = ()) -> Lazy:
    """Rows of table `verdicts` with their ``cause`` (null: none, or not `among` those named)."""
    why = causes(rec).select("exchange_id", "dialect", "param", "cause")
    if among:
        why = why.filter(nw.col("cause").is_in(among))
    return judged_rows.join(why, on=["exchange_id", "dialect", "param"], how="left")


def request_names(rec: Recording, ids: Iterable[int]) -> dict[int, str]:
    """The requests by their exchanges: method and endpoint."""
    wanted = rec.place(pa.table({"exchange_id": pa.array(sorted(set(ids)), pa.int64())}))
    found = (
        rec.exchanges.lazy.select("exchange_id", "method", "endpoint")
        .join(wanted, on="exchange_id")
        .collect("pyarrow")
    )
    return {
        row["exchange_id"]: f"{row['method']} {row['endpoint']}" for row in found.rows(named=True)
    }


def of_params(rec: Recording, among: Callable[[Param], bool]) -> nw.Expr:
    """Whether a row's dialect and parameter are among those that the predicate picks."""
    picked = [
        (nw.col("dialect") == dialect.name) & (nw.col("param") == param.name)
        for dialect in rec.dialects
        for param in dialect.params
        if among(param)
    ]
    return reduce(or_, picked) if picked else nw.col("dialect").is_null()
