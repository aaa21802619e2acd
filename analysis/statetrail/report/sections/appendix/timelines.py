"""Timelines of sessions: when requests were made, which were faults, and how long it lay idle.

Enters: the verdicts of the sessions with most faults, then of those with most requests. Leaves:
their requests by time, each with the verdict that says most of it.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Final, NamedTuple, Self

import msgspec
import narwhals as nw

from statetrail.analyses.breakdowns.compliance import judged_sessions
from statetrail.analyses.conformance.chosen_verdicts import verdicts_of_sessions
from statetrail.analyses.conformance.verdict import HONOURED, VERDICTS
from statetrail.recording.frames import Recording
from statetrail.report.counting import Row, key, known, largest, moment, rows
from statetrail.report.section import Gathering, Section, Time, meaning
from statetrail.report.wording import duration
from statetrail.schema import pseudonym

MAX_SESSIONS: Final = 6
MAX_REQUESTS: Final = 100
"""Requests of a session, the first ones."""
LISTED: Final = 40
"""Requests of a session that the page lists in a table; all are in its picture."""
MAX_VERDICTS: Final = 3000
"""Verdicts of a session that are read, the first ones."""
_BY_TIME: Final = ("request_start_us", "exchange_id", "param")
_FAULTS_FIRST: Final = 1 << 20
_SESSION: Final = ("client", "origin", "dialect", "session")

EDGE: Final = 1.0
"""What is left free at either end of a picture, in per cent of its width."""
ROOM: Final = (7.0, 18.0)
"""From which width on, in per cent, an idle time has its length written in it: on a wide page, and
on a phone."""


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a session."""

    exchange: int
    at: Time
    method: str
    endpoint: str
    status: int | None
    param: Annotated[str, meaning("The parameter that the verdict is about")]
    verdict: Annotated[str, meaning("Of several a fault, else the one that counts")]
    fault: bool


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A session with its first requests."""

    client: str
    origin: str
    dialect: str
    session: Annotated[str, meaning("Pseudonym of its first key value")]
    verdicts: Annotated[int, meaning("Verdicts on all its requests")]
    faults: Annotated[int, meaning("Verdicts that are faults, of all its requests")]
    requests: Annotated[tuple[SessionRequest, ...], meaning("By time; the first ones")]

    @property
    def drawing(self) -> "Drawing":
        """Its picture."""
        return drawing(self.requests)

    @property
    def idle_s(self) -> tuple[float | None, ...]:
        """How long before each request the one before was made."""
        pairs = pairwise(one.at for one in self.requests)
        return (None, *((after - before).total_seconds() for before, after in pairs))


class TimelinesSection(Section, frozen=True, kw_only=True):
    """The sessions with most faults, request by request."""

    title: ClassVar = "Timelines of sessions"
    listed: ClassVar = LISTED

    timelines: Annotated[
        tuple[Timeline, ...], meaning("Sessions with most faults first, then the busiest; capped")
    ] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `verdicts` and the exchanges."""
        return cls(timelines=_timelines(gathering.recording))


def _timelines(rec: Recording) -> tuple[Timeline, ...]:
    sessions = (
        judged_sessions(rec)
        .lazy.group_by(*_SESSION)
        .agg(nw.col("count").sum(), nw.col("faults").sum())
        .with_columns(weight=nw.col("faults") * _FAULTS_FIRST + nw.col("count"))
    )
    chosen = largest(sessions, "weight", MAX_SESSIONS, *_SESSION)
    chosen.sort(key=lambda row: (-row["weight"], *key(row, _SESSION)))
    found = _verdicts(rec, chosen)
    return tuple(
        Timeline(
            client=row["client"],
            origin=row["origin"],
            dialect=row["dialect"],
            session=pseudonym(row["session"]),
            verdicts=int(row["count"]),
            faults=int(row["faults"]),
            requests=_requests(found[key(row, _SESSION)]),
        )
        for row in chosen
    )


def _verdicts(rec: Recording, chosen: Sequence[Row]) -> dict[tuple[object, ...], list[Row]]:
    """The verdicts of each session by time; of long sessions the first ones."""
    found = defaultdict[tuple[object, ...], list[Row]](list)
    if not chosen:
        return found
    judged = rec.place(verdicts_of_sessions(rec, [row["session"] for row in chosen], MAX_VERDICTS))
    requests = rec.exchanges.lazy.select("exchange_id", "method", "endpoint", "status")
    for row in rows(judged.join(requests, on="exchange_id", how="inner"), *_BY_TIME):
        found[key(row, _SESSION)].append(row)
    return found


def _requests(judged: Sequence[Row]) -> tuple[SessionRequest, ...]:
    """The first requests, each with the verdict that says most of it."""
    by_exchange = defaultdict[int, list[Row]](list)
    for row in judged:
        by_exchange[row["exchange_id"]].append(row)
    return tuple(
        SessionRequest(
            exchange=exchange,
            at=known(moment(row["request_start_us"])),
            method=row["method"],
            endpoint=row["endpoint"],
            status=row["status"],
            param=row["param"],
            verdict=row["verdict"],
            fault=row["fault"],
        )
        for exchange, own in list(by_exchange.items())[:MAX_REQUESTS]
        for row in (min(own, key=_says_most),)
    )


def _says_most(row: Row) -> tuple[object, ...]:
    """A fault before what is honoured, and that before what does not count."""
    at = VERDICTS.index(row["verdict"])
    return not row["fault"], row["verdict"] != HONOURED, -at, row["param"]


class Tick(NamedTuple):
    """A request in the picture: where, in per cent, and its kind (`fault`, `honoured`, `other`)."""

    x: float
    kind: str


class Idle(NamedTuple):
    """An idle time in the picture: its middle, in per cent, and its length in words."""

    x: float
    says: str
    narrow: bool
    """A phone has no room for it."""


class Drawing(NamedTuple):
    """The picture of a session: its ticks, its longer idle times, and its length."""

    ticks: tuple[Tick, ...]
    idle: tuple[Idle, ...]
    length: str


def drawing(requests: Sequence[SessionRequest]) -> Drawing:
    """The requests of a session on a line of time, with the idle times that have room for words."""
    starts = [one.at.timestamp() for one in requests]
    first, span = starts[0], max(starts[-1] - starts[0], 1e-6)
    places = [EDGE + (at - first) / span * (100 - 2 * EDGE) for at in starts]
    kinds = (
        "fault" if one.fault else HONOURED if one.verdict == HONOURED else "other"
        for one in requests
    )
    return Drawing(
        ticks=tuple(Tick(round(x, 2), kind) for x, kind in zip(places, kinds, strict=True)),
        idle=tuple(
            Idle(round((x + to_x) / 2, 2), duration(after - at), to_x - x < ROOM[1])
            for (at, after), (x, to_x) in zip(pairwise(starts), pairwise(places), strict=True)
            if to_x - x >= ROOM[0]
        ),
        length=duration(starts[-1] - first),
    )
