"""A table's rows as text for a terminal, as CSV, JSON or Parquet.

Enters: a schema and its rows as Arrow. Leaves: text or bytes. Values from the network stay inert:
no terminal escape in a table, no formula in a CSV file.
"""

import csv
import io
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from statetrail.cli.output.terminal import MAX_LINE, draw, stdout, table, text
from statetrail.extract.text import clean
from statetrail.report.render.csv import inert
from statetrail.schema import Column, Table, pseudonym

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CELL: Final = 60
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
        *("severity", "rule", "client", "origin", "param", "count", "message", "evidence"),
    ),
}


def print_table(schema: Table, rows: pa.Table, total: int) -> None:
    """Print rows as a table, and the total where not all are shown."""
    names = _SHOWN.get(schema.name, schema.names)
    columns = [column for column in schema.columns if column.name in names]
    columns.sort(key=lambda column: names.index(column.name))
    if sys.stdout.isatty():  # narrow: empty columns are left out
        columns = [c for c in columns if set(rows[c.name].to_pylist()) - {None, ""}]
    right = [_heading(c) for c in columns if c.type in ("int", "float")]
    whole = [_heading(c) for c in columns if c.type != "text"]
    result = table(None, [_heading(column) for column in columns], right, whole)
    limit = MAX_LINE if schema.name == "findings" else _MAX_CELL
    for row in rows.to_pylist():
        result.add_row(*(text(_cell(column, row[column.name]), limit=limit) for column in columns))
    console = stdout()
    draw(result, console)
    if total > rows.num_rows:
        console.write(f"{rows.num_rows:,} of {total:,} rows; --limit {total} shows all")


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
