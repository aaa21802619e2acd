"""The rotations and lifespans sections: when values changed, and from when to when each lived.

Enters: `rotations` and `tokens`. Leaves: `Rotation` and `Lifespan` parts, capped, with totals.
"""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.report.document import Lifespan, Rotation
from statetrail.report.sections.counting import (
    counted,
    moment,
    part,
    ranked,
    rows,
    seconds,
    shown_value,
)
from statetrail.schema import pseudonym

MAX_ROTATIONS: Final = 1000
MAX_LIFESPANS: Final = 2000
MAX_LANES: Final = 200

_LANE: Final = ("client", "origin", "dialect", "param")
_TIME: Final = ("issued_at_us", "exchange_id", "dialect", "param", "to_fingerprint")


def gather_rotations(rec: Recording) -> tuple[tuple[Rotation, ...], int, dict[str, int]]:
    """Rotations by time, how many there are in all, and how many of each cause.

    Where there are too many, the changes of a value are kept before the first values of clients.
    """
    lazy = rotations(rec).lazy
    causes = {row["cause"]: row["count"] for row in counted(lazy, "cause")}
    change = ~nw.col("from_fingerprint").is_null()
    kept = rows(lazy.filter(change).sort(*_TIME).head(MAX_ROTATIONS), *_TIME)
    if room := MAX_ROTATIONS - len(kept):
        kept += rows(lazy.filter(~change).sort(*_TIME).head(room), *_TIME)
    kept.sort(key=lambda row: [row[name] for name in _TIME])
    found = []
    for row in kept:
        old = row["from_fingerprint"]
        found.append(
            part(
                Rotation,
                row,
                from_=None if old is None else pseudonym(old),
                to=pseudonym(row["to_fingerprint"]),
                exchange=row["exchange_id"],
                at=moment(row["issued_at_us"]),
                idle_s=seconds(row["idle_low_s"]),
                age_s=seconds(row["age_low_s"]),
            )
        )
    return tuple(found), sum(causes.values()), ranked(causes)


def gather_lifespans(rec: Recording) -> tuple[tuple[Lifespan, ...], int]:
    """The values of the lanes (a client's parameter) that change most, and how many in all."""
    lazy = tokens(rec).lazy
    lanes = sorted(counted(lazy, *_LANE), key=lambda row: -row["count"])  # stable: ties by name
    kept, room = [], MAX_LIFESPANS
    for lane in lanes[:MAX_LANES]:
        if room <= 0:
            break
        kept.append(lane)
        room -= lane["count"]
    return _lifespans(rec, lazy, kept), sum(lane["count"] for lane in lanes)


def _lifespans(rec: Recording, lazy: Lazy, lanes: list[dict[str, object]]) -> tuple[Lifespan, ...]:
    if not lanes:
        return ()
    wanted = pa.Table.from_pylist([{name: lane[name] for name in _LANE} for lane in lanes])
    chosen = rows(lazy.join(rec.place(wanted), on=list(_LANE), how="inner"), *_LANE, "fingerprint")
    found = []
    for row in chosen:
        sighted = [
            row[name]
            for name in (
                *("first_issued_us", "last_issued_us"),
                *("first_presented_us", "last_presented_us"),
            )
            if row[name] is not None
        ]
        if sighted:
            found.append(
                part(
                    Lifespan,
                    row,
                    value=shown_value(row["value"], row["fingerprint"]),
                    first=moment(min(sighted)),
                    last=moment(max(sighted)),
                )
            )
    found.sort(key=lambda span: (span.client, span.origin, span.dialect, span.param, span.first))
    return tuple(found[:MAX_LIFESPANS])
