"""The requests of a session, with those that ended or ignored it, and those of a client.

Enters: a recording, and a row of table `sessions` or a client. Leaves: exchange ids. Of a session:

1.  The requests that were made in it (table `session_requests`).
2.  Those that presented one of its tokens and were made in another: the server had ended it.
3.  Those that were made in none, from its first request to the first one that its clients made in
    a session that followed: they ignored it, unless the clients held another session meanwhile.
4.  The one that began the session that followed, if its verdict counts against the client.
"""

from collections.abc import Sequence

import narwhals as nw

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.sessions.session_requests import session_requests
from statetrail.analyses.tokens.rotations import rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, rows


def requests_of(rec: Recording, session: Row) -> Lazy:
    """The exchanges of a session, and those that ended or ignored it: a column ``exchange_id``."""
    made = session_requests(rec).lazy.filter(*_are(session, "origin", "dialect", "param"))
    is_own = (nw.col("session_client") == session["client"]) & (
        nw.col("session_fingerprint") == session["session_fingerprint"]
    )
    own = made.filter(is_own)
    start = nw.col("request_start_us")
    first_us, last_us = _ends(own)
    clients = own.select("client").unique()
    theirs = made.filter(~is_own).join(clients, on="client", how="inner")
    judged = verdicts(rec).lazy.filter(*_are(session, "origin", "dialect", "param"))
    parts = [own]
    if _ends(theirs.filter(start >= first_us, start <= last_us)) == (None, None):
        # Whatever its clients did meanwhile was of this session.
        meanwhile = judged.join(clients, on="client", how="inner").filter(start >= first_us)
        next_us, _ = _ends(theirs.filter(start > last_us))
        if next_us is not None:
            meanwhile = meanwhile.filter((start < next_us) | ((start == next_us) & nw.col("fault")))
        parts.append(meanwhile)
    issued = rec.issued.lazy.filter(*_are(session, "dialect", "param"))
    tokens = issued.join(own.select("exchange_id"), on="exchange_id", how="inner")
    tokens = tokens.select("fingerprint").unique()
    parts.append(judged.join(tokens, on="fingerprint", how="inner"))
    parts.append(judged.filter(nw.col("fingerprint") == session["session_fingerprint"]))
    return _exchanges(parts)


def judged_of(rec: Recording, subject: Row) -> Lazy:
    """The exchanges of a client in which the state of an origin was issued anew or is judged."""
    of = _are(subject, "client", "origin", "dialect")
    return _exchanges([each.lazy.filter(*of) for each in (verdicts(rec), rotations(rec))])


def _exchanges(parts: Sequence[Lazy]) -> Lazy:
    return nw.concat([part.select("exchange_id") for part in parts], how="vertical").unique()


def _are(subject: Row, *names: str) -> list[nw.Expr]:
    """What is of these columns' values."""
    return [nw.col(name) == subject[name] for name in names]


def _ends(requests: Lazy) -> tuple[int | None, int | None]:
    """The starts of the first and the last of some requests."""
    start = nw.col("request_start_us")
    (row,) = rows(requests.select(first_us=start.min(), last_us=start.max()))
    return row["first_us"], row["last_us"]
