"""A table's rows as text for a terminal, as CSV, JSON or Parquet.

Enters: a schema and its rows as Arrow. Leaves: text or bytes. Values from the network stay inert:
no terminal escape in a table, no formula in a CSV file.
"""

import csv
import io
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from statetrail.cli.output.terminal import (
    MAX_LINE,
    NARROWEST,
    draw,
    natural_widths,
    stdout,
    table,
    table_width,
    text,
)
from statetrail.extract.text import clean
from statetrail.report.render.csv import inert
from statetrail.schema import Column, Table, pseudonym

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CELL: Final = 60
_PROSE: Final = 40
"""Characters of a line of a text that is several sentences."""
# The columns shown on a terminal; the other forms have all.
_SHOWN: Final = {
    "exchanges": (
        *("exchange_id", "request_start_us", "peer", "user_agent", "method", "host", "endpoint"),
        *("status", "error", "dialects", "notes"),
    ),
    "issued": (
        *("exchange_id", "dialect", "param", "value", "fingerprint", "usage", "priority"),
        *("channel", "problem"),
    ),
    "presented": ("exchange_id", "dialect", "param", "value", "fingerprint", "channel", "kind"),
    "tokens": (
        *("client", "origin", "param", "value", "fingerprint", "issues", "uses"),
        *("uses_late", "first_issued_us", "end", "ended_at_us", "observed_s"),
    ),
    "rotations": (
        *("exchange_id", "client", "param", "issued_at_us", "from_fingerprint", "to_fingerprint"),
        *("cause", "idle_low_s", "age_low_s"),
    ),
    "sessions": (
        *("client", "origin", "session_fingerprint", "first_us", "duration_s", "tokens"),
        *("requests", "end", "cart_writes", "cart_writes_lost", "login_lost"),
    ),
    "findings": (
        *("severity", "rule", "client", "param", "count", "message", "origin", "evidence"),
    ),
}


def print_table(
    schema: Table, rows: pa.Table, total: int, wanted: Sequence[str] | None = None
) -> None:
    """Print rows as a table, and the total where not all are shown.

    Without `wanted` columns, a terminal gets as many of the usual ones as are readable in its
    width, and no empty ones.
    """
    names = wanted or _SHOWN.get(schema.name, schema.names)
    columns = [column for column in schema.columns if column.name in names]
    columns.sort(key=lambda column: names.index(column.name))
    console, is_terminal = stdout(), sys.stdout.isatty()
    if is_terminal and not rows.num_rows and not total:
        console.write(f"The table {schema.name} has no row.")
        return
    if is_terminal and wanted is None:
        columns = [c for c in columns if set(rows[c.name].to_pylist()) - {None, ""}]
    limit = MAX_LINE if schema.name == "findings" else _MAX_CELL
    cells = [
        [text(_cell(column, row[column.name]), limit=limit) for column in columns]
        for row in rows.to_pylist()
    ]
    widths = natural_widths([_heading(column) for column in columns], cells)
    least = [
        min(width, _PROSE if width > _MAX_CELL else NARROWEST) if column.type == "text" else width
        for column, width in zip(columns, widths, strict=True)
    ]
    shown = list(range(len(columns)))
    if is_terminal and wanted is None:
        shown = _that_fit(least, console.width)
    right = [_heading(c) for c in columns if c.type in ("int", "float")]
    whole = [_heading(c) for c in columns if c.type != "text"]
    headings = [_heading(columns[at]) for at in shown]
    result = table(None, headings, right, whole, narrowest=[least[at] for at in shown])
    for row in cells:
        result.add_row(*(row[at] for at in shown))
    draw(result, console)
    if total > rows.num_rows:
        console.write(f"{rows.num_rows:,} of {total:,} rows; --limit {total} shows all")
    left_out = [_heading(c) for c in schema.columns if c not in [columns[at] for at in shown]]
    if is_terminal and wanted is None and left_out:
        console.write(f"More columns: --columns all, or some of {', '.join(left_out)}", "dim")


def _that_fit(least: Sequence[int], room: int) -> list[int]:
    """The columns that fit side by side, the first ones first; at least one."""
    shown: list[int] = []
    for at in range(len(least)):
        if table_width([least[each] for each in (*shown, at)]) <= room or not shown:
            shown.append(at)
    return shown


def csv_text(schema: Table, rows: pa.Table, *, for_terminal: bool = False) -> str:
    """CSV for spreadsheets: times as dates, and no cell that is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_heading(column) for column in schema.columns])
    for row in rows.to_pylist():
        writer.writerow([_csv_cell(column, row[column.name]) for column in schema.columns])
    if not for_terminal:
        return out.getvalue()
    return "\n".join(clean(line, len(line)) for line in out.getvalue().split("\n"))


def json_text(rows: pa.Table) -> str:
    """A JSON array, one row a line, columns as the schema names them; all of it ASCII."""
    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows.to_pylist())
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def parquet_bytes(rows: pa.Table) -> bytes:
    """A Parquet file with the schema's columns and types."""
    out = io.BytesIO()
    pq.write_table(rows, out, compression="zstd")
    return out.getvalue()


def _heading(column: Column) -> str:
    return column.name.removesuffix("_us")


def _when(time_us: int) -> str | None:
    try:
        at = _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return None
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _csv_cell(column: Column, value: Any) -> Any:
    if value is None:
        return ""
    if column.type == "timestamp":
        return _when(value) or value
    if column.type == "fingerprint":
        return pseudonym(value)
    return inert(clean(value, len(value))) if isinstance(value, str) else value


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return "-"
    if column.type == "timestamp":
        when = _when(value)
        return when[:23].replace("T", " ") if when else str(value)
    if column.type == "fingerprint":
        return pseudonym(value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)
