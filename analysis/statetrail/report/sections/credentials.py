"""The credentials section: those that several clients present, and those that left their origin.

Enters: `shared` and `leaks`. Leaves: `Shared` and `Leak` parts, capped, with totals.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.leaks import leaks
from statetrail.analyses.exposure.shared import shared
from statetrail.recording.frames import Recording
from statetrail.report.document import Leak, Shared
from statetrail.report.sections.counting import part, rows, total
from statetrail.schema import pseudonym

MAX_SHARED: Final = 500
MAX_LEAKS: Final = 500

_VALUE: Final = ("origin", "dialect", "param", "fingerprint")
_LEAK: Final = ("client", "issued_origin", "dialect", "param", "fingerprint", "origin", "place")


def gather_shared(rec: Recording) -> tuple[tuple[Shared, ...], int]:
    """The credentials with their clients, those of most clients first; how many credentials."""
    lazy = shared(rec).lazy
    values = rows(lazy.select(*_VALUE).unique().group_by("origin").agg(count=nw.len()))
    order = nw.col("clients") * -1
    by = ("order", *_VALUE, "first_us", "client")
    kept = rows(lazy.with_columns(order=order).sort(*by).head(MAX_SHARED), *by)
    found = tuple(part(Shared, row, value=pseudonym(row["fingerprint"])) for row in kept)
    return found, sum(row["count"] for row in values)


def gather_leaks(rec: Recording) -> tuple[tuple[Leak, ...], int]:
    """Which client's credential went from where to where and how, with how often; how many."""
    found = (
        leaks(rec)
        .lazy.group_by(*_LEAK)
        .agg(
            count=nw.len(),
            first_us=nw.col("request_start_us").min(),
            last_us=nw.col("request_start_us").max(),
            exchange=nw.col("exchange_id").min(),
        )
    )
    order = nw.col("count").cast(nw.Int64) * -1
    by = ("order", *_LEAK)
    kept = rows(found.with_columns(order=order).sort(*by).head(MAX_LEAKS), *by)
    return tuple(
        part(Leak, row, value=pseudonym(row["fingerprint"]), count=int(row["count"]))
        for row in kept
    ), total(found)
