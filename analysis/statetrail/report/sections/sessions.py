"""The sessions section: how sessions ended, and what those that were lost cost.

Enters: `sessions`. Leaves: `SessionSummary` parts, and the lost sessions as `Session` parts, the
costliest first, capped.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.sessions.sessions import LOST, sessions
from statetrail.recording.frames import Recording
from statetrail.report.document import Session, SessionSummary
from statetrail.report.sections.counting import counted, nested, part, ranked, rows
from statetrail.schema import pseudonym

MAX_SESSIONS: Final = 500

_SUBJECT: Final = ("origin", "dialect", "param")
_NAME: Final = (*_SUBJECT, "client", "session_fingerprint")


def gather_session_summaries(rec: Recording) -> tuple[SessionSummary, ...]:
    """What became of the sessions, by origin, dialect and parameter."""
    lazy = sessions(rec).lazy
    one = nw.col("requests") * 0 + 1
    lost = nw.when(nw.col("end").is_in(LOST)).then(one).otherwise(0)
    took_cart = nw.when(nw.col("cart_writes_lost").fill_null(0) > 0).then(one).otherwise(0)
    took_login = nw.when(nw.col("login_lost").fill_null(False)).then(one).otherwise(0)
    summed = (
        lazy.with_columns(
            nw.col("cart_writes_lost").fill_null(0), lost=lost, carts=took_cart, told=took_login
        )
        .group_by(*_SUBJECT)
        .agg(
            nw.col("lost").sum(),
            nw.col("requests").sum(),
            nw.col("cart_writes").sum(),
            nw.col("logins").sum(),
            nw.col("cart_writes_lost").sum(),
            sessions=nw.len(),
            carts_lost=nw.col("carts").sum(),
            logins_lost=nw.col("told").sum(),
            median_duration_s=nw.col("duration_s").median(),
        )
    )
    ends = nested(counted(lazy, *_SUBJECT, "end"), _SUBJECT, "end")
    whole = ("lost", "requests", "cart_writes", "logins", "carts_lost", "cart_writes_lost")
    return tuple(
        part(
            SessionSummary,
            row | {name: int(row[name]) for name in (*whole, "logins_lost")},
            ended=ranked(ends.get(tuple(row[name] for name in _SUBJECT), {})),
        )
        for row in rows(summed, *_SUBJECT)
    )


def gather_lost_sessions(rec: Recording) -> tuple[tuple[Session, ...], int]:
    """The sessions that were lost with something in them, the costliest first, and how many."""
    costly = nw.col("cart_writes_lost").fill_null(0) > 0
    cost = sessions(rec).lazy.filter(costly | nw.col("login_lost").fill_null(False))
    total = cost.select(count=nw.len()).collect("pyarrow").to_native()["count"][0].as_py()
    order = nw.col("cart_writes_lost") * -1
    kept = cost.with_columns(order=order).sort("order", *_NAME).head(MAX_SESSIONS)
    found = tuple(
        part(Session, row, session=pseudonym(row["session_fingerprint"]))
        for row in rows(kept, "order", *_NAME)
    )
    return found, int(total)
