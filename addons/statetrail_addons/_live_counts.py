"""Counts of what the live judge says, which only grow: what Prometheus asks of a counter.

Enters: exchanges and the tracker's events. Leaves: counts by dialect, parameter and verdict or
change. The labels are those that dialects declare, so that no traffic can add any.

A fault may be excused by what its sender does later. It is counted as withdrawn then; the faults
that count are the difference.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from statetrail.analyses.conformance.transitions import Change, Event, Provisional, Verdict
from statetrail.analyses.conformance.verdict import FAULTS, HONOURED
from statetrail.dialects import Dialect
from statetrail.extract.exchange_row import ExchangeRow

UNDECLARED: Final = "undeclared"
"""The label of parameters that no dialect declares: their names are the server's."""

type Label = tuple[str, str, str]
"""Dialect, parameter, and verdict or change."""


class LiveCounts:
    """Counts since the recorder started.

    Attributes
    ----------
    in_scope
        Exchanges by dialect that recognised something in them.
    faults, withdrawn
        Faults given, and those of them that were excused since.
    honoured
        Verdicts ``honoured``, by dialect and parameter.
    changes
        Changes of state: ``rotated``, ``reset`` and so on.
    """

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        dialects = tuple(dialects)
        self._params = {d.name: {param.name for param in d.params} for d in dialects}
        self._unjudged = {d.name for d in dialects if d.by_declaration}
        self.in_scope: Counter[str] = Counter()
        self.faults: Counter[Label] = Counter()
        self.withdrawn: Counter[Label] = Counter()
        self.honoured: Counter[tuple[str, str]] = Counter()
        self.changes: Counter[Label] = Counter()

    def completed(self, row: ExchangeRow) -> None:
        """An exchange completed."""
        if not row.dialects:
            return
        for name in row.dialects.split(","):
            if name not in self.in_scope:
                self._begin(name)
            self.in_scope[name] += 1

    def _begin(self, dialect: str) -> None:
        """Counts from zero on: a series that begins with 1 shows no increase.

        A dialect without live verdicts has none of these: a zero would say that nothing is wrong.
        """
        for param in self._params.get(dialect, ()):
            self.changes[dialect, param, "rotated"] += 0
            if dialect in self._unjudged:
                continue
            self.changes[dialect, param, "reset"] += 0
            for verdict in FAULTS:
                self.faults[dialect, param, verdict] += 0
            self.honoured[dialect, param] += 0

    def take(self, event: Event) -> None:
        """Count an event."""
        match event:
            case Provisional(verdict=verdict):
                self._add(verdict, None)
            case Verdict(settles=so_far):
                self._add(event, so_far)
            case Change(change=change):
                self.changes[*self._of(event), change] += 1

    def _add(self, verdict: Verdict, before: Verdict | None) -> None:
        dialect, param = self._of(verdict)
        if before is not None and (before.verdict, before.fault) == (
            verdict.verdict,
            verdict.fault,
        ):
            return
        if before is not None and before.fault:
            self.withdrawn[dialect, param, before.verdict] += 1
        if verdict.fault:
            self.faults[dialect, param, verdict.verdict] += 1
        elif verdict.verdict == HONOURED:
            self.honoured[dialect, param] += 1

    def _of(self, subject: Verdict | Change) -> tuple[str, str]:
        known = subject.param in self._params.get(subject.dialect, ())
        return subject.dialect, subject.param if known else UNDECLARED
