"""The root causes and overrides sections: why state was ignored, and what became of own values.

Enters: `root_causes` and `overrides`. Leaves: their parts, the most frequent first, capped.
"""

from typing import Final

from statetrail.analyses.causes.root_causes import SERVERS, root_causes
from statetrail.analyses.exposure.overrides import overrides
from statetrail.recording.frames import Recording
from statetrail.report.document import Override, RootCause
from statetrail.report.sections.counting import part, ranked, rows

MAX_CAUSES: Final = 500
MAX_OVERRIDES: Final = 500

_SERIES: Final = ("client", "origin", "dialect", "param")


def gather_root_causes(rec: Recording) -> tuple[tuple[RootCause, ...], int, dict[str, int]]:
    """The causes by client and parameter, how many rows there are, and the faults by cause."""
    found = rows(root_causes(rec).lazy, *_SERIES, "verdict", "cause")
    faults: dict[str, int] = {}
    for row in found:
        faults[row["cause"]] = faults.get(row["cause"], 0) + row["count"]
    found.sort(key=lambda row: -row["count"])  # stable: ties by name
    kept = tuple(
        part(
            RootCause,
            row,
            servers=row["cause"] in SERVERS,
            endpoints=tuple(one for one in row["endpoints"].split(",") if one),
            evidence=tuple(int(one) for one in row["evidence"].split(",") if one.strip()),
        )
        for row in found[:MAX_CAUSES]
    )
    return kept, len(found), ranked(faults)


def gather_overrides(rec: Recording) -> tuple[tuple[Override, ...], int]:
    """The overrides by client and parameter, the most frequent first, and how many rows."""
    found = rows(overrides(rec).lazy, *_SERIES)
    found.sort(key=lambda row: -row["overrides"])
    whole = ("overrides", "answered", "fought", "unanswered", "on_baskets", "without_effect")
    return tuple(
        part(Override, row | {name: int(row[name]) for name in whole})
        for row in found[:MAX_OVERRIDES]
    ), len(found)
