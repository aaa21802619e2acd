"""What the tables of a recording say: every column with its type, its unit and its meaning.

Enters: a table, or its name. Leaves: a `Description`, which a terminal and a notebook show.
"""

from dataclasses import dataclass
from io import StringIO
from typing import Final

import pandas as pd

from statetrail.analyses.catalogue import NAMES, TABLES, results
from statetrail.errors import UsageError, unknown
from statetrail.recording.conversion import to_pandas
from statetrail.recording.display import heading, html_rows
from statetrail.recording.frames import Frame
from statetrail.schema import Column, Table

_UNITS: Final = {"_s": "seconds", "_bytes": "bytes"}
"""Units by the ends of columns' names."""
_WIDTH: Final = 100
_MAX_TEXT: Final = 2000

_COLUMNS: Final = (
    Column("column", "text", "Name of the column in pandas; a time ends with `_us` elsewhere"),
    Column("dtype", "text", "Its type in pandas"),
    Column("unit", "text", "Unit of its values; UTC: a moment"),
    Column("meaning", "text", "What it says"),
    Column("null", "text", "What a missing value means; empty: none is missing"),
)
_TABLES: Final = (
    Column("table", "text", "Name of the table"),
    Column("row", "text", "What one row is"),
    Column("kind", "text", "`fact`: recorded, `rec.NAME`; `result`: computed, `st.NAME(rec)`"),
)


@dataclass(frozen=True, slots=True)
class Description:
    """A table about tables, for people: in a notebook as HTML, elsewhere as text.

    Attributes
    ----------
    title
        What it is about.
    columns
        Its columns.
    rows
        Its rows, one text for each column.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a DataFrame of texts."""
        return pd.DataFrame(self.rows, columns=[column.name for column in self.columns])

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        from rich import box
        from rich.console import Console
        from rich.table import Table as Grid

        grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in self.columns:
            grid.add_column(
                column.name, no_wrap=column.name in ("column", "table"), overflow="fold"
            )
        for row in self.rows:
            grid.add_row(*row)
        console = Console(file=StringIO(), width=_WIDTH, color_system=None, markup=False)
        with console.capture() as drawn:
            console.print(grid)
        lines = (line.rstrip() for line in drawn.get().splitlines())
        return "\n".join([self.title, *lines]).rstrip()

    def _repr_html_(self) -> str:
        names = [column.name for column in self.columns]
        rows = (dict(zip(names, row, strict=True)) for row in self.rows)
        return html_rows(self.columns, rows, self.title, _MAX_TEXT)


def describe(table: Frame | Table | str | None = None) -> Description:
    """What the columns of a table mean, from the catalogue; without a table, which there are.

    Parameters
    ----------
    table
        A frame (``st.tokens(rec)``), or the name of a table (``"tokens"``).

    Returns
    -------
    Description
        One row a column: ``column``, ``dtype``, ``unit``, ``meaning``, ``null``. Without a table,
        one row a table: ``table``, ``row``, ``kind``.

    Raises
    ------
    UsageError
        No table has that name.

    >>> describe("graces").rows[3][:3]
    ('reuses', 'Int64', '')
    """
    if table is None:
        tables = [_named(name) for name in NAMES]
        listed = ((one.name, one.row, "fact" if one.fact else "result") for one in tables)
        return Description("The tables of a recording", _TABLES, tuple(listed))
    if isinstance(table, Frame):
        table = table.table
    elif isinstance(table, str):
        table = _named(table)
    types = to_pandas(table.arrow.empty_table(), table).dtypes.astype(str)
    rows = (
        (heading(c), types[heading(c)], _unit(c), c.description, c.null or "")
        for c in table.columns
    )
    title = f"{table.name}: each row is {table.row}; sorted by {', '.join(table.key)}"
    return Description(title, _COLUMNS, tuple(rows))


def _named(name: str) -> Table:
    if name in TABLES:
        return TABLES[name]
    if name not in NAMES:
        raise UsageError(unknown("table", name, NAMES))
    return results()[name].table


def _unit(column: Column) -> str:
    if column.type == "timestamp":
        return "UTC"
    return next((unit for end, unit in _UNITS.items() if column.name.endswith(end)), "")
