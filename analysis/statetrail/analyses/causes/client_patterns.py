"""Habits: what a client does with a parameter time and again, also where nothing hinders it.

Enters: a recording and its faults, each with whether something of the server's stood in its way.
Leaves: how often each client obeyed, and how often it did not although it could have.

What a client does anyway needs no other reason, so a habit is told by its *free* faults alone:
those with nothing in the way.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES, issues, presentations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

MIN_CHANCES: Final = 5
"""Requests without obedience from which on a parameter counts as not implemented."""
MIN_PER_ENDPOINT: Final = 3
"""Requests to an endpoint, and obedient ones elsewhere, that tell endpoints apart."""

UNSHOWN: Final = ("omitted", "defied", "restarted")
"""The faults that do not show whether the client has read any value."""

_SHOWN: Final = ("stale", "misplaced")


def with_habits(rec: Recording, faults: Lazy) -> Lazy:
    """The faults with the habits that they belong to.

    Parameters
    ----------
    faults
        One row per fault, its columns `SERIES`, ``endpoint``, ``verdict``, ``free`` (1: nothing of
        the server's stood in its way, else 0) and ``near`` (1: it presents a near miss, else 0).

    Returns
    -------
    Lazy
        The same rows and columns, and the flags ``first_only`` (the client only ever presents the
        first value, also where a newer one was free to be had), ``not_here`` (it obeys elsewhere,
        never at this endpoint) and ``never_read`` (nothing that it presents shows that it reads
        the parameter); 1 or 0 each.
    """
    series, at = list(SERIES), [*SERIES, "endpoint"]
    verdict, free = nw.col("verdict"), nw.col("free") == 1
    marked = faults.with_columns(
        free_stale=_one(free & (verdict == "stale")),
        chance=_one(free & verdict.is_in(UNSHOWN)),
        read=_one(verdict.is_in(_SHOWN) | (nw.col("near") == 1)),
    )
    counted = marked.group_by(*series).agg(
        *(nw.col(name).sum() for name in ("free_stale", "chance", "read"))
    )
    here = marked.group_by(*at).agg(free_here=nw.col("free").sum())
    obeyed = _obeyed(rec)
    told = (
        faults.join(counted, on=series, how="left")
        .join(here, on=at, how="left")
        .join(obeyed.group_by(*series).agg(obeyed=nw.col("one").sum()), on=series, how="left")
        .join(obeyed.group_by(*at).agg(obeyed_here=nw.col("one").sum()), on=at, how="left")
        .join(_first_only(rec), on=series, how="left")
    )
    count = {name: nw.col(name).fill_null(0) for name in ("obeyed", "obeyed_here")}
    return told.with_columns(
        first_only=_one(~nw.col("first").is_null() & (nw.col("free_stale") > 0)),
        not_here=_one(
            (nw.col("free_here") >= MIN_PER_ENDPOINT)
            & (count["obeyed_here"] == 0)
            & (count["obeyed"] >= MIN_PER_ENDPOINT)
        ),
        never_read=_one(
            (nw.col("chance") >= MIN_CHANCES) & (nw.col("read") == 0) & (count["obeyed"] == 0)
        ),
    ).select(*faults.collect_schema().names(), "first_only", "not_here", "never_read")


def _one(condition: nw.Expr) -> nw.Expr:
    """1 where the condition holds, else 0."""
    return nw.when(condition).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64))


def _obeyed(rec: Recording) -> Lazy:
    """The obedient requests: `SERIES`, ``endpoint``, ``one``."""
    where = rec.exchanges.lazy.select("exchange_id", "endpoint")
    return (
        verdicts(rec)
        .lazy.filter(nw.col("verdict") == "honoured")
        .join(where, on="exchange_id")
        .select(*SERIES, "endpoint", one=nw.lit(1, nw.Int64))
    )


def _first_only(rec: Recording) -> Lazy:
    """The parameters of which a client presents one value only, the first that was issued."""
    shown = (
        presentations(rec)
        .group_by(*SERIES)
        .agg(fingerprint=nw.col("fingerprint").min(), other=nw.col("fingerprint").max())
        .filter(nw.col("fingerprint") == nw.col("other"))
    )
    first = (
        issues(rec)
        .filter(nw.col("begun_us") == nw.col("begun_us").min().over(*SERIES))
        .select(*SERIES, "fingerprint")
        .unique()
    )
    return shown.join(first, on=[*SERIES, "fingerprint"]).select(*SERIES, first="fingerprint")
