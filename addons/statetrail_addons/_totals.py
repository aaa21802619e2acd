"""What a recorder that `statetrail record` started says on standard error: a line of totals.

Enters: recorded exchanges. Leaves: how many there are, of how many clients, and what is missing; on
a terminal also while it records, in one line that is drawn anew.
"""

import asyncio
import logging
import sys
from typing import Final

from statetrail.extract.exchange_row import ExchangeRow
from statetrail.store.live.journal import Journal

PAUSE_S: Final = 1.0
MAX_CLIENTS: Final = 100_000
_CLEAR: Final = "\r\x1b[K"


class Totals:
    """Counts of one run."""

    def __init__(self) -> None:
        self._in_scope = 0
        self._clients: set[tuple[str | None, ...]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._drawn = False

    def count(self, row: ExchangeRow) -> None:
        """Count an exchange."""
        if row.dialects:
            self._in_scope += 1
        if len(self._clients) < MAX_CLIENTS:
            self._clients.add((row.peer, row.user_agent))

    def line(self, journal: Journal) -> str:
        """The counts as a sentence."""
        missing = [f"{journal.lost:,} lost"] if journal.lost else []
        missing += [f"{journal.refused:,} refused by mitmproxy"] if journal.refused else []
        missing += [f"{journal.waiting:,} not yet stored"] if journal.waiting else []
        clients = _number(len(self._clients), "client")
        return (
            f"{_number(journal.recorded, 'exchange')} recorded ({self._in_scope:,} in scope), "
            f"{'at least ' if len(self._clients) == MAX_CLIENTS else ''}{clients}, "
            f"{_number(journal.gaps, 'gap')}{f' ({", ".join(missing)})' if missing else ''}"
        )

    def draw(self, journal: Journal) -> None:
        """Show the counts from now on, where standard error is a terminal."""
        if not sys.stderr.isatty():
            return
        if self._timer is None:
            logging.getLogger().handlers.insert(0, _Clearing(self))
        sys.stderr.write(f"{_CLEAR}{self.line(journal)}")
        sys.stderr.flush()
        self._drawn = True
        self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self.draw, journal)

    def clear(self) -> None:
        """Remove the line that was drawn."""
        if self._drawn:
            self._drawn = False
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def end(self, journal: Journal, problem: str | None) -> None:
        """Show the last counts."""
        if self._timer is not None:
            self._timer.cancel()
        self.clear()
        sys.stderr.write(f"{self.line(journal)}{f'; {problem}' if problem else ''}\n")
        sys.stderr.flush()


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


class _Clearing(logging.Handler):
    """Removes the line before something else is written to the terminal."""

    def __init__(self, totals: Totals) -> None:
        super().__init__()
        self._totals = totals

    def emit(self, record: logging.LogRecord) -> None:
        self._totals.clear()
