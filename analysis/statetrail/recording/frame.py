"""A frame: a table of a recording, lazy until it is asked for rows.

Enters: a Narwhals lazy frame and its schema. Leaves: rows in Arrow, pandas, Polars or Python.
"""

from typing import TYPE_CHECKING, Any, Final, cast

import narwhals as nw
import pyarrow as pa

from statetrail.errors import UsageError
from statetrail.recording.conversion import to_arrow, to_pandas, to_polars, with_pseudonyms
from statetrail.recording.engines import Lazy
from statetrail.recording.scratch import Scratch
from statetrail.schema import Table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

SHOWN: Final = 20
"""Rows that a notebook shows of a frame."""


class Frame:
    """A table of a recording: lazy until it is asked for rows.

    Attributes
    ----------
    lazy
        The Narwhals lazy frame, with exactly the columns of `table`.
    table
        The schema: what each column says, its unit, what null means.

    The rows of a large result lie in a folder that stays as long as this object or its recording.
    """

    def __init__(self, lazy: Lazy, table: Table, scratch: Scratch | None = None) -> None:
        self.lazy = lazy
        self.table = table
        self._scratch = scratch
        self._length: int | None = None

    def __len__(self) -> int:
        """How many rows there are, counted once."""
        if self._length is None:
            counted = self.lazy.select(rows=nw.len()).collect("pyarrow")
            self._length = int(counted["rows"].to_list()[0])
        return self._length

    def head(self, n: int = 5) -> "Frame":
        """The first `n` rows by the table's key, as a frame; no others are brought to Python."""
        if n < 0:
            raise UsageError(f"{n} is no number of rows")
        first = self.lazy.sort(*self.table.key, nulls_last=True).head(n)
        return Frame(first, self.table, self._scratch)

    def to_arrow(self) -> pa.Table:
        """All rows as an Arrow table of the catalogue's schema, sorted by the table's key."""
        return to_arrow(self.lazy, self.table)

    def to_pandas(self, *, pseudonyms: bool = False) -> "pd.DataFrame":
        """All rows as a DataFrame, sorted by the table's key.

        Columns named ``*_us`` become tz-aware timestamps (UTC) without the suffix; integers that
        may be missing are ``Int64``, so that fingerprints keep every bit. With `pseudonyms`, these
        are texts as the reports write them: the first half of a fingerprint
        (`statetrail.schema.pseudonym`), so that two values may have the same one.
        """
        return to_pandas(self._rows(pseudonyms=pseudonyms), self.table)

    def to_polars(self, *, pseudonyms: bool = False) -> "pl.DataFrame":
        """All rows as a DataFrame of Polars, with the columns of `to_pandas`.

        Raises
        ------
        UsageError
            Polars is not installed.
        """
        return to_polars(self._rows(pseudonyms=pseudonyms), self.table)

    def rows(self) -> list[dict[str, Any]]:
        """All rows as dictionaries of plain Python values, times in microseconds."""
        return cast("list[dict[str, Any]]", self.to_arrow().to_pylist())

    def _rows(self, *, pseudonyms: bool) -> pa.Table:
        rows = self.to_arrow()
        return with_pseudonyms(rows, self.table) if pseudonyms else rows

    def __repr__(self) -> str:
        return f"<Frame {self.table.name}: {', '.join(self.table.names)}>"

    def _repr_html_(self) -> str:
        """The first rows, fingerprints as reports write them, all text inert."""
        from statetrail.recording.display import html_rows

        rows = self.head(SHOWN).rows()
        total = len(self)
        most = f"the first {len(rows)} of " if len(rows) < total else ""
        caption = f"{self.table.name}: {most}{total:,} row{'' if total == 1 else 's'}"
        return html_rows(self.table.columns, rows, f"{caption}, each {self.table.row}")
