"""The capture section: what was recorded, from when to when, and what is wrong with it.

Enters: the fact tables. Leaves: a `Capture`.
"""

import narwhals as nw

from statetrail.recording.frames import Recording, client_expression, origin
from statetrail.report.document import Capture, Source
from statetrail.report.sections.counting import counted, moment, part, ranked, rows, total
from statetrail.schema import CLIENT_BY


def gather_capture(rec: Recording) -> Capture:
    """Summarise the recording's facts and their quality."""
    exchanges = rec.exchanges.lazy
    whole = rows(
        exchanges.select(
            started=nw.col("request_start_us").min(),
            last_start=nw.col("request_start_us").max(),
            last_end=nw.col("response_end_us").max(),
        )
    )[0]
    ends = [us for us in (whole["last_start"], whole["last_end"]) if us is not None]
    # Names are made of what is distinct: of each exchange they would cost more than all the rest.
    attributes = [CLIENT_BY[name] for name in rec.client_by]
    clients = exchanges.group_by(*attributes).agg(times=nw.len())
    origins = {
        origin(row["scheme"], row["host"], row["port"]): row["count"]
        for row in counted(exchanges, "scheme", "host", "port")
    }
    errors = counted(exchanges.filter(~nw.col("error").is_null()), "error")
    notes: dict[str, int] = {}
    for row in counted(exchanges.filter(nw.col("notes") != ""), "notes"):
        for note in row["notes"].split(","):
            name = note.partition(":")[0]  # what follows is a figure of that one exchange
            notes[name] = notes.get(name, 0) + row["count"]
    return Capture(
        started=moment(whole["started"]),
        ended=moment(max(ends, default=None)),
        exchanges=total(exchanges),
        clients=total(clients.select(client=client_expression(rec.client_by)).unique()),
        origins=len(origins),
        malformed=total(rec.issued.lazy.filter(~nw.col("problem").is_null())),
        issued=total(rec.issued.lazy),
        presented=total(rec.presented.lazy),
        in_scope=total(exchanges.filter(nw.col("dialects") != "")),
        by_origin=ranked(origins),
        errors=ranked({row["error"]: row["count"] for row in errors}),
        notes=ranked(notes),
        sources=tuple(part(Source, row) for row in rec.captures.rows()),
    )
