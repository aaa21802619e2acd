"""Leaks: a credential of one origin that turns up in a request to another.

Enters: a recording. Leaves: the table `leaks`, one row per request, place and credential. A request
is compared by fingerprints: its traces, and what it presents as state. A value that the other
origin has issued too is no leak: two addresses of one API share their tokens.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.analysis import analysis
from statetrail.analyses.events.values import issues
from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.exposure.tables import LEAKS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_SECRET: Final = ("dialect", "param")


@analysis(LEAKS, scope="whole")
def leaks(rec: Recording) -> Lazy:
    """The credentials seen at other origins than theirs (table `leaks`), computed once."""
    return _leaks(rec)


def _leaks(rec: Recording) -> Lazy:
    issued = (
        issues(rec)
        .join(credentials(rec), on=list(_SECRET))
        .group_by(*_SECRET, "fingerprint", "origin")
        .agg(issued_us=nw.col("begun_us").min())
    )
    where = rec.exchanges_with_client().select(
        "exchange_id", "client", "origin", "request_start_us"
    )
    presented = rec.presented.lazy.filter(nw.col("kind") == "value").select(
        "exchange_id",
        "fingerprint",
        place=nw.when(nw.col("channel") == "header")
        .then(nw.lit("header"))
        .otherwise(nw.lit("query")),
    )
    seen = nw.concat(
        [rec.token_candidates.lazy.select("exchange_id", "fingerprint", "place"), presented],
        how="vertical",
    )
    home = issued.rename({"origin": "issued_origin"})
    known_here = issued.select(*_SECRET, "fingerprint", "origin", here=nw.lit(1))
    return (
        # Only then are they made unique: else DuckDB may join homes and requests first, by nothing
        # but their times.
        seen.join(home, on="fingerprint")
        .unique()
        .join(where, on="exchange_id")
        .filter(
            (nw.col("origin") != nw.col("issued_origin"))
            & (nw.col("issued_us") <= nw.col("request_start_us"))
        )
        .join(known_here, on=[*_SECRET, "fingerprint", "origin"], how="left")
        .filter(nw.col("here").is_null())
        .select(*LEAKS.names)
    )
