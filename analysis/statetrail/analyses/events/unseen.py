"""Issues that a recording cannot show: they were in bodies that were not recorded.

Enters: a recording. Leaves: a small frame of the places where that is so.
"""

import narwhals as nw
import pyarrow as pa

from statetrail.extract.records import STATE_UNSEEN
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording


def unseen_issues(rec: Recording) -> Lazy:
    """Where dialects issue state in bodies that were not recorded, and since when.

    Columns ``origin``, ``dialect``, ``unseen_us``: when the first such request started.
    """
    return rec.few_rows("unseen issues", _unseen_issues)


def _unseen_issues(rec: Recording) -> Lazy:
    noted = (
        rec.exchanges_with_client()
        .filter(nw.col("notes").str.contains(STATE_UNSEEN, literal=True))
        .group_by("origin", "notes")
        .agg(unseen_us=nw.col("request_start_us").min())
        .collect("pyarrow")
    )
    first: dict[tuple[str, str], int] = {}
    for row in noted.rows(named=True):
        for note in row["notes"].split(","):
            if note.startswith(STATE_UNSEEN):
                place = row["origin"], note.removeprefix(STATE_UNSEEN)
                first[place] = min(row["unseen_us"], first.get(place, row["unseen_us"]))
    origins, dialects = zip(*first, strict=True) if first else ((), ())
    return rec.place(
        pa.table(
            {
                "origin": pa.array(origins, pa.string()),
                "dialect": pa.array(dialects, pa.string()),
                "unseen_us": pa.array(first.values(), pa.int64()),
            }
        )
    )
