"""Rotations and lifespans: when values changed, and from when to when each was seen."""

from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw
import pyarrow as pa

from statetrail.analyses.events.values import SERIES
from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.report.counting import (
    Row,
    counted,
    key,
    largest,
    moment,
    of_row,
    ranked,
    rows,
    shown_value,
    total,
)
from statetrail.report.section import Counts, Gathering, OfClient, Section, Time, meaning
from statetrail.schema import pseudonym

MAX_ROTATIONS: Final = 1000
MAX_LIFESPANS: Final = 2000
MAX_LANES: Final = 200

_NAMES: Final = {
    "issued_at_us": "at_us",
    "exchange_id": "exchange",
    "idle_low_s": "idle_s",
    "age_low_s": "age_s",
}
_TIME: Final = ("at_us", "exchange", "dialect", "param", "to_fingerprint")
_SEEN: Final = (*("first_issued_us", "last_issued_us", "first_presented_us", "last_presented_us"),)


class Rotation(OfClient, frozen=True, kw_only=True):
    """One issue of a value that differs from the one issued before."""

    at: Time
    from_: Annotated[str | None, meaning("Pseudonym; null: the first value seen")] = msgspec.field(
        name="from"
    )
    to: Annotated[str, meaning("Pseudonym")]
    cause: str
    idle_s: Annotated[float | None, meaning("Shortest; null: not known")]
    idle_high_s: Annotated[float | None, meaning("Longest; null: no bound")] = None
    age_s: Annotated[float | None, meaning("Shortest; null: its issue was not seen")]
    age_high_s: Annotated[float | None, meaning("Longest; null: its issue was not seen")] = None
    exchange: int


class Lifespan(OfClient, frozen=True, kw_only=True):
    """One value of one client: when it was first and last seen."""

    value: Annotated[str, meaning("Pseudonym, or the value where it is in clear")]
    first: Time
    last: Time
    issues: int
    uses: int


class RotationsSection(Section, frozen=True, kw_only=True):
    """When values were replaced and why, and from when to when each was seen."""

    title: ClassVar = "Rotations"

    rotations_total: Annotated[int, meaning("Values that were replaced by another")]
    rotations_by_cause: Counts
    first_values: Annotated[
        int, meaning("Values that began a session or were a client's first: nothing was replaced")
    ] = 0
    rotations: Annotated[tuple[Rotation, ...], meaning("By time, first values among them; capped")]
    lifespans_total: int
    lifespans: Annotated[
        tuple[Lifespan, ...], meaning("Of the parameters that change most; capped")
    ]

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `rotations` and `tokens`."""
        lazy = rotations(gathering.recording).lazy
        is_first = nw.col("from_fingerprint").is_null()
        causes = {row["cause"]: row["count"] for row in counted(lazy.filter(~is_first), "cause")}
        facts = tokens(gathering.recording).lazy
        lanes = largest(facts.group_by(*SERIES).agg(count=nw.len()), "count", MAX_LANES, *SERIES)
        return cls(
            rotations_total=sum(causes.values()),
            rotations_by_cause=ranked(causes),
            first_values=sum(row["count"] for row in counted(lazy.filter(is_first), "cause")),
            rotations=_rotations(lazy),
            lifespans_total=total(facts),
            lifespans=_lifespans(gathering.recording, facts, _most(lanes)),
        )


def _rotations(lazy: Lazy) -> tuple[Rotation, ...]:
    """Rotations by time; where there are too many, changes before first values."""
    lazy = lazy.rename(_NAMES)
    is_change = ~nw.col("from_fingerprint").is_null()
    kept = rows(lazy.filter(is_change).sort(*_TIME).head(MAX_ROTATIONS), *_TIME)
    if room := MAX_ROTATIONS - len(kept):
        kept += rows(lazy.filter(~is_change).sort(*_TIME).head(room), *_TIME)
    kept.sort(key=lambda row: key(row, _TIME))
    return tuple(
        of_row(
            Rotation,
            row,
            from_=None if (old := row["from_fingerprint"]) is None else pseudonym(old),
            to=pseudonym(row["to_fingerprint"]),
        )
        for row in kept
    )


def _most(lanes: list[Row]) -> list[Row]:
    """The lanes (a client's parameter) that change most, as many as there is room for."""
    kept, room = [], MAX_LIFESPANS
    for lane in lanes:
        if room <= 0:
            break
        kept.append({name: lane[name] for name in SERIES})
        room -= lane["count"]
    return kept


def _lifespans(rec: Recording, facts: Lazy, lanes: list[Row]) -> tuple[Lifespan, ...]:
    if not lanes:
        return ()
    chosen = facts.join(rec.place(pa.Table.from_pylist(lanes)), on=list(SERIES), how="inner")
    found = [
        of_row(
            Lifespan,
            row,
            value=shown_value(row["value"], row["fingerprint"]),
            first=moment(min(seen)),
            last=moment(max(seen)),
        )
        for row in rows(chosen, *SERIES, "fingerprint")
        if (seen := [row[name] for name in _SEEN if row[name] is not None])
    ]
    found.sort(key=lambda span: (span.client, span.origin, span.dialect, span.param, span.first))
    return tuple(found[:MAX_LIFESPANS])
