"""The capture and its quality: what was recorded, and what was lost or could not be seen."""

from collections import Counter
from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS
from statetrail.analyses.tallies.bounds import bounds
from statetrail.analyses.tallies.seen import contacts, seen, summed
from statetrail.recording.conversations import origin
from statetrail.recording.frames import Recording
from statetrail.report.counting import counted, moment, of_row, ranked, total
from statetrail.report.section import Counts, Gathering, Section, Time, meaning

MAX_LISTED: Final = 100
"""Origins that are listed with their exchanges."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the recorder or one imported file."""

    source: str
    name: str | None
    started: Time
    exchanges: int
    duplicates: int
    skipped: int
    problem: Annotated[str | None, meaning("What was lost; null: nothing")]


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit is not about, since there is more than the bounds of a report."""

    origins: Annotated[int, meaning("Origins; their exchanges count as out of scope")] = 0
    names: Annotated[int, meaning("Names at an origin that no dialect lists")] = 0


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded, and how complete the record is."""

    started: Time | None
    ended: Time | None
    exchanges: int
    clients: int
    origins: int
    malformed: Annotated[int, meaning("Issued values that are not well formed")]
    issued: int
    presented: int
    in_scope: Annotated[int, meaning("Exchanges that a dialect matched")]
    by_origin: Annotated[Counts, meaning("Exchanges by origin, capped (`origins` counts all)")]
    errors: Annotated[Counts, meaning("Exchanges that did not complete, by reason")]
    notes: Annotated[Counts, meaning("What the capture could not see or had to cut short, by note")]
    sources: tuple[Source, ...]
    left_out: LeftOut = LeftOut()


class QualitySection(Section, frozen=True, kw_only=True):
    """What was recorded, from when to when, and what is wrong with it."""

    title: ClassVar = "Data quality"

    capture: Capture

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the fact tables."""
        return cls(capture=_capture(gathering.recording))


def _capture(rec: Recording) -> Capture:
    exchanges, (origins_left_out, names_left_out) = rec.exchanges.lazy, bounds(rec).left_out
    found = seen(rec).exchanges
    started, last_start, last_end = (
        function(found[name]).as_py()
        for function, name in ((pc.min, "first_us"), (pc.max, "last_us"), (pc.max, "ended_us"))
    )
    ends = [us for us in (last_start, last_end) if us is not None]
    origins = {
        origin(row["scheme"], row["host"], row["port"]): row["rows"]
        for row in summed([found], ORIGIN_COLUMNS).to_pylist()
    }
    in_scope = found.filter(pc.not_equal(found["dialects"], ""))
    errors = counted(exchanges.filter(~nw.col("error").is_null()), "error")
    notes = Counter[str]()
    for row in counted(exchanges.filter(nw.col("notes") != ""), "notes"):
        for note in row["notes"].split(","):
            notes[note.partition(":")[0]] += row["count"]  # a figure of one exchange may follow
    return Capture(
        started=moment(started),
        ended=moment(max(ends, default=None)),
        exchanges=_rows(found),
        clients=total(contacts(rec).lazy.select("client").unique()),
        origins=len(origins),
        malformed=total(rec.issued.lazy.filter(~nw.col("problem").is_null())),
        issued=total(rec.issued.lazy),
        presented=total(rec.presented.lazy),
        in_scope=_rows(in_scope),
        by_origin=ranked(origins, MAX_LISTED),
        errors=ranked({row["error"]: row["count"] for row in errors}),
        notes=ranked(notes),
        sources=tuple(of_row(Source, row) for row in rec.captures.rows()),
        left_out=LeftOut(origins=origins_left_out, names=names_left_out),
    )


def _rows(found: pa.Table) -> int:
    return int(pc.sum(found["rows"]).as_py() or 0)
