"""Sessions: how they ended, and what those that were lost cost."""

from typing import Annotated, Any, ClassVar, Final, Self

import narwhals as nw
import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.coding import coded, combined
from statetrail.analyses.sessions.sessions import LOST, sessions
from statetrail.recording.engines import Lazy
from statetrail.report.counting import (
    SUBJECT,
    counted,
    key,
    largest,
    nested,
    of_row,
    ranked,
    rows,
    total,
)
from statetrail.report.section import (
    Counts,
    Gathering,
    OfClient,
    OfParameter,
    Section,
    Time,
    meaning,
)
from statetrail.schema import pseudonym

MAX_SESSIONS: Final = 500

_NAME: Final = (*SUBJECT, "client", "session_fingerprint")
_SUMS: Final = ("requests", "cart_writes", "logins", "cart_writes_lost")
_MARKED: Final = ("lost", "carts_lost", "logins_lost")


class SessionSummary(OfParameter, frozen=True, kw_only=True):
    """The sessions of one parameter at one origin, taken together."""

    sessions: int
    requests: int
    median_duration_s: Annotated[
        float | None, meaning("From a session's first request to its last")
    ]
    ended: Annotated[Counts, meaning("How they ended")]
    lost: Annotated[int, meaning("Sessions that were reset, rejected or restarted")]
    cart_writes: int
    carts_lost: Annotated[int, meaning("Lost sessions with a cart write that was not repeated")]
    cart_writes_lost: Annotated[int, meaning("Those writes")]
    logins: int
    logins_lost: Annotated[int, meaning("Lost sessions with a login that was not repeated")]


class Session(OfClient, frozen=True, kw_only=True):
    """One session that was lost with a cart or a login."""

    session: Annotated[str, meaning("Pseudonym of its first token")]
    first: Time
    last: Time
    duration_s: float
    tokens: int
    requests: int
    end: str
    ended_at: Time | None
    cart_writes: int
    cart_writes_lost: int | None
    login_lost: bool | None


class SessionsSection(Section, frozen=True, kw_only=True):
    """How sessions ended, and those that were lost with a cart or a login."""

    title: ClassVar = "Sessions"

    sessions: tuple[SessionSummary, ...] = ()
    sessions_lost_total: Annotated[
        int, meaning("Sessions that were lost with a cart or a login")
    ] = 0
    sessions_lost: Annotated[
        tuple[Session, ...], meaning("Those, most cart writes first; capped")
    ] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `sessions`."""
        lazy = sessions(gathering.recording).lazy
        with_cart = nw.col("cart_writes_lost").fill_null(0) > 0
        costly = lazy.filter(with_cart | nw.col("login_lost").fill_null(False))
        return cls(
            sessions=_summaries(lazy),
            sessions_lost_total=total(costly),
            sessions_lost=tuple(
                of_row(Session, row, session=pseudonym(row["session_fingerprint"]))
                for row in largest(costly, "cart_writes_lost", MAX_SESSIONS, *_NAME)
            ),
        )


def _summaries(lazy: Lazy) -> tuple[SessionSummary, ...]:
    """What became of the sessions, by origin, dialect and parameter."""
    one = nw.col("requests") * 0 + 1
    writes_lost = nw.col("cart_writes_lost").fill_null(0)
    summed = (
        lazy.with_columns(
            writes_lost,
            lost=nw.when(nw.col("end").is_in(LOST)).then(one).otherwise(0),
            carts_lost=nw.when(writes_lost > 0).then(one).otherwise(0),
            logins_lost=nw.when(nw.col("login_lost").fill_null(False)).then(one).otherwise(0),
        )
        .group_by(*SUBJECT)
        .agg(
            *(nw.col(name).sum() for name in (*_SUMS, *_MARKED)),
            sessions=nw.len(),
        )
    )
    durations = median_durations(lazy)
    ends = nested(counted(lazy, *SUBJECT, "end"), "end")
    return tuple(
        of_row(
            SessionSummary,
            row
            | {name: int(row[name]) for name in (*_SUMS, *_MARKED)}
            | {"median_duration_s": durations[key(row)]},
            ended=ranked(ends[key(row)]),
        )
        for row in rows(summed, *SUBJECT)
    )


def median_durations(lazy: Lazy) -> dict[tuple[Any, ...], float]:
    """The median duration of the sessions of each parameter; that of PyArrow is approximate."""
    found: pa.Table = lazy.select(*SUBJECT, "duration_s").collect("pyarrow").to_native()
    columns = [coded(found[name]) for name in SUBJECT]
    number, places = combined(columns)
    order = np.argsort(number, kind="stable")
    spans = found["duration_s"].to_numpy()[order]
    cuts = np.searchsorted(number[order], np.arange(1, len(places[0]))).tolist()
    names = [
        tuple(words[at] for (_, words), at in zip(columns, row, strict=True))
        for row in zip(*places, strict=True)
    ]
    medians = (float(np.median(part)) for part in np.split(spans, cuts) if len(part))
    return dict(zip(names, medians, strict=False))
