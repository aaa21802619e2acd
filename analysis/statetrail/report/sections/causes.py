"""Root causes and overrides: why state was ignored, and what became of values of clients' own."""

from typing import Annotated, ClassVar, Final, Self

import msgspec
from msgspec import Meta

from statetrail.analyses.causes.root_causes import SERVERS, root_causes
from statetrail.analyses.exposure.overrides import overrides
from statetrail.report.counting import of_row, ranked, rows
from statetrail.report.section import Counts, Gathering, OfClient, Section, Time

MAX_CAUSES: Final = 500
MAX_OVERRIDES: Final = 500

_SERIES: Final = ("client", "origin", "dialect", "param")
_COUNTS: Final = ("overrides", "answered", "fought", "unanswered", "on_baskets", "without_effect")


class RootCause(OfClient, frozen=True, kw_only=True):
    """Why one client ignored one parameter."""

    verdict: str
    cause: str
    confidence: str
    servers: Annotated[bool, Meta(description="The server caused it: no fault of the client's own")]
    count: int
    first: Time
    last: Time
    endpoints: tuple[str, ...]
    evidence: tuple[int, ...]


class Override(OfClient, frozen=True, kw_only=True):
    """One parameter for which a client presented a value that was never issued."""

    overrides: int
    answered: Annotated[int, Meta(description="The server's next issue was the client's value")]
    fought: Annotated[int, Meta(description="The server's next issue was another value")]
    unanswered: int
    on_baskets: int
    without_effect: int
    first: Time
    last: Time


class CausesSection(Section, frozen=True, kw_only=True):
    """Why state was ignored, and the values that clients chose themselves."""

    title: ClassVar = "Root causes"

    root_causes_total: int = 0
    faults_by_cause: Annotated[Counts, Meta(description="Faults by their root cause")] = (
        msgspec.field(default_factory=dict)
    )
    root_causes: Annotated[
        tuple[RootCause, ...], Meta(description="Most frequent first; capped")
    ] = ()
    overrides_total: int = 0
    overrides: Annotated[tuple[Override, ...], Meta(description="Most frequent first; capped")] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `root_causes` and `overrides`."""
        rec = gathering.recording
        causes = rows(root_causes(rec).lazy, *_SERIES, "verdict", "cause")
        faults: dict[str, int] = {}
        for row in causes:
            faults[row["cause"]] = faults.get(row["cause"], 0) + row["count"]
        causes.sort(key=lambda row: -row["count"])  # stable: ties by name
        chosen = rows(overrides(rec).lazy, *_SERIES)
        chosen.sort(key=lambda row: -row["overrides"])
        return cls(
            root_causes_total=len(causes),
            faults_by_cause=ranked(faults),
            root_causes=tuple(
                of_row(
                    RootCause,
                    row,
                    servers=row["cause"] in SERVERS,
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
