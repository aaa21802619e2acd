"""Leaks: a credential of one origin that turns up in a request to another.

Enters: a recording. Leaves: the table `leaks`, one row per request, place and credential. A request
is compared by fingerprints: its token candidates, and what it presents as state. A value that the
other origin has issued too is no leak: two addresses of one API share their tokens.
"""

from collections.abc import Iterator
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.exposure.shared import credential_values, united
from statetrail.analyses.exposure.tables import LEAKS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_CREDENTIAL: Final = ("dialect", "param", "fingerprint")


@analysis(LEAKS, needs=(credential_values,), scope="whole")
def leaks(rec: Recording, values: Iterator[pa.Table]) -> Lazy:
    """The credentials seen at other origins than theirs.

    Returns
    -------
    Frame
        `statetrail.analyses.exposure.tables.LEAKS`.
    """
    issued = (
        rec.place(united(values))
        # What is good for a whole site, or for every host of its dialect, may be seen there.
        .filter(~nw.col("issued_us").is_null() & nw.col("origin").str.contains("://", literal=True))
        .group_by(*_CREDENTIAL, "origin")
        .agg(nw.col("issued_us").min())
    )
    requests = rec.exchanges_with_client().select(
        "exchange_id", "client", "origin", "request_start_us"
    )
    in_header = nw.col("channel") == "header"
    presented = rec.presented.lazy.filter(nw.col("kind") == "value").select(
        "exchange_id",
        "fingerprint",
        place=nw.when(in_header).then(nw.lit("header")).otherwise(nw.lit("query")),
    )
    seen = nw.concat(
        [rec.token_candidates.lazy.select("exchange_id", "fingerprint", "place"), presented],
        how="vertical",
    )
    home = issued.rename({"origin": "issued_origin"})
    known_here = issued.select(*_CREDENTIAL, "origin")
    return (
        # Only then are they made unique: else DuckDB may join homes and requests first, by nothing
        # but their times.
        seen.join(home, on="fingerprint")
        .unique()
        .join(requests, on="exchange_id")
        .filter(
            (nw.col("origin") != nw.col("issued_origin"))
            & (nw.col("issued_us") <= nw.col("request_start_us"))
        )
        .join(known_here, on=[*_CREDENTIAL, "origin"], how="anti")
    )
