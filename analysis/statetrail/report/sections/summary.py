"""The summary: how much state is honoured, how that differs between clients, what would help most.

Enters: the sections on clients and findings. Leaves: `Overall` and at most three `Action`s.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import quantiles
from typing import Annotated, Final, Literal, Self

import msgspec

from statetrail.report.section import Gathering, OfParameter, Section, meaning
from statetrail.report.sections.clients import Client, ClientsSection
from statetrail.report.sections.findings import Card, FindingsSection
from statetrail.report.sections.quality import Capture
from statetrail.report.wording import count, percent, tally
from statetrail.rules import SEVERITIES
from statetrail.rules.rule import Severity

LIVE: Final = "live"
"""The source of what the recorder recorded."""
MAX_ACTIONS: Final = 3
FEW: Final = 0.05
"""A share of faults up to this is no bad news."""
MANY: Final = 0.25
"""A share of faults above this is bad news."""

type Tone = Literal["good", "fair", "bad", "neutral"]


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """Compliance of all clients together, and how it differs between them."""

    honoured: int
    judged: Annotated[int, meaning("Verdicts that count")]
    compliance: Annotated[float, meaning("honoured / judged")]
    clients: Annotated[int, meaning("Clients with verdicts that count")]
    at_fault: Annotated[int, meaning("Those of them with a fault")]
    worst_client: str
    worst: Annotated[float, meaning("Its compliance, the lowest of a client")]
    lower_quartile: Annotated[float, meaning("A quarter of the clients comply less")]
    median: float
    upper_quartile: Annotated[float, meaning("A quarter of the clients comply more")]
    best: float

    @property
    def tone(self) -> Tone:
        """Whether its figure is good news."""
        return tone(self.judged - self.honoured, self.judged)

    @property
    def spread(self) -> str:
        """How compliance differs between clients, in a sentence."""
        worst = f"`{self.worst_client}`"
        if self.clients == 1:
            return f"The only client that is judged is {worst}."
        if self.worst == self.best:
            return f"It is the same for each of {count(self.clients, 'client')}."
        return (
            f"Worst of {count(self.clients, 'client')}: {percent(self.worst)} ({worst}). "
            f"Quartiles: {percent(self.lower_quartile)}, {percent(self.median)}, "
            f"{percent(self.upper_quartile)}."
        )


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about the findings of one rule, and what that would mend."""

    rule: str
    title: str
    severity: Severity
    audience: str
    remedy: str
    faults: Annotated[int, meaning("Verdicts that would no longer be faults")]
    requests: Annotated[int, meaning("How often the rule was broken")]
    clients: Annotated[int, meaning("Clients that it was found of; 0: it is about no client")]

    def effect(self, faults: int) -> str:
        """What it would mend, of so many faults, in a few words."""
        of_clients = f" of {count(self.clients, 'client')}" if self.clients else ""
        if self.faults:
            share = percent(self.faults / max(faults, self.faults))
            return f"mends {self.faults:,} of {count(faults, 'fault')} ({share}){of_clients}"
        return f"mends no fault, but {count(self.requests, 'occurrence')}{of_clients}"


class SummarySection(Section, frozen=True, kw_only=True):
    """Overall compliance, and what would help most."""

    overall: Annotated[Overall | None, meaning("null: no client is judged")] = None
    actions: Annotated[
        tuple[Action, ...],
        meaning("By the faults that they mend, then by severity and how often; at most three"),
    ] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the sections on clients and findings."""
        return cls(
            overall=overall(gathering.section(ClientsSection).clients),
            actions=actions(gathering.section(FindingsSection).cards),
        )

    def scope(self, capture: Capture, parameters: Sequence[OfParameter]) -> str:
        """Who recorded what of which dialects, and how much of it was judged; in sentences."""
        sources = Counter(one.source for one in capture.sources)
        live, imported = sources.pop(LIVE, 0), sources.total()
        runs = [count(live, "run of the recorder", "runs of the recorder")] if live else []
        if imported:
            runs.append(f"{count(imported, 'imported capture')} ({tally(sources)})")
        dialects = ", ".join(f"`{name}`" for name in sorted({one.dialect for one in parameters}))
        judged = (
            f"{count(self.overall.clients, 'client')} judged by "
            f"{count(self.overall.judged, 'verdict')}"
            if self.overall is not None
            else "no client judged"
        )
        return (
            (f"Recorded by {' and '.join(runs)}. " if runs else "")
            + f"{capture.in_scope:,} of {count(capture.exchanges, 'exchange')} in the scope of "
            + f"{dialects or 'a dialect'}; {judged}."
        )

    @property
    def faults(self) -> int:
        """All faults."""
        return self.overall.judged - self.overall.honoured if self.overall is not None else 0


def tone(faults: int, judged: int) -> Tone:
    """Whether a number of faults is good news: by their share.

    >>> tone(0, 10), tone(2, 100), tone(2, 10), tone(2, 4)
    ('good', 'neutral', 'fair', 'bad')
    """
    if not faults:
        return "good"
    if faults <= FEW * judged:
        return "neutral"
    return "fair" if faults <= MANY * judged else "bad"


def overall(clients: Sequence[Client]) -> Overall | None:
    """Compliance of all clients, of which each counts once, whatever the origins; `None`: nobody.

    Quartiles are interpolated between clients, and include the worst and the best.
    """
    judged, faults = Counter[str](), Counter[str]()
    for row in clients:
        if row.judged:
            judged[row.client] += row.judged
            faults[row.client] += row.faults
    if not judged:
        return None
    shares = {name: 1 - faults[name] / number for name, number in judged.items()}
    worst = min(shares, key=lambda name: (shares[name], -faults[name], name))
    ordered = sorted(shares.values())
    lower, median, upper = quantiles(ordered * (2 if len(ordered) == 1 else 1), method="inclusive")
    total, wrong = judged.total(), faults.total()
    return Overall(
        honoured=total - wrong,
        judged=total,
        compliance=(total - wrong) / total,
        clients=len(judged),
        at_fault=sum(number > 0 for number in faults.values()),
        worst_client=worst,
        worst=shares[worst],
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        best=ordered[-1],
    )


def actions(cards: Iterable[Card]) -> tuple[Action, ...]:
    """What would help most: by faults, then by severity, then by how often.

    What is only information, and what is about the capture, mends nothing of the traffic.
    """
    found = [
        Action(
            rule=card.rule,
            title=card.first.title,
            severity=card.first.severity,
            audience=card.first.audience,
            remedy=card.first.remedy,
            faults=card.faults,
            requests=card.count,
            clients=card.clients,
        )
        for card in cards
        if card.first.severity != "info" and card.first.audience != "capture"
    ]
    found.sort(
        key=lambda one: (-one.faults, -SEVERITIES.index(one.severity), -one.requests, one.rule)
    )
    return tuple(found[:MAX_ACTIONS])
