"""Bounds of a report: how many origins, and names that no dialect lists, it is about.

Enters: a recording. Leaves: what exceeds the bounds, and the recording without it. Whoever can send
through the proxy can invent hosts and ``X-Set-*`` names without end; each costs a report far more
than it costs a store.

1. Of the origins in which a dialect recognised something, `MAX_ORIGINS` are kept.
2. Of the names that no dialect lists, `MAX_NAMES` of each origin are kept, and `MAX_NAMES_IN_ALL`.

Those that are seen most are kept. Names that a dialect lists are never left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import Final

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording, origin_expression
from statetrail.schema import EXCHANGES, ISSUED, PRESENTED

MAX_ORIGINS: Final = 1000
MAX_NAMES: Final = 32
MAX_NAMES_IN_ALL: Final = 1000

_ORIGIN: Final = ["scheme", "host", "port"]
_NAME: Final = [*_ORIGIN, "dialect", "param"]


@dataclass(frozen=True, slots=True)
class Bounded:
    """Origins and unlisted names, those that are seen most first, with whether each is `kept`.

    Columns of both: ``scheme``, ``host``, ``port``, ``origin``, ``rows`` (how often it was seen),
    ``exchange_id`` and ``observed_us`` (its first), ``kept``; of `names` also ``dialect``,
    ``param``. Names of origins that are left out are not among them.
    """

    origins: pd.DataFrame
    names: pd.DataFrame

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left out."""
        return bool(self.origins["kept"].all() and self.names["kept"].all())


def bounds(rec: Recording) -> Bounded:
    """What a report of the recording is about, and what is left out of it."""
    return rec.once(bounds, partial(_bounds, rec))


def bounded(rec: Recording) -> Recording:
    """The recording without what exceeds the bounds; itself, if nothing does.

    The exchanges stay: no dialect matches those of an origin that is left out.
    """
    found = bounds(rec)
    if found.is_complete:
        return rec
    smaller = rec.changed(partial(_without, found))
    smaller.once(bounds, lambda: found)
    return smaller


def _bounds(rec: Recording) -> Bounded:
    origins = _seen(rec, rec.exchanges.lazy.filter(nw.col("dialects") != ""), _ORIGIN)
    origins["kept"] = origins.index < MAX_ORIGINS
    listed = [
        (nw.col("dialect") == dialect.name) & (nw.col("param") == param.name)
        for dialect in rec.dialects
        for param in dialect.params
    ]
    facts = (
        frame.lazy.select("exchange_id", "dialect", "param")
        for frame in (rec.issued, rec.presented)
    )
    unlisted = nw.concat(list(facts), how="vertical").filter(~reduce(or_, listed))
    times = rec.exchanges.lazy.select("exchange_id", "request_start_us", *_ORIGIN)
    names = _seen(rec, unlisted.join(times, on="exchange_id", how="inner"), _NAME)
    left_out = pd.MultiIndex.from_frame(origins.loc[~origins["kept"], _ORIGIN])
    names = names[~pd.MultiIndex.from_frame(names[_ORIGIN]).isin(left_out)]
    kept = names.groupby(_ORIGIN).cumcount() < MAX_NAMES
    return Bounded(origins, names.assign(kept=kept & (kept.cumsum() <= MAX_NAMES_IN_ALL)))


def _seen(rec: Recording, rows: Lazy, by: list[str]) -> pd.DataFrame:
    """The distinct combinations, those that are seen most first."""
    grouped = rows.group_by(*by).agg(
        rows=nw.len(),
        exchange_id=nw.col("exchange_id").min(),
        observed_us=nw.col("request_start_us").min(),
    )
    table: pd.DataFrame = (
        grouped.with_columns(origin=origin_expression()).collect("pandas").to_native()
    )
    order = ["rows", "exchange_id", *by]
    return table.sort_values(order, ascending=[name != "rows" for name in order], ignore_index=True)


def _without(found: Bounded, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The fact tables of a bucket without what is left out."""
    exchanges = tables[EXCHANGES.name]
    origins = found.origins.loc[~found.origins["kept"], _ORIGIN]
    names = found.names.loc[~found.names["kept"], _NAME]
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


def _among(rows: pa.Table, wanted: pd.DataFrame) -> pa.Array:
    """Whether each row is one of those wanted, by their columns."""
    columns = rows.select(list(wanted.columns)).to_pandas()
    found = pd.MultiIndex.from_frame(columns).isin(pd.MultiIndex.from_frame(wanted))
    return pa.array(found)
