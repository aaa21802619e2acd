"""The timeline of a session or a client: requests in their order, with what they carried and did.

Enters: a recording, and which session or client. Leaves: a `Timeline`, a frame with a row for each
request, which a terminal shows as text and a notebook as the swim-lane of the report.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.sessions.sessions import sessions
from statetrail.errors import UsageError
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.report.counting import Row, largest, rows, total
from statetrail.report.evidence import EvidenceExchange, StateValue, gather_exchanges
from statetrail.report.session_members import judged_of, requests_of
from statetrail.report.wording import count, cut, duration, visible
from statetrail.schema import CLIENT, EXCHANGE, Column, Table, pseudonym

MAX_REQUESTS: Final = 1000
"""Requests of a timeline; of a longer session the first ones."""
_WIDTH: Final = 48
"""Characters of a request in a line of text."""
_VALUE: Final = 60
"""Characters of a value."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE_S: Final = 1.0
"""Shorter pauses have no line of their own."""
SUBJECT: Final = ("client", "origin", "dialect", "param")
"""The columns that name whose parameter a timeline is about."""
_HOLDER: Final = SUBJECT[:-1]
_KEY: Final = (*SUBJECT, "session_fingerprint")
_FEW: Final = 4
"""Sessions of one name that an error lists."""
_PSEUDONYM: Final = re.compile(r"~[0-9a-f]{8}")

TIMELINE: Final = Table(
    "timeline",
    "one request of a session or a client, or one that ended or ignored the session",
    (
        Column("request_start_us", "timestamp", "Start of the request"),
        EXCHANGE,
        CLIENT,
        Column(
            "idle_s",
            "float",
            "Seconds in which nothing was under way before it, from the end of the last response "
            "(its start, or that of its request, where that is all that is known)",
            "it is the first",
        ),
        Column("method", "text", "Request method"),
        Column("path", "text", "Path without its query; token-like segments are pseudonyms"),
        Column("status", "int", "Status code", "no response"),
        Column("error", "text", "Why the exchange did not complete", "completed"),
        Column("presented", "text", "Parameters and values that it presented; may be empty"),
        Column("issued", "text", "Parameters and values that its response issued; may be empty"),
        Column("verdicts", "text", "Verdicts, those that count against the client first"),
        Column("faults", "int", "Of them, those that count against the client"),
    ),
    ("request_start_us", "exchange_id"),
)


class Timeline(Frame):
    """The requests of one session or client; make it with `timeline`.

    Attributes
    ----------
    session
        The row of table `sessions`; of a client without one, its `SUBJECT` alone.
    exchanges
        The requests with their responses and all their values.
    judged
        The verdicts on each of them, by its id.
    total
        How many requests there are; `MAX_REQUESTS` of them are in the frame.
    """

    def __init__(
        self,
        rec: Recording,
        session: Row,
        exchanges: Sequence[EvidenceExchange],
        judged: Mapping[int, Sequence[Row]],
        total: int,
    ) -> None:
        made = _rows(exchanges, judged)
        super().__init__(rec.place(pa.Table.from_pylist(made, TIMELINE.arrow)), TIMELINE)
        self.session, self.exchanges, self.judged, self.total = session, exchanges, judged, total

    @property
    def title(self) -> str:
        """It in a line: which client, how many requests and faults, how the session ended."""
        row, shown = self.session, len(self.exchanges)
        name = row.get("session_fingerprint")
        faults = sum(one["fault"] for verdicts in self.judged.values() for one in verdicts)
        return visible(
            f"{'Client' if name is None else f'Session {pseudonym(name)} of'} "
            f"{cut(row['client'], 80)} at {cut(row['origin'], 80)}, {row['dialect']} "
            f"{row['param']}: {f'the first {shown:,} of ' if shown < self.total else ''}"
            f"{count(self.total, 'request')}, {count(faults, 'fault')}"
            f"{'' if name is None else f', end: {row["end"]}'}"
        )

    def __repr__(self) -> str:
        lines = [self.title]
        for one in (rows := self.rows()):
            if (idle_s := one["idle_s"]) is not None and idle_s >= _PAUSE_S:
                lines.append(f"{'':>12}  idle for {duration(idle_s)}")
            since_s = (one["request_start_us"] - rows[0]["request_start_us"]) / 1e6
            request = cut(f"{one['method']} {one['path']}", _WIDTH)
            answer = one["status"] if one["status"] is not None else one["error"] or "no response"
            lines.append(f"{'+' + duration(since_s):>12}  {request:<{_WIDTH}}  {answer}")
            lines += [f"{'':16}{name} {one[name]}" for name in ("presented", "issued") if one[name]]
            if one["verdicts"]:
                lines.append(f"{'FAULT' if one['faults'] else '':>12}    {one['verdicts']}")
        return visible("\n".join(lines))

    def _repr_html_(self) -> str:
        from statetrail.report.render.session import render_session

        return render_session(self)


def timeline(
    rec: Recording, session: str | int | None = None, *, client: str | None = None
) -> Timeline:
    """The requests of a session in time order, with values, verdicts, faults and idle times.

    Parameters
    ----------
    rec
        The recording.
    session
        The session's name in table `sessions`: its pseudonym (``"~1a2b3c4d"``) or fingerprint. By
        default that of the first fault of the client with most.
    client
        The client that held it first; needed where several have sessions of that name. Without a
        session, what this client's first fault was in: its session, or where it held none that
        matters, all that it did. Of a client without faults, its longest session.

    Returns
    -------
    Timeline
        A frame of the columns `TIMELINE`, one row a request.

    Raises
    ------
    UsageError
        There is no such session, or more than one.
    """
    row = _named(rec, session, client) if session is not None else _most_at_fault(rec, client)
    ids = requests_of(rec, row) if "session_fingerprint" in row else judged_of(rec, row)
    starts = rec.exchanges.lazy.select("exchange_id", "request_start_us")
    order = ("request_start_us", "exchange_id")
    found = starts.join(ids, on="exchange_id", how="inner")
    kept = [one["exchange_id"] for one in rows(found.sort(*order).head(MAX_REQUESTS), *order)]
    judged = defaultdict[int, list[Row]](list)
    wanted = rec.place(pa.table({"exchange_id": pa.array(kept, pa.int64())}))
    for one in rows(verdicts(rec).lazy.join(wanted, on="exchange_id"), "exchange_id", "param"):
        judged[one["exchange_id"]].append(one)
    gathered = {one.exchange: one for one in gather_exchanges(rec, kept)}
    return Timeline(rec, row, [gathered[one] for one in kept], judged, total(ids))


def _named(rec: Recording, session: str | int, client: str | None) -> Row:
    """The row of table `sessions` that has the name. Raises `UsageError`."""
    name = session if isinstance(session, str) else pseudonym(session)
    least, most = (session, session) if isinstance(session, int) else _fingerprints(session)
    value = nw.col("session_fingerprint")
    found = _of(sessions(rec).lazy, client).filter(value >= least, value <= most)
    named = rows(found.sort(*_KEY).head(_FEW), *_KEY)
    if not named:
        raise UsageError(f"there is no session {name}: see table sessions")
    if len(named) > 1:
        of = ", ".join(sorted({f"{row['client']} at {row['origin']}" for row in named}))
        raise UsageError(f"several sessions have the name {name}: those of {of}; give client=")
    return named[0]


def _fingerprints(name: str) -> tuple[int, int]:
    """The least and the greatest fingerprint with that pseudonym. Raises `UsageError`."""
    if _PSEUDONYM.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name of a session: it looks like ~1a2b3c4d")
    least = int(name[1:], 16) << 32
    least -= (least >> 63) << 64  # a fingerprint has a sign
    return least, least + 0xFFFF_FFFF


def _most_at_fault(rec: Recording, client: str | None) -> Row:
    """The session of the first fault of the client with most, or that client by itself."""
    held = _of(sessions(rec).lazy, client)
    faults = _of(verdicts(rec).lazy, client).filter("fault").group_by(*SUBJECT)
    counts = faults.agg(count=nw.len(), first_us=nw.col("request_start_us").min())
    # What has sessions says more.
    holders = held.select(*_HOLDER).unique()
    with_sessions = counts.join(holders, on=list(_HOLDER), how="inner")
    for candidates in (with_sessions, counts) if client is None else (counts,):
        for found in largest(candidates, "count", 1, *SUBJECT):
            same = [nw.col(name) == found[name] for name in _HOLDER]
            before = held.filter(nw.col("first_us") <= found["first_us"], *same)
            return next(iter(largest(before, "first_us", 1, *_KEY)), found)
    for row in largest(held, "requests", 1, *_KEY):
        return row
    of = "the recording has" if client is None else f"client {client!r} has"
    raise UsageError(f"{of} neither a session nor a fault: see tables sessions and clients")


def _of(lazy: Lazy, client: str | None) -> Lazy:
    return lazy if client is None else lazy.filter(nw.col("client") == client)


def _rows(exchanges: Sequence[EvidenceExchange], judged: Mapping[int, Sequence[Row]]) -> list[Row]:
    """The rows of the frame, from exchanges in their order."""
    quiet, made = None, []
    for one in exchanges:
        found = judged.get(one.exchange, ())
        made.append(
            {
                "request_start_us": (one.at - _EPOCH) // timedelta(microseconds=1),
                "exchange_id": one.exchange,
                "client": one.client,
                "idle_s": None if quiet is None else max((one.at - quiet).total_seconds(), 0.0),
                "method": one.method,
                "path": one.path,
                "status": one.status,
                "error": one.error,
                "presented": _values(one.presented),
                "issued": _values(one.issued),
                "verdicts": verdict_words(found),
                "faults": sum(row["fault"] for row in found),
            }
        )
        quiet = max(quiet or one.at, one.ended or one.answered or one.at, one.at)
    return made


def _values(seen: Sequence[StateValue]) -> str:
    notes = (f" ({one.note})" if one.note else "" for one in seen)
    return ", ".join(
        f"{one.param} {cut(one.value, _VALUE)}{note}" for one, note in zip(seen, notes, strict=True)
    )


def verdict_words(found: Sequence[Row]) -> str:
    """Verdicts with their parameters and reasons, those that count against the client first."""
    by_verdict = defaultdict[tuple[bool, str, str], list[str]](list)
    for row in found:
        by_verdict[not row["fault"], row["verdict"], row["reason"] or ""].append(row["param"])
    return "; ".join(
        f"{verdict} {', '.join(params)}{f' ({reason})' if reason else ''}"
        for (_, verdict, reason), params in sorted(by_verdict.items())
    )
