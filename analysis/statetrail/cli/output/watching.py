"""Clients, their compliance and resets while a store is recorded: read, judged and drawn.

Enters: a store that a recorder may be writing. Leaves: lines of events, and a table of clients. The
store is only read.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from statetrail.dialects import Dialect
from statetrail.errors import StoreError
from statetrail.extract.records import OPERATED, UNDER_WAY
from statetrail.recording.conversations import grace_us, origin
from statetrail.schema import CLIENT_BY, EXCHANGES, ISSUED, PRESENTED, Table
from statetrail.schema.clients import (
    DECLARED,
    check_client_by,
    client_name,
    default_client_by,
)
from statetrail.store.file_header import read_only

if TYPE_CHECKING:
    from rich.console import RenderableType

type _Row = tuple[Any, ...]

ROWS: Final = 20
_LAG_S: Final = 2.0
# The tracker needs exchanges in the order of their start: each is held back until an earlier one
# is unlikely to be still under way.
_TRACKED: Final = (
    *("endpoint", "method", "request_start_us", "request_end_us", "response_start_us"),
    *("response_end_us", "status", "age_s", "fetch_dest", "redirect_endpoint", "request_origin"),
    *("exposed_headers", "has_cookies", "fetch_mode"),
)
_EXCHANGE: Final = ("exchange_id", "scheme", "host", "port", *_TRACKED, "notes")
_NOTES: Final = _EXCHANGE.index("notes")
_START: Final = _EXCHANGE.index("request_start_us")
_ISSUE: Final = ("dialect", "param", "fingerprint", "usage", "priority", "problem", "channel")
_SHOWN: Final = ("dialect", "param", "fingerprint", "channel", "kind")
_OF_EXCHANGE: Final = "WHERE exchange_id = ? ORDER BY ordinal"


class Watch:
    """Reads new exchanges from a store and gives them to the tracker."""

    def __init__(
        self,
        store: Path,
        client_by: Sequence[str] | None,
        grace_ms: float,
        dialects: Sequence[Dialect],
    ) -> None:
        from statetrail.analyses.conformance.scoreboard import Scoreboard
        from statetrail.analyses.conformance.tracker import Tracker

        with read_only(store) as db:
            self._version: int = db.execute("PRAGMA user_version").get
            sql = self._select(EXCHANGES, ("source",), "WHERE source IS NOT NULL LIMIT 1")
            imported = EXCHANGES.holds("source", self._version) and bool(db.execute(sql).fetchall())
        self._client_by = tuple(client_by or default_client_by(imported=imported))
        check_client_by(self._client_by)
        self._columns = (*_EXCHANGE, *(CLIENT_BY[name] for name in self._client_by))
        end = "WHERE exchange_id > ? ORDER BY exchange_id LIMIT ?"
        self._exchanges_sql = self._select(EXCHANGES, self._columns, end)
        self._issued_sql = self._select(ISSUED, _ISSUE, _OF_EXCHANGE)
        self._presented_sql = self._select(PRESENTED, _SHOWN, _OF_EXCHANGE)
        self.scoreboard = Scoreboard()
        self._tracker = Tracker(
            dialects,
            grace_us=grace_us(grace_ms),
            declared=any(name in DECLARED for name in self._client_by),
        )
        self._declared = {dialect.name for dialect in dialects if dialect.by_declaration}
        self._unjudged: set[str] = set()
        self._store = store
        self._last = 0
        self._held: list[tuple[float, _Row]] = []

    def poll(self, *, final: bool = False) -> Iterator[str]:
        """The events since the last poll, a line each."""
        now = time.monotonic()
        with read_only(self._store) as db:
            while rows := self._exchanges(db, self._last):
                if rows[-1][0] <= self._last:
                    raise StoreError(f"{self._store} is a damaged store (exchanges out of order)")
                self._held += [(now, row) for row in rows]
                self._last = rows[-1][0]
            complete: list[_Row] = []
            held: list[tuple[float, _Row]] = []
            for since, row in self._held:
                current = row
                if UNDER_WAY in row[_NOTES]:
                    rows = self._exchanges(db, row[0] - 1, 1)
                    current = rows[0] if rows and rows[0][0] == row[0] else row
                pending = UNDER_WAY in current[_NOTES] or now - since < _LAG_S
                if pending and not final:
                    held.append((since, current))
                else:
                    complete.append(current)
            self._held = held
            yield from self._track(db, complete, final=final)

    def _select(self, table: Table, columns: Sequence[str], end: str) -> str:
        """The statement for some columns, by their names in this store's version."""
        known = {column.name: column for column in table.columns}
        names = (
            known[name].named(self._version) if table.holds(name, self._version) else "NULL"
            for name in columns
        )
        return f"SELECT {', '.join(names)} FROM {table.named(self._version)} {end}"  # noqa: S608

    def _exchanges(self, db: apsw.Connection, after: int, limit: int = 5000) -> list[_Row]:
        return self._rows(db, EXCHANGES, self._columns, self._exchanges_sql, after, limit)

    def _rows(
        self, db: apsw.Connection, table: Table, names: Sequence[str], sql: str, *values: int
    ) -> list[_Row]:
        """Rows of what a statement selects; raises `StoreError` if they are not of their types."""
        rows = db.execute(sql, values).fetchall()
        if not all(table.fits(names, row) for row in rows):
            raise StoreError(f"{self._store} is a damaged store (values of {table.name})")
        return rows

    def _track(self, db: apsw.Connection, rows: list[_Row], *, final: bool) -> Iterator[str]:
        from statetrail.analyses.conformance.tracker import Event, Exchange
        from statetrail.analyses.conformance.visibility import Issue, Presented

        events: list[Event] = []
        latest: dict[tuple[str, str], int] = {}
        for row in sorted(rows, key=lambda each: int(each[_START])):
            if not set(row[_NOTES].split(",")).isdisjoint(OPERATED):
                continue
            number, scheme, host, port, *tracked = row[:_NOTES]
            client, origin_ = client_name(row[_NOTES + 1 :]), origin(scheme, host, port)
            self.scoreboard.count(client, origin_, client, origin_)
            issues = self._rows(db, ISSUED, _ISSUE, self._issued_sql, number)
            issued = [Issue(*each) for each in issues]
            shown = self._rows(db, PRESENTED, _SHOWN, self._presented_sql, number)
            presented = [Presented(*each) for each in shown]
            spoken = {each.dialect for each in issued} | {each.dialect for each in presented}
            self._unjudged |= self._declared & spoken
            exchange = Exchange(*(number, client, origin_, *tracked, issued, presented))
            events += self._tracker.started(number, client, origin_, row[_START])
            events += self._tracker.completed(exchange)
            before = latest.get((client, origin_), 0)
            latest[client, origin_] = max(exchange.issue_start_us, before)
        # The last exchange of a quiet client is final too: a later one starts later, as a rule.
        for (client, origin_), at in latest.items():
            events += self._tracker.started(-1, client, origin_, at + 1)
            events += self._tracker.abandoned(-1, client, origin_)
        if final:
            events += self._tracker.flush()
        for event in events:
            yield from self._lines(event)

    def _lines(self, event: object) -> Iterator[str]:
        from statetrail.analyses.conformance.tracker import Change, Provisional, Verdict
        from statetrail.schema import pseudonym

        assert isinstance(event, (Verdict, Provisional, Change))
        self.scoreboard.take(event)
        so_far = ""
        if isinstance(event, Provisional):
            event, so_far = event.verdict, ", so far"
        time_us = event.request_start_us if isinstance(event, Verdict) else event.response_start_us
        when = time.strftime("%H:%M:%S", time.gmtime(time_us / 1_000_000))
        prefix = f"{when} {event.client} at {event.origin}:"
        if isinstance(event, Verdict):
            what = f"{event.verdict} {event.param} (exchange {event.exchange_id}{so_far})"
            if event.fault and event.settles is None:
                yield f"{prefix} {what}"
            elif event.settles is not None and event.settles.fault and not event.fault:
                yield f"{prefix} no fault, {event.reason}: {what}"
        elif isinstance(event, Change) and event.change != "kept":
            yield f"{prefix} {event.param} {event.change} {pseudonym(event.fingerprint)}"

    def line(self) -> str:
        """All in one line, with the dialects that have no live verdicts."""
        names = f"; judged by audit alone: {', '.join(sorted(self._unjudged))}"
        return self.scoreboard.line() + (names if self._unjudged else "")

    def table(self, width: int) -> "RenderableType":
        """The clients at this moment, in a table or paragraphs of that width."""
        from statetrail.analyses.conformance.verdict import FAULTS
        from statetrail.report.render.terminal import layout, text

        rows = []
        for each in self.scoreboard.ranked()[:ROWS]:
            share = each.compliance
            faults = [(v, n) for v, n in each.verdicts.most_common() if v in FAULTS and n]
            cells = (
                *(each.client, each.origin, each.requests),
                "-" if share is None else f"{share:.0%}",
                each.changes["reset"],
                ", ".join(f"{n} {v}" for v, n in faults),
            )
            rows.append([text(cell) for cell in cells])
        names = ("client", "origin", "requests", "compliance", "resets", "faults")
        return layout(self.line(), names, rows, width, right=names[2:5])
