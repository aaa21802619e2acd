"""The requests of each session: what `sessions` counts, one row each.

Enters: a recording. Leaves: the table `SESSION_REQUESTS`. Which request is made in which session:
`statetrail.analyses.sessions.chains`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.result_rows import of_requests, of_series, table
from statetrail.analyses.sessions.chains import Chains, chains, held_sessions
from statetrail.analyses.sessions.joined import HeldSession, renamed
from statetrail.analyses.sessions.tables import SESSION_REQUESTS
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording

OWN_REQUESTS: Final = replace(SESSION_REQUESTS, name="own_session_requests")
"""The same, before sessions that several clients hold are joined."""


@analysis(OWN_REQUESTS, needs=(bucket, chains))
def own_session_requests(bucket: Bucket, chains: Chains) -> pa.Table:
    """The requests of the sessions of a bucket."""
    requests = chains.requests
    series = bucket.values.series[requests.session]
    columns = {
        "session_client": of_series(bucket, series)["client"],
        "session_fingerprint": bucket.values.fingerprint[requests.session],
        "cart_write": requests.cart,
        "login": requests.login,
    }
    return table(OWN_REQUESTS, of_requests(bucket, requests.exchange, series) | columns)


@analysis(SESSION_REQUESTS, needs=(own_session_requests, held_sessions), scope="whole")
def session_requests(rec: Recording, own: Frame, held: Iterator[list[HeldSession]]) -> Lazy:
    """The requests that were made in sessions.

    Returns
    -------
    Frame
        `statetrail.analyses.sessions.tables.SESSION_REQUESTS`.
    """
    return renamed(rec, own.lazy, [session for each in held for session in each])
