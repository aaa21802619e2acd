"""The timeline of a session or a client: requests in their order, with what they carried and did.

Enters: a recording, and which session or client. Leaves: a `Timeline`, a frame with a row for each
request, which a terminal shows as text and a notebook as the swim-lane of the report.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.sessions.sessions import sessions
from statetrail.errors import UsageError
from statetrail.recording.frames import Frame, Recording
from statetrail.report.counting import Row, rows
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
_KEY: Final = (*SUBJECT, "session_fingerprint")

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
    has_session = "session_fingerprint" in row
    ids = _in_time(rec, requests_of(rec, row) if has_session else judged_of(rec, row))
    kept = ids[:MAX_REQUESTS]
    judged = defaultdict[int, list[Row]](list)
    wanted = rec.place(pa.table({"exchange_id": pa.array(kept, pa.int64())}))
    for one in rows(verdicts(rec).lazy.join(wanted, on="exchange_id"), "exchange_id", "param"):
        judged[one["exchange_id"]].append(one)
    gathered = {one.exchange: one for one in gather_exchanges(rec, kept)}
    return Timeline(rec, row, [gathered[one] for one in kept], judged, len(ids))


def _named(rec: Recording, session: str | int, client: str | None) -> Row:
    """The row of table `sessions` that has the name. Raises `UsageError`."""
    name = session if isinstance(session, str) else pseudonym(session)
    named = [
        row
        for row in rows(sessions(rec).lazy, *_KEY)
        if session in (row["session_fingerprint"], pseudonym(row["session_fingerprint"]))
        and client in (None, row["client"])
    ]
    if not named:
        raise UsageError(f"there is no session {name}: see table sessions")
    if len(named) > 1:
        of = ", ".join(sorted({f"{row['client']} at {row['origin']}" for row in named}))
        raise UsageError(f"several sessions have the name {name}: those of {of}; give client=")
    return named[0]


def _most_at_fault(rec: Recording, client: str | None) -> Row:
    """The session of the first fault of the client with most, or that client by itself."""
    held = defaultdict[tuple[Any, ...], list[Row]](list)
    for row in rows(sessions(rec).lazy, *_KEY):
        if client in (None, row["client"]):
            held[tuple(row[name] for name in SUBJECT[:-1])].append(row)
    faults = verdicts(rec).lazy.filter("fault").group_by(*SUBJECT)
    counts = faults.agg(count=nw.len(), first_us=nw.col("request_start_us").min())
    own = [row for row in rows(counts, *SUBJECT) if client in (None, row["client"])]
    # What has sessions says more.
    own.sort(key=lambda row: (client is None and _subject(row) not in held, -row["count"]))
    if own:
        found = own[0]
        began = [s for s in held.get(_subject(found), ()) if s["first_us"] <= found["first_us"]]
        return max(began, key=lambda row: row["first_us"]) if began else found
    if not held:
        of = "the recording has" if client is None else f"client {client!r} has"
        raise UsageError(f"{of} neither a session nor a fault: see tables sessions and clients")
    return max((row for each in held.values() for row in each), key=lambda row: row["requests"])


def _subject(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in SUBJECT[:-1])


def _in_time(rec: Recording, ids: Iterable[int]) -> list[int]:
    """The exchanges in the order of their requests."""
    wanted = rec.place(pa.table({"exchange_id": pa.array(ids, pa.int64())}))
    starts = rec.exchanges.lazy.select("exchange_id", "request_start_us")
    ordered = rows(starts.join(wanted, on="exchange_id"), "request_start_us", "exchange_id")
    return [row["exchange_id"] for row in ordered]


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
