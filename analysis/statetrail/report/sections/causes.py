"""Root causes and overrides: why state was ignored, and what became of values of clients' own."""

from typing import Annotated, ClassVar, Final, Self

import msgspec

from statetrail.analyses.causes.root_causes import root_causes
from statetrail.analyses.events.values import SERIES
from statetrail.analyses.exposure.overrides import overrides
from statetrail.report.counting import nested, of_row, ranked, rows
from statetrail.report.section import Counts, Gathering, OfClient, Section, Time, meaning

MAX_CAUSES: Final = 500
MAX_OVERRIDES: Final = 500

_COUNTS: Final = ("overrides", "answered", "fought", "unanswered", "on_baskets", "without_effect")


class RootCause(OfClient, frozen=True, kw_only=True):
    """Why one client ignored one parameter."""

    verdict: str
    cause: str
    confidence: str
    count: int
    first: Time
    last: Time
    endpoints: tuple[str, ...]
    evidence: tuple[int, ...]


class Override(OfClient, frozen=True, kw_only=True):
    """One parameter for which a client presented a value that was never issued."""

    overrides: int
    answered: Annotated[int, meaning("The server's next issue was the client's value")]
    fought: Annotated[int, meaning("The server's next issue was another value")]
    unanswered: int
    on_baskets: int
    without_effect: int
    first: Time
    last: Time


class CausesSection(Section, frozen=True, kw_only=True):
    """Why state was ignored, and the values that clients chose themselves."""

    title: ClassVar = "Root causes"

    root_causes_total: int = 0
    faults_by_cause: Annotated[Counts, meaning("Faults by their root cause")] = msgspec.field(
        default_factory=dict
    )
    root_causes: Annotated[tuple[RootCause, ...], meaning("Most frequent first; capped")] = ()
    overrides_total: int = 0
    overrides: Annotated[tuple[Override, ...], meaning("Most frequent first; capped")] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `root_causes` and `overrides`."""
        rec = gathering.recording
        causes = rows(root_causes(rec).lazy, *SERIES, "verdict", "cause")
        faults = nested(causes, "cause", ())[()]
        causes.sort(key=lambda row: -row["count"])  # stable: ties by name
        chosen = rows(overrides(rec).lazy, *SERIES)
        chosen.sort(key=lambda row: -row["overrides"])
        return cls(
            root_causes_total=len(causes),
            faults_by_cause=ranked(faults),
            root_causes=tuple(
                of_row(
                    RootCause,
                    row,
                    endpoints=tuple(one for one in row["endpoints"].split(",") if one),
                    evidence=tuple(int(one) for one in row["evidence"].split(",") if one.strip()),
                )
                for row in causes[:MAX_CAUSES]
            ),
            overrides_total=len(chosen),
            overrides=tuple(
                of_row(Override, row | {name: int(row[name]) for name in _COUNTS})
                for row in chosen[:MAX_OVERRIDES]
            ),
        )
