"""What a person's tools take: the rows of a catalogue's table as Arrow, pandas or Polars.

Enters: rows on any engine, and their table. Leaves: an Arrow table, sorted by the table's key; of
it a DataFrame of pandas or Polars, in which times are times.
"""

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from statetrail.errors import UsageError
from statetrail.recording.engines import Lazy
from statetrail.schema import Table, pseudonym

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_TIME: Final = pa.timestamp("us", "UTC")


def to_arrow(rows: Lazy | pa.Table, table: Table) -> pa.Table:
    """Rows as an Arrow table of the catalogue's schema, sorted by its key."""
    if not isinstance(rows, pa.Table):
        rows = rows.select(*table.names).collect("pyarrow").to_native()
    collected = (
        rows.select(list(table.names))
        .cast(  # pandas brings its index along
            pa.schema([field.with_nullable(True) for field in table.arrow])  # engines forget it
        )
        .cast(table.arrow)
    )
    return collected.sort_by([(name, "ascending") for name in table.key])


def with_pseudonyms(rows: pa.Table, table: Table) -> pa.Table:
    """An Arrow table whose fingerprints are pseudonyms, as the reports write them."""
    for at, column in enumerate(table.columns):
        if column.type == "fingerprint":
            # Each one once: a session's rows have few values.
            coded = pc.dictionary_encode(rows[column.name]).unify_dictionaries().combine_chunks()
            words = pa.array(map(pseudonym, coded.dictionary.to_pylist()), pa.string())
            rows = rows.set_column(at, column.name, words.take(coded.indices))
    return rows


def to_pandas(rows: pa.Table, table: Table) -> "pd.DataFrame":
    """An Arrow table of the catalogue's columns as a DataFrame; see `Frame.to_pandas`."""
    import pandas as pd

    frame: pd.DataFrame = rows.to_pandas(
        types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get
    )
    for column in table.columns:
        if column.type == "timestamp":
            frame[column.name] = pd.to_datetime(frame[column.name], unit="us", utc=True)
    return frame.rename(columns=_without_unit(table))


def to_polars(rows: pa.Table, table: Table) -> "pl.DataFrame":
    """An Arrow table of the catalogue's columns as a DataFrame of Polars; see `Frame.to_polars`."""
    try:
        import polars as pl
    except ImportError:
        raise UsageError("to_polars needs the package: pip install polars") from None
    for at, column in enumerate(table.columns):
        if column.type == "timestamp":
            rows = rows.set_column(at, column.name, rows[column.name].cast(_TIME))
    frame: Any = pl.from_arrow(rows)
    made: pl.DataFrame = frame.rename(_without_unit(table))
    return made


def _without_unit(table: Table) -> dict[str, str]:
    """The columns of times by their stored names: a time of pandas or Polars has its unit."""
    return {c.name: c.name.removesuffix("_us") for c in table.columns if c.type == "timestamp"}
