"""The scoreboard of clients: counts of the tracker's events, one client and origin at a time.

Enters: the events of a `Tracker`, and what clients are to be called. Leaves: one line a client, and
one for all. The memory is bounded: the client that was silent for the longest is forgotten.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

from statetrail.analyses.conformance.transitions import Change, Event, Provisional, Verdict
from statetrail.analyses.conformance.verdict import FAULTS

MAX_CLIENTS: Final = 10_000


@dataclass(slots=True)
class Score:
    """What one client at one origin did so far."""

    client: str
    origin: str
    requests: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    """Verdicts that count, by name: those honoured, and the faults."""
    changes: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> int:
        """Verdicts that count against it."""
        return sum(self.verdicts[fault] for fault in FAULTS)

    @property
    def compliance(self) -> float | None:
        """The share of what counts that was honoured; `None` where nothing counts yet."""
        judged = self.verdicts["honoured"] + self.faults
        return self.verdicts["honoured"] / judged if judged else None

    def line(self) -> str:
        """The client in one line."""
        resets = f"; {self.changes['reset']} reset" if self.changes["reset"] else ""
        return (
            f"{self.client} at {self.origin}: {self.requests} requests, "
            f"{_counted(self.verdicts)}{resets}"
        )


class Scoreboard:
    """All clients that are known of."""

    def __init__(self) -> None:
        self.exchanges = 0
        self.verdicts: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self._known: OrderedDict[tuple[str, str], Score] = OrderedDict()

    def of(self, client: str, origin: str) -> Score:
        """The score of a client at an origin."""
        key = (client, origin)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Score(client, origin)
            if len(self._known) > MAX_CLIENTS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known

    def count(self, client: str, origin: str, shown_client: str, shown_origin: str) -> None:
        """Count an exchange; the last two are what the client and origin are called."""
        self.exchanges += 1
        known = self.of(client, origin)
        known.client, known.origin = shown_client, shown_origin
        known.requests += 1

    def take(self, event: Event) -> Score:
        """Count an event; returns whose it is."""
        known = self.of(event.client, event.origin)
        match event:
            case Provisional(verdict=verdict):
                self._add(known, verdict, 1)
            case Verdict(settles=so_far):
                if so_far is not None:
                    self._add(known, so_far, -1)
                self._add(known, event, 1)
            case Change(change=change):
                known.changes[change] += 1
                self.changes[change] += 1
        return known

    def _add(self, known: Score, verdict: Verdict, times: int) -> None:
        if verdict.fault or verdict.verdict not in FAULTS:
            known.verdicts[verdict.verdict] += times
            self.verdicts[verdict.verdict] += times

    def ranked(self) -> list[Score]:
        """All clients, those with most faults first."""
        return sorted(self._known.values(), key=lambda each: (-each.faults, -each.requests))

    def line(self) -> str:
        """All in one line."""
        return (
            f"{self.exchanges} exchanges, {len(self._known)} clients, {_counted(self.verdicts)}; "
            f"{self.changes['reset']} resets"
        )


def _counted(verdicts: Counter[str]) -> str:
    faults = {fault: verdicts[fault] for fault in FAULTS if verdicts[fault]}
    judged = verdicts["honoured"] + sum(faults.values())
    if not judged:
        return "nothing judged yet"
    share = f"{verdicts['honoured'] / judged:.0%} of {judged} honoured"
    return ", ".join([share, *(f"{count} {fault}" for fault, count in faults.items())])
