"""Compliance over time, by endpoint and by client version: where faults are, and since when.

Enters: the verdicts that count, with their exchanges. Leaves: at most 24 periods of one length, and
the endpoints and versions with most faults.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.analyses.breakdowns.compliance import (
    compliance,
    compliance_by_time,
    judged_span,
    period_s,
)
from statetrail.analyses.breakdowns.products import product
from statetrail.recording.engines import Lazy
from statetrail.report.counting import Row, known, largest, moment, rows
from statetrail.report.section import Gathering, Section, Time, meaning

MAX_ENDPOINTS: Final = 100
MAX_AGENTS: Final = 500
"""`User-Agent`s of which versions are made: those with most verdicts."""
MAX_VERSIONS: Final = 100
_SECOND_US: Final = 1_000_000


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How many verdicts count, and how many of them are faults."""

    judged: Annotated[int, meaning("Verdicts that count")]
    faults: int

    @property
    def compliance(self) -> float | None:
        """honoured / judged; `None`: nothing to judge."""
        return (self.judged - self.faults) / self.judged if self.judged else None


class Period(Judged, frozen=True, kw_only=True):
    """A period of time: requests that began in it."""

    start: Time


class EndpointCompliance(Judged, frozen=True, kw_only=True):
    """An endpoint of an origin."""

    origin: str
    endpoint: Annotated[str, meaning("Path with identifiers as `{id}`")]


class VersionCompliance(Judged, frozen=True, kw_only=True):
    """A version of a client program, by its `User-Agent`."""

    product: Annotated[str, meaning("Empty: no `User-Agent`")]
    version: Annotated[str, meaning("Empty: it states none")]
    first: Time | None
    last: Time | None


class BreakdownSection(Section, frozen=True, kw_only=True):
    """How compliance differs between times, endpoints and client versions."""

    title: ClassVar = "By time and endpoint"

    period_s: Annotated[int | None, meaning("Length of a period; null: no verdict counts")] = None
    periods: Annotated[
        tuple[Period, ...], meaning("By time, none left out between the first and the last")
    ] = ()
    endpoints: Annotated[tuple[EndpointCompliance, ...], meaning("Most faults first; capped")] = ()
    versions: Annotated[tuple[VersionCompliance, ...], meaning("Most faults first; capped")] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the verdicts as they were counted in the buckets."""
        rec = gathering.recording
        span = judged_span(rec)
        if span is None:
            return cls()
        judged = compliance(rec).lazy
        agents = largest(_summed(judged, "user_agent"), "judged", MAX_AGENTS, "user_agent")
        return cls(
            period_s=period_s(span),
            periods=_periods(compliance_by_time(rec).lazy, span),
            endpoints=_endpoints(judged),
            versions=_versions(agents),
        )

    @property
    def busiest(self) -> int:
        """The most verdicts of a period."""
        return max((one.judged for one in self.periods), default=0)


def _summed(judged: Lazy, *by: str) -> Lazy:
    return judged.group_by(*by).agg(
        nw.col("judged").sum(),
        nw.col("faults").sum(),
        nw.col("first_us").min(),
        nw.col("last_us").max(),
    )


def _endpoints(judged: Lazy) -> tuple[EndpointCompliance, ...]:
    """The endpoints with most faults, all parameters together."""
    place = ("origin", "endpoint")
    worst = largest(_summed(judged, *place), "faults", MAX_ENDPOINTS, *place)
    return tuple(
        EndpointCompliance(
            origin=row["origin"],
            endpoint=row["endpoint"],
            judged=int(row["judged"]),
            faults=int(row["faults"]),
        )
        for row in sorted(worst, key=_most_faults_first)
    )


def _periods(counts: Lazy, span: tuple[int, int]) -> tuple[Period, ...]:
    """The periods of a span, all of one length."""
    summed = counts.group_by("period").agg(nw.col("judged").sum(), nw.col("faults").sum())
    by_period = {int(row["period"]): row for row in rows(summed, "period")}
    width_us = period_s(span) * _SECOND_US
    nothing = {"judged": 0, "faults": 0}
    first, last = (at // width_us for at in span)
    return tuple(
        Period(
            start=known(moment(n * width_us)),
            judged=int(row["judged"]),
            faults=int(row["faults"]),
        )
        for n in range(first, last + 1)
        for row in (by_period.get(n, nothing),)
    )


def _versions(agents: Iterable[Row]) -> tuple[VersionCompliance, ...]:
    """The programs of the agents, by product and version."""
    found = defaultdict[tuple[str, str], list[Row]](list)
    for row in agents:
        found[product(row["user_agent"])].append(row)
    versions = [
        VersionCompliance(
            product=name,
            version=version,
            judged=sum(int(row["judged"]) for row in own),
            faults=sum(int(row["faults"]) for row in own),
            first=moment(min(row["first_us"] for row in own)),
            last=moment(max(row["last_us"] for row in own)),
        )
        for (name, version), own in found.items()
    ]
    versions.sort(key=lambda one: (-one.faults, -one.judged, one.product, one.version))
    return tuple(versions[:MAX_VERSIONS])


def _most_faults_first(row: Row) -> tuple[object, ...]:
    return -row["faults"], -row["judged"], row["origin"], row["endpoint"]
