"""Counts of facts: how often each parameter was issued, and how, and presented at each origin.

Enters: the fact tables of a bucket. Leaves: small tables.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.coding import integers
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS, origins_of, realms_of
from statetrail.analyses.columnar.executor import Facts, artifact
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.recording.dialect_classes import CLASS
from statetrail.schema import DIALECT, ISSUED, ORIGIN, PARAM, Column, Table

_COUNT: Final = Column("count", "int", "How often")
_HOW: Final = ("usage", "priority", "problem", "value")

ISSUED_COUNTS: Final = Table(
    "issued_counts",
    "one way in which a parameter was issued at an origin",
    (
        *(ORIGIN, DIALECT, PARAM),
        *(column for column in ISSUED.columns if column.name in _HOW),
        _COUNT,
    ),
    ("origin", "dialect", "param", *_HOW),
)
PRESENTED_COUNTS: Final = Table(
    "presented_counts",
    "one parameter that was presented at an origin",
    (ORIGIN, DIALECT, PARAM, _COUNT),
    ("origin", "dialect", "param"),
)


@artifact(
    reads={
        "exchanges": ("exchange_id", *ORIGIN_COLUMNS),
        "issued": ("exchange_id", "dialect", "param", *_HOW),
        "presented": ("exchange_id", "dialect", "param"),
    },
    needs=(settings,),
)
def _located(facts: Facts, options: Settings) -> dict[str, pa.Table]:
    """The rows of the judged dialects, with the origins of their exchanges, or their realms."""
    exchanges = facts["exchanges"]
    ids = integers(exchanges["exchange_id"])
    order = np.argsort(ids)
    judged = options.classes[facts[CLASS]]
    code, names = realms_of(origins_of(exchanges), judged.realm)
    dialects = [dialect.name for dialect in judged.dialects]
    found = {}
    for name in ("issued", "presented"):
        rows = facts[name]
        rows = rows.filter(
            pc.is_in(rows["dialect"].cast(pa.string()), pa.array(dialects, pa.string()))
        )
        wanted = integers(rows["exchange_id"])
        place = np.searchsorted(ids[order], wanted)
        known = np.append(ids[order], -1)[place] == wanted
        if not known.all():
            rows, place = rows.filter(pa.array(known)), place[known]
        origin = pa.DictionaryArray.from_arrays(
            pa.array(code[order[place]].astype(np.int32)), pa.array(names, pa.string())
        )
        found[name] = rows.append_column("origin", origin)
    return found


@analysis(ISSUED_COUNTS, needs=(_located,), audited=True)
def issued_counts(located: dict[str, pa.Table]) -> pa.Table:
    """The issues, well formed or not."""
    return _counted(located["issued"], ISSUED_COUNTS)


@analysis(PRESENTED_COUNTS, needs=(_located,), audited=True)
def presented_counts(located: dict[str, pa.Table]) -> pa.Table:
    """What was presented, whatever it is."""
    return _counted(located["presented"], PRESENTED_COUNTS)


def _counted(rows: pa.Table, table: Table) -> pa.Table:
    by: Sequence[str] = table.key
    # Each row group of a file has dictionaries of its own.
    counts = rows.unify_dictionaries().group_by(list(by)).aggregate([([], "count_all")])
    counts = counts.rename_columns([*by, "count"])
    return counts.select(table.names).cast(table.arrow)
