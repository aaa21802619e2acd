"""Bounds of a report: how many origins, and names that no dialect lists, it is about.

Enters: a recording. Leaves: what exceeds the bounds, and the recording without it. Whoever can send
through the proxy can invent hosts and ``X-Set-*`` names without end; each costs a report far more
than it costs a store.

1. Of the origins in which a dialect recognised something, `MAX_ORIGINS` are kept.
2. Of the names that no dialect lists, `MAX_NAMES` of each origin are kept, and `MAX_NAMES_IN_ALL`.

Those that are seen most are kept. Names that a dialect lists are never left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.clock_steps import clock_steps
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS
from statetrail.analyses.columnar.passes import prepare
from statetrail.analyses.tallies.seen import NAME, seen, summed
from statetrail.recording.conversations import origin
from statetrail.recording.frames import Recording
from statetrail.schema import EXCHANGES, ISSUED, PRESENTED

MAX_ORIGINS: Final = 1000
MAX_NAMES: Final = 32
MAX_NAMES_IN_ALL: Final = 1000

_ORIGIN: Final = list(ORIGIN_COLUMNS)
_NAME: Final = list(NAME)


@dataclass(frozen=True, slots=True)
class Bounded:
    """Origins and unlisted names, those that are seen most first, with whether each is `kept`.

    Columns of both: ``scheme``, ``host``, ``port``, ``origin``, ``rows`` (how often it was seen),
    ``exchange_id`` and ``observed_us`` (its first), ``kept``; of `names` also ``dialect``,
    ``param``. Names of origins that are left out are not among them.
    """

    origins: pa.Table
    names: pa.Table

    @property
    def left_out(self) -> tuple[int, int]:
        """How many origins, and names, are left out."""
        return len(_left_out(self.origins)), len(_left_out(self.names))


def bounds(rec: Recording) -> Bounded:
    """What a report of the recording is about, and what is left out of it."""
    return rec.once(bounds, partial(_bounds, rec))


def bounded(rec: Recording) -> Recording:
    """The recording without what exceeds the bounds; itself, if nothing does.

    The exchanges stay: no dialect matches those of an origin that is left out.
    """
    found = bounds(rec)
    if not any(found.left_out):
        return rec
    smaller = rec.changed(partial(_without, found))
    smaller.once(bounds, lambda: found)
    return smaller


def _bounds(rec: Recording) -> Bounded:
    # What else needs nothing of the whole recording is found in the same pass.
    prepare(rec, (seen, clock_steps))
    found = seen(rec)
    recognised = found.exchanges.filter(pc.not_equal(found.exchanges["dialects"], ""))
    origins = _most_first(summed([recognised], ORIGIN_COLUMNS), ORIGIN_COLUMNS)
    origins = _kept(origins, (place < MAX_ORIGINS for place in range(len(origins))))
    names = _most_first(found.names, NAME)
    names = names.filter(pc.invert(_among(names, _left_out(origins).select(_ORIGIN))))
    return Bounded(origins, _kept(names, _names_kept(names)))


def _most_first(rows: pa.Table, by: Sequence[str]) -> pa.Table:
    """What was seen, that first which is seen most."""
    order = [
        (n, "descending" if n == "rows" else "ascending") for n in ("rows", "exchange_id", *by)
    ]
    places = zip(*(rows[name].to_pylist() for name in ORIGIN_COLUMNS), strict=True)
    named = rows.append_column("origin", pa.array([origin(*each) for each in places], pa.string()))
    return named.rename_columns({"first_us": "observed_us"}).sort_by(order)


def _names_kept(names: pa.Table) -> Iterable[bool]:
    """Whether each name is among the first of its origin, and of all."""
    of_origin, kept = Counter[tuple[object, ...]](), 0
    for row in names.select(_ORIGIN).to_pylist():
        origin = tuple(row.values())
        of_origin[origin] += 1
        among_first = of_origin[origin] <= MAX_NAMES
        kept += among_first
        yield among_first and kept <= MAX_NAMES_IN_ALL


def _kept(rows: pa.Table, kept: Iterable[bool]) -> pa.Table:
    return rows.append_column("kept", pa.array(list(kept), pa.bool_()))


def _left_out(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.invert(rows["kept"]))


def _without(found: Bounded, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The fact tables of a bucket without what is left out."""
    exchanges = tables[EXCHANGES.name]
    origins, names = _left_out(found.origins).select(_ORIGIN), _left_out(found.names).select(_NAME)
    outside = _among(exchanges, origins)
    at = exchanges.schema.get_field_index("dialects")
    dialects = pc.if_else(outside, "", exchanges["dialects"])
    changed = dict(tables) | {EXCHANGES.name: exchanges.set_column(at, "dialects", dialects)}
    for table in (ISSUED, PRESENTED):
        rows = tables[table.name]
        place = pc.index_in(
            rows["exchange_id"], value_set=exchanges["exchange_id"].combine_chunks()
        )
        located = exchanges.select(_ORIGIN).take(place)
        for name in ("dialect", "param"):
            located = located.append_column(name, rows[name])
        kept = pc.invert(pc.or_(pc.take(outside, place), _among(located, names)))
        changed[table.name] = rows.filter(kept)
    return changed


def _among(rows: pa.Table, wanted: pa.Table) -> pa.Array:
    """Whether each row is one of those wanted, by their columns."""
    columns: Sequence[str] = wanted.column_names
    found = np.zeros(len(rows), dtype=np.bool_)
    if len(wanted):
        numbered = rows.select(columns).append_column("row", pa.array(np.arange(len(rows))))
        among = numbered.join(wanted, keys=list(columns), join_type="left semi")
        found[among["row"].to_numpy()] = True
    return pa.array(found)
