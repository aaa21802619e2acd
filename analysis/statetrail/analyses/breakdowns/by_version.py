"""Carts by version: which releases of a client program lose carts with their sessions.

Enters: a recording. Leaves: the table `CARTS_BY_VERSION`. A session belongs to the program that
made its last request, which is the one of the highest id; what counts as lost is said in
`statetrail.analyses.sessions.sessions`.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.breakdowns.by_endpoint import ones
from statetrail.analyses.breakdowns.products import product
from statetrail.analyses.breakdowns.tables import CARTS_BY_VERSION
from statetrail.analyses.sessions.session_requests import session_requests
from statetrail.analyses.sessions.sessions import sessions
from statetrail.recording.engines import Lazy, distinct
from statetrail.recording.frames import Frame, Recording

_SESSION: Final = ("client", "origin", "dialect", "param", "session_fingerprint")
_PROGRAM: Final = ("product", "version", "origin", "dialect", "param")
_COUNTS: Final = ("sessions", "carts", "carts_lost", "cart_writes_lost", "logins_lost")


@analysis(CARTS_BY_VERSION, needs=(sessions, session_requests), scope="whole")
def carts_by_version(rec: Recording, sessions: Frame, requests: Frame) -> Lazy:
    """The carts that each version of a client program had, and lost with its sessions.

    Returns
    -------
    Frame
        `statetrail.analyses.breakdowns.tables.CARTS_BY_VERSION`.
    """
    agents = rec.exchanges.lazy.select("exchange_id", user_agent=nw.col("user_agent").fill_null(""))
    last = (
        requests.lazy.with_columns(client=nw.col("session_client"))
        .group_by(*_SESSION)
        .agg(nw.col("exchange_id").max())
        .join(agents, on="exchange_id", how="inner")
        .select(*_SESSION, "user_agent")
    )
    lost = nw.col("cart_writes_lost").fill_null(0)
    sums = [nw.col(name).sum() for name in _COUNTS]
    return (
        sessions.lazy.select(
            *_SESSION,
            sessions=nw.lit(1, nw.Int64),
            carts=ones(nw.col("cart_writes") > 0),
            carts_lost=ones(lost > 0),
            cart_writes_lost=lost,
            logins_lost=ones(nw.col("login_lost").fill_null(value=False)),
        )
        .join(last, on=list(_SESSION), how="inner")
        .join(_programs(rec, last), on="user_agent", how="inner")
        .group_by("client", *_PROGRAM)
        .agg(*sums)
        .with_columns(clients=nw.lit(1, nw.Int64))
        .group_by(*_PROGRAM)
        .agg(*sums, nw.col("clients").sum())
    )


def _programs(rec: Recording, last: Lazy) -> Lazy:
    """The product and the version of each ``User-Agent``."""
    agents = distinct(last, "user_agent")
    programs = [product(agent) for agent in agents]
    columns = {
        "user_agent": agents,
        "product": [name for name, _ in programs],
        "version": [version for _, version in programs],
    }
    return rec.place(
        pa.table({name: pa.array(each, pa.string()) for name, each in columns.items()})
    )
