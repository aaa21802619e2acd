"""Compliance over time, by endpoint and by client version: where faults are, and since when.

Enters: the verdicts that count, with their exchanges. Leaves: at most 24 periods of one length, and
the endpoints and versions with most faults.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.analyses.breakdowns.products import product
from statetrail.analyses.conformance.verdict import HONOURED
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, known, largest, moment, rows
from statetrail.report.section import Gathering, Section, Time, meaning

MAX_PERIODS: Final = 24
MAX_ENDPOINTS: Final = 100
MAX_AGENTS: Final = 500
"""`User-Agent`s of which versions are made: those with most verdicts."""
MAX_VERSIONS: Final = 100
_SECOND_US: Final = 1_000_000
_WIDTHS_S: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000),
)
"""Lengths of a period, in seconds; a longer recording has periods of a multiple of the last."""


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
        """From `verdicts` and the exchanges."""
        rec = gathering.recording
        judged = _judged(rec)
        period_s, periods = _periods(judged)
        if not periods:
            return cls()
        requests = rec.exchanges.lazy.select(
            *("exchange_id", "endpoint"), user_agent=nw.col("user_agent").fill_null("")
        )
        joined = judged.join(requests, on="exchange_id", how="inner")
        agents = largest(_summed(joined, "user_agent"), "judged", MAX_AGENTS, "user_agent")
        return cls(
            period_s=period_s,
            periods=periods,
            endpoints=_endpoints(joined),
            versions=_versions(agents),
        )

    @property
    def busiest(self) -> int:
        """The most verdicts of a period."""
        return max((one.judged for one in self.periods), default=0)


def _judged(rec: Recording) -> Lazy:
    """The verdicts that count, each as one, and whether it is a fault."""
    one, none = nw.lit(1, nw.Int64), nw.lit(0, nw.Int64)
    counted = verdicts(rec).lazy.filter(nw.col("fault") | (nw.col("verdict") == HONOURED))
    return counted.select(
        *("exchange_id", "origin", "request_start_us"),
        judged=one,
        faults=nw.when(nw.col("fault")).then(one).otherwise(none),
    )


def _summed(judged: Lazy, *by: str) -> Lazy:
    return judged.group_by(*by).agg(
        nw.col("judged").sum(),
        nw.col("faults").sum(),
        first_us=nw.col("request_start_us").min(),
        last_us=nw.col("request_start_us").max(),
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


def _periods(judged: Lazy) -> tuple[int | None, tuple[Period, ...]]:
    """The length of a period in seconds, and the periods."""
    at = nw.col("request_start_us")
    (span,) = rows(judged.select(first=at.min(), last=at.max()))
    if span["first"] is None:
        return None, ()
    first, last = int(span["first"]), int(span["last"])
    width_s = width((last - first) // _SECOND_US)
    width_us = width_s * _SECOND_US
    start = first // width_us
    counted = rows(
        judged.select("judged", "faults", period=at // width_us - start)
        .group_by("period")
        .agg(nw.col("judged").sum(), nw.col("faults").sum()),
        "period",
    )
    by_period = {int(row["period"]): row for row in counted}
    nothing = {"judged": 0, "faults": 0}
    found = ((n, by_period.get(n, nothing)) for n in range((last // width_us) - start + 1))
    return width_s, tuple(
        Period(
            start=known(moment((start + n) * width_us)),
            judged=int(row["judged"]),
            faults=int(row["faults"]),
        )
        for n, row in found
    )


def width(span_s: int) -> int:
    """The length of a period in seconds, so that a span takes at most `MAX_PERIODS` of them.

    >>> width(30), width(86_400), width(400 * 86_400)
    (2, 7200, 2592000)
    """
    most = MAX_PERIODS - 1  # a period begins at a whole multiple of its length: one more is touched
    fitting = (one for one in _WIDTHS_S if span_s <= one * most)
    longest = _WIDTHS_S[-1]
    return next(fitting, longest * -(-span_s // (longest * most)))


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
