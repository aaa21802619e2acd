"""`statetrail watch`: clients, compliance and resets of a store as they happen."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import apsw
import typer

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
# What a tracker is told late it cannot judge: exchanges are taken in the order of their start,
# once it is unlikely that an earlier one is still to come.
_EXCHANGES: Final = (
    "SELECT exchange_id, coalesce(peer, '-') || ' | ' || coalesce(user_agent, '-'), "
    "scheme || '://' || host || ':' || port, endpoint, method, request_start_us, request_end_us, "
    "response_start_us, response_end_us, status, notes "
    "FROM exchanges WHERE exchange_id > ? ORDER BY exchange_id LIMIT ?"
)
_ISSUED: Final = (
    "SELECT dialect, param, fingerprint, usage, priority, problem FROM issued "
    "WHERE exchange_id = ? ORDER BY ordinal"
)
_PRESENTED: Final = (
    "SELECT dialect, param, fingerprint, channel, kind FROM presented "
    "WHERE exchange_id = ? ORDER BY ordinal"
)


def command(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="A SQLite store, also while it is recorded.")
    ],
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="N", min=0, help="End after that time; else with Ctrl-C."
        ),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", metavar="S", min=0.1, help="Pause between two looks.")
    ] = 1,
) -> None:
    """Show clients, their compliance and resets as they happen, from another terminal.

    On a terminal a table is drawn anew with every look; in a pipe each fault and each change of
    state is one line. Nothing is written to the store.
    """
    from rich.live import Live

    from statetrail.cli.terminal import one_line, stdout
    from statetrail.store import check_store

    if store.is_dir():
        raise UsageError(f"{store} is a folder: watch the SQLite store that is being recorded")
    check_store(store)
    watching = _Watching(store)
    console = stdout()
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    try:
        if console.is_terminal:
            with Live(watching.table(), console=console, auto_refresh=False) as live:
                while time.monotonic() < end:
                    for _ in watching.look():
                        pass
                    live.update(watching.table(), refresh=True)
                    time.sleep(min(every, max(0.0, end - time.monotonic())))
        else:
            while time.monotonic() < end:
                for line in watching.look():
                    print(one_line(line), flush=True)
                time.sleep(min(every, max(0.0, end - time.monotonic())))
    except KeyboardInterrupt:
        pass
    for line in watching.look(final=True):
        if not console.is_terminal:
            print(one_line(line), flush=True)
    print(one_line(watching.standings.line()))


def _exchanges(db: apsw.Connection, after: int, limit: int = 5000) -> list[_Row]:
    return db.execute(_EXCHANGES, (after, limit)).fetchall()


class _Watching:
    """Reads what is new in a store and tells the tracker of it."""

    def __init__(self, store: Path) -> None:
        from statetrail.analyses.conformance.scoreboard import Standings
        from statetrail.analyses.conformance.tracker import Tracker

        self.standings = Standings()
        self._tracker = Tracker()
        self._store = store
        self._last = 0
        self._held: list[tuple[float, _Row]] = []

    def look(self, *, final: bool = False) -> Iterator[str]:
        """What has happened since the last look, a line each."""
        now = time.monotonic()
        with closing(connect(self._store, "read")) as db:
            while rows := _exchanges(db, self._last):
                self._held += [(now, row) for row in rows]
                self._last = rows[-1][0]
            due: list[_Row] = []
            held: list[tuple[float, _Row]] = []
            for since, row in self._held:
                again = row
                if UNDER_WAY in row[-1]:
                    found = _exchanges(db, row[0] - 1, 1)
                    again = found[0] if found and found[0][0] == row[0] else row
                waits = UNDER_WAY in again[-1] or now - since < _LAG_S
                if waits and not final:
                    held.append((since, again))
                else:
                    due.append(again)
            self._held = held
            yield from self._tell(db, due, final=final)

    def _tell(self, db: apsw.Connection, rows: list[_Row], *, final: bool) -> Iterator[str]:
        from statetrail.analyses.conformance.tracker import Event, Exchange
        from statetrail.analyses.conformance.visibility import Issue, Presented

        events: list[Event] = []
        latest: dict[tuple[str, str], int] = {}
        for row in sorted(rows, key=lambda each: int(each[5])):
            number, client, origin, endpoint, method, start, sent, begun, ended, status, _ = row
            self.standings.asked(client, origin, client, origin)
            issued = [Issue(*each) for each in db.execute(_ISSUED, (number,))]
            presented = [Presented(*each) for each in db.execute(_PRESENTED, (number,))]
            done = Exchange(
                *(number, client, origin, endpoint, method, start, sent, begun, ended, status),
                issued=issued,
                presented=presented,
            )
            events += self._tracker.started(number, client, origin, start)
            events += self._tracker.completed(done)
            latest[client, origin] = max(done.begun, latest.get((client, origin), 0))
        # What a quiet client did last is final as well: what comes later starts later, as a rule.
        for (client, origin), at in latest.items():
            events += self._tracker.started(-1, client, origin, at + 1)
            events += self._tracker.abandoned(-1, client, origin)
        if final:
            events += self._tracker.flush()
        for event in events:
            yield from self._said(event)

    def _said(self, event: object) -> Iterator[str]:
        from statetrail.analyses.conformance.tracker import Change, Verdict
        from statetrail.analyses.conformance.visibility import FAULTS
        from statetrail.schema import pseudonym

        assert isinstance(event, (Verdict, Change))
        self.standings.take(event)
        when = time.strftime("%H:%M:%S", time.gmtime(event.at_us / 1_000_000))
        who = f"{when} {event.client} at {event.origin}:"
        if isinstance(event, Verdict) and event.verdict in FAULTS:
            yield f"{who} {event.verdict} {event.param} (exchange {event.exchange_id})"
        elif isinstance(event, Change) and event.change != "kept":
            yield f"{who} {event.param} {event.change} {pseudonym(event.fingerprint)}"

    def table(self) -> "Table":
        """The clients as they stand."""
        from statetrail.cli.terminal import table, text

        made = table(
            self.standings.line(),
            ("client", "origin", "requests", "compliance", "resets", "faults"),
            right=("requests", "compliance", "resets"),
        )
        for each in self.standings.ranked()[:ROWS]:
            share = each.compliance
            others = [(v, n) for v, n in each.verdicts.most_common() if v != "honoured"]
            made.add_row(
                *(text(each.client), text(each.origin), str(each.requests)),
                "-" if share is None else f"{share:.0%}",
                str(each.changes["reset"]),
                text(", ".join(f"{n} {v}" for v, n in others)),
            )
        return made
