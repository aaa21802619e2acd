"""The requests of a session, with those that ended or ignored it, and those of a client.

Enters: a recording, and a row of table `sessions` or a client. Leaves: exchange ids. Of a session:

1.  The requests that were made in it (table `session_requests`).
2.  Those that presented one of its tokens and were made in another: the server had ended it.
3.  Those that were made in none, from its first request to the first one that its clients made in
    a session that followed: they ignored it, unless the clients held another session meanwhile.
4.  The one that began the session that followed, if its verdict counts against the client.
"""

from collections.abc import Iterable

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.sessions.session_requests import session_requests
from statetrail.analyses.tokens.rotations import rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, rows


def requests_of(rec: Recording, session: Row) -> set[int]:
    """The exchanges of a session, and those that ended or ignored it."""
    made = session_requests(rec).lazy.filter(*_are(session, "origin", "dialect", "param"))
    is_own = (nw.col("session_client") == session["client"]) & (
        nw.col("session_fingerprint") == session["session_fingerprint"]
    )
    columns = ("exchange_id", "client", "request_start_us")
    own = rows(made.filter(is_own).select(*columns), "request_start_us", "exchange_id")
    ids = {row["exchange_id"] for row in own}
    clients = sorted({row["client"] for row in own})
    theirs = made.filter(nw.col("client").is_in(clients), ~is_own).select(*columns)
    first_us, last_us = own[0]["request_start_us"], own[-1]["request_start_us"]
    start = nw.col("request_start_us")
    judged = verdicts(rec).lazy.filter(*_are(session, "origin", "dialect", "param"))
    if _least(theirs.filter(start >= first_us, start <= last_us)) is None:
        # Whatever its clients did meanwhile was of this session.
        next_us = _least(theirs.filter(start > last_us))
        span = [start >= first_us, *([start <= next_us] if next_us is not None else [])]
        meanwhile = judged.filter(nw.col("client").is_in(clients), *span)
        for row in rows(meanwhile.select("exchange_id", "request_start_us", "fault")):
            if row["fault"] or row["request_start_us"] != next_us:
                ids.add(row["exchange_id"])
    tokens = _tokens(rec, session, (row["exchange_id"] for row in own))
    presented = judged.filter(nw.col("fingerprint").is_in(tokens)).select("exchange_id")
    return ids | {row["exchange_id"] for row in rows(presented)}


def judged_of(rec: Recording, subject: Row) -> set[int]:
    """The exchanges of a client in which the state of an origin was issued anew or is judged."""
    of = _are(subject, "client", "origin", "dialect")
    tables = (verdicts(rec), rotations(rec))
    found = [rows(each.lazy.filter(*of).select("exchange_id")) for each in tables]
    return {row["exchange_id"] for each in found for row in each}


def _tokens(rec: Recording, session: Row, ids: Iterable[int]) -> list[int]:
    """The values that were issued in these exchanges, and the first one of the session."""
    wanted = rec.place(pa.table({"exchange_id": pa.array(ids, pa.int64())}))
    own = rec.issued.lazy.filter(*_are(session, "dialect", "param")).join(wanted, on="exchange_id")
    issued = rows(own.select("fingerprint").unique())
    return sorted({row["fingerprint"] for row in issued} | {session["session_fingerprint"]})


def _are(session: Row, *names: str) -> list[nw.Expr]:
    """What is of the session's origin, dialect or parameter."""
    return [nw.col(name) == session[name] for name in names]


def _least(requests: Lazy) -> int | None:
    """The start of the first of some requests."""
    (row,) = rows(requests.select(nw.col("request_start_us").min()))
    first: int | None = row["request_start_us"]
    return first
