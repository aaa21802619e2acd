"""`statetrail watch`: clients, their compliance and resets while a store is recorded."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import apsw

from statetrail.cli.options import argument, option
from statetrail.errors import UsageError
from statetrail.extract.records import UNDER_WAY
from statetrail.store.connection import connect

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """[b]Examples[/b]

statetrail watch shop.sqlite

statetrail watch shop.sqlite --seconds 60 > events.txt"""

type _Row = tuple[Any, ...]

ROWS: Final = 20
_LAG_S: Final = 2.0
# The tracker needs exchanges in the order of their start: each is held back until an earlier one
# is unlikely to be still under way.
_EXCHANGES: Final = (
    "SELECT exchange_id, coalesce(peer, '-') || ' | ' || coalesce(user_agent, '-'), "
    "scheme || '://' || host || ':' || port, endpoint, method, request_start_us, request_end_us, "
    "response_start_us, response_end_us, status, age_s, fetch_dest, redirect_endpoint, "
    "request_origin, exposed_headers, notes "
    "FROM exchanges WHERE exchange_id > ? ORDER BY exchange_id LIMIT ?"
)
_ISSUED: Final = (
    "SELECT dialect, param, fingerprint, usage, priority, problem, channel FROM issued "
    "WHERE exchange_id = ? ORDER BY ordinal"
)
_PRESENTED: Final = (
    "SELECT dialect, param, fingerprint, channel, kind FROM presented "
    "WHERE exchange_id = ? ORDER BY ordinal"
)


def command(
    store: Annotated[Path, argument("STORE", "A SQLite store, also one that is being recorded.")],
    seconds: Annotated[
        float | None, option("--seconds N", "End after this time; by default at Ctrl-C.", min=0)
    ] = None,
    every: Annotated[float, option("--every S", "Polling interval in seconds.", min=0.1)] = 1,
) -> None:
    """Show clients, their compliance and resets while a store is recorded, from another terminal.

    On a terminal a table is redrawn at each poll; in a pipe each fault and each change of state is
    one line. Nothing is written to the store.
    """
    from rich.live import Live

    from statetrail.cli.output.terminal import one_line, stdout
    from statetrail.store import check_store

    if store.is_dir():
        raise UsageError(f"{store} is a folder: watch the SQLite store that is being recorded")
    check_store(store)
    watch = _Watch(store)
    console = stdout()
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    live = Live(watch.table(), console=console, auto_refresh=False)

    def show(events: Iterable[str]) -> None:
        for line in events:
            if not console.is_terminal:
                print(one_line(line), flush=True)

    with suppress(KeyboardInterrupt), live if console.is_terminal else nullcontext():
        while time.monotonic() < end:
            show(watch.poll())
            if console.is_terminal:
                live.update(watch.table(), refresh=True)
            time.sleep(min(every, max(0.0, end - time.monotonic())))
    show(watch.poll(final=True))
    print(one_line(watch.scoreboard.line()))


def _exchanges(db: apsw.Connection, after: int, limit: int = 5000) -> list[_Row]:
    return db.execute(_EXCHANGES, (after, limit)).fetchall()


class _Watch:
    """Reads new exchanges from a store and gives them to the tracker."""

    def __init__(self, store: Path) -> None:
        from statetrail.analyses.conformance.scoreboard import Scoreboard
        from statetrail.analyses.conformance.tracker import Tracker

        self.scoreboard = Scoreboard()
        self._tracker = Tracker()
        self._store = store
        self._last = 0
        self._held: list[tuple[float, _Row]] = []

    def poll(self, *, final: bool = False) -> Iterator[str]:
        """The events since the last poll, a line each."""
        now = time.monotonic()
        with closing(connect(self._store, "read")) as db:
            while rows := _exchanges(db, self._last):
                self._held += [(now, row) for row in rows]
                self._last = rows[-1][0]
            complete: list[_Row] = []
            held: list[tuple[float, _Row]] = []
            for since, row in self._held:
                current = row
                if UNDER_WAY in row[-1]:
                    rows = _exchanges(db, row[0] - 1, 1)
                    current = rows[0] if rows and rows[0][0] == row[0] else row
                pending = UNDER_WAY in current[-1] or now - since < _LAG_S
                if pending and not final:
                    held.append((since, current))
                else:
                    complete.append(current)
            self._held = held
            yield from self._track(db, complete, final=final)

    def _track(self, db: apsw.Connection, rows: list[_Row], *, final: bool) -> Iterator[str]:
        from statetrail.analyses.conformance.tracker import Event, Exchange
        from statetrail.analyses.conformance.visibility import Issue, Presented

        events: list[Event] = []
        latest: dict[tuple[str, str], int] = {}
        for row in sorted(rows, key=lambda each: int(each[5])):
            number, client, origin, *_ = row
            self.scoreboard.count(client, origin, client, origin)
            issued = [Issue(*each) for each in db.execute(_ISSUED, (number,))]
            presented = [Presented(*each) for each in db.execute(_PRESENTED, (number,))]
            exchange = Exchange(*(*row[:15], issued, presented))
            events += self._tracker.started(number, client, origin, row[5])
            events += self._tracker.completed(exchange)
            latest[client, origin] = max(exchange.issue_start_us, latest.get((client, origin), 0))
        # The last exchange of a quiet client is final too: a later one starts later, as a rule.
        for (client, origin), at in latest.items():
            events += self._tracker.started(-1, client, origin, at + 1)
            events += self._tracker.abandoned(-1, client, origin)
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

    def table(self) -> "Table":
        """The clients at this moment."""
        from statetrail.cli.output.terminal import table, text

        result = table(
            self.scoreboard.line(),
            ("client", "origin", "requests", "compliance", "resets", "faults"),
            right=("requests", "compliance", "resets"),
        )
        for each in self.scoreboard.ranked()[:ROWS]:
            share = each.compliance
            others = [(v, n) for v, n in each.verdicts.most_common() if v != "honoured"]
            result.add_row(
                *(text(each.client), text(each.origin), str(each.requests)),
                "-" if share is None else f"{share:.0%}",
                str(each.changes["reset"]),
                text(", ".join(f"{n} {v}" for v, n in others)),
            )
        return result
