"""The capture and its quality: what was recorded, and what was lost or could not be seen."""

from collections import Counter
from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.recording.bounds import bounds
from statetrail.recording.conversations import origin
from statetrail.recording.frames import Recording
from statetrail.report.counting import counted, moment, of_row, ranked, rows, total
from statetrail.report.section import Counts, Gathering, Section, Time, meaning
from statetrail.schema import CLIENT_BY
from statetrail.store.clients import client_expression

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
    (times,) = rows(
        exchanges.select(
            started=nw.col("request_start_us").min(),
            last_start=nw.col("request_start_us").max(),
            last_end=nw.col("response_end_us").max(),
        )
    )
    ends = [us for us in (times["last_start"], times["last_end"]) if us is not None]
    # Client names are made of the distinct attributes: one for each exchange would cost too much.
    clients = exchanges.group_by(*(CLIENT_BY[name] for name in rec.client_by)).agg(times=nw.len())
    origins = {
        origin(row["scheme"], row["host"], row["port"]): row["count"]
        for row in counted(exchanges, "scheme", "host", "port")
    }
    errors = counted(exchanges.filter(~nw.col("error").is_null()), "error")
    notes = Counter[str]()
    for row in counted(exchanges.filter(nw.col("notes") != ""), "notes"):
        for note in row["notes"].split(","):
            notes[note.partition(":")[0]] += row["count"]  # a figure of one exchange may follow
    return Capture(
        started=moment(times["started"]),
        ended=moment(max(ends, default=None)),
        exchanges=total(exchanges),
        clients=total(clients.select(client=client_expression(rec.client_by)).unique()),
        origins=len(origins),
        malformed=total(rec.issued.lazy.filter(~nw.col("problem").is_null())),
        issued=total(rec.issued.lazy),
        presented=total(rec.presented.lazy),
        in_scope=total(exchanges.filter(nw.col("dialects") != "")),
        by_origin=ranked(origins, MAX_LISTED),
        errors=ranked({row["error"]: row["count"] for row in errors}),
        notes=ranked(notes),
        sources=tuple(of_row(Source, row) for row in rec.captures.rows()),
        left_out=LeftOut(origins=origins_left_out, names=names_left_out),
    )
