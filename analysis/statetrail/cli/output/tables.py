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

from statetrail.cli.output.terminal import stdout
from statetrail.extract.text import clean
from statetrail.report.render.csv import inert
from statetrail.report.render.terminal import (
    MAX_LINE,
    draw,
    fitted,
    least_widths,
    natural_widths,
    paragraphs,
    table,
    table_width,
    text,
)
from statetrail.schema import Column, Table, pseudonym

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CELL: Final = 60
_PROSE: Final = 40
"""Characters of a line of a text that is several sentences."""
# The columns of the form for people, the most telling ones first; the other forms have all.
_SHOWN: Final = {
    "exchanges": (
        *("exchange_id", "method", "endpoint", "status", "user_agent", "request_start_us", "host"),
        *("peer", "error", "dialects", "notes"),
    ),
    "issued": (
        *("exchange_id", "param", "value", "fingerprint", "usage", "priority", "channel"),
        *("problem", "dialect"),
    ),
    "presented": ("exchange_id", "param", "value", "fingerprint", "channel", "kind", "dialect"),
    "captures": (
        *("capture_id", "source", "name", "exchanges", "skipped", "problem", "started_us"),
        "duplicates",
    ),
    "carts_by_version": (
        *("product", "version", "carts", "carts_lost", "cart_writes_lost", "logins_lost"),
        *("sessions", "clients", "origin", "param", "dialect"),
    ),
    "clients": (
        *("client", "compliance", "faults", "judged", "requests", "origin", "sessions"),
        *("sessions_at_once", "dialect", "honoured", "first_us", "last_us"),
    ),
    "expiry": (
        *("param", "policy", "low_s", "high_s", "ended", "confidence", "origin", "survived"),
        *("contradictions", "lost", "advice", "dialect"),
    ),
    "families": (
        *("family_fingerprint", "param", "client", "tokens", "rotations", "reuses", "fits"),
        *("forks", "refused", "clients", "first_us", "last_us", "revoked_us", "origin"),
    ),
    "graces": (
        *("param", "low_s", "high_s", "reuses", "taken", "contradictions", "origin", "dialect"),
    ),
    "leaks": (
        *("param", "place", "client", "origin", "issued_origin", "exchange_id", "fingerprint"),
        *("request_start_us", "issued_us", "dialect"),
    ),
    "overrides": (
        *("client", "param", "overrides", "answered", "fought", "unanswered", "on_baskets"),
        *("without_effect", "origin", "first_us", "last_us"),
    ),
    "reuses": (
        *("client", "param", "fingerprint", "fits", "taken", "age_low_s", "age_high_s"),
        *("first_client", "exchange_id", "first_exchange_id", "family_fingerprint"),
    ),
    "root_causes": (
        *("client", "param", "verdict", "cause", "count", "confidence", "endpoints", "origin"),
        *("first_us", "last_us", "evidence"),
    ),
    "rotations": (
        *("client", "param", "cause", "from_fingerprint", "to_fingerprint", "issued_at_us"),
        *("idle_low_s", "age_low_s", "exchange_id", "origin"),
    ),
    "rotations_by_hour": (
        *("hour_us", "param", "rotations", "resets", "requests", "clients", "first_values"),
        *("origin", "dialect"),
    ),
    "session_requests": (
        *("session_fingerprint", "endpoint", "client", "request_start_us", "cart_write", "login"),
        *("exchange_id", "param", "origin"),
    ),
    "sessions": (
        *("session_fingerprint", "client", "requests", "end", "duration_s", "tokens"),
        *("cart_writes", "cart_writes_lost", "login_lost", "origin", "first_us", "ended_at_us"),
    ),
    "shared": (
        *("client", "param", "how", "clients", "uses", "fingerprint", "first_us", "last_us"),
        *("origin", "dialect"),
    ),
    "tokens": (
        *("fingerprint", "param", "client", "uses", "end", "observed_s", "value", "issues"),
        *("uses_late", "first_issued_us", "ended_at_us", "origin"),
    ),
    "uses": (
        *("client", "param", "outcome", "idle_low_s", "age_low_s", "fingerprint", "exclusion"),
        *("idle_high_s", "age_high_s", "exchange_id", "request_start_us", "origin"),
    ),
    "verdicts": (
        *("client", "param", "verdict", "fault", "exchange_id", "reason", "request_start_us"),
        *("origin", "channel", "fingerprint", "dialect"),
    ),
    "verdicts_by_endpoint": (
        *("endpoint", "param", "faults", "judged", "compliance", "dropped", "stale", "resets"),
        *("clients_at_fault", "honoured", "origin", "dialect"),
    ),
    "findings": (
        *("severity", "rule", "client", "count", "param", "message", "origin", "evidence"),
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
    headings = [_heading(column) for column in columns]
    natural = natural_widths(headings, cells)
    least = [
        (max(narrow, min(width, _PROSE)) if width > _MAX_CELL else narrow)
        if column.type == "text"
        else width
        for column, width, narrow in zip(
            columns, natural, least_widths(headings, cells), strict=True
        )
    ]
    shown = list(range(len(columns)))
    if is_terminal and wanted is None:
        shown = _that_fit(least, console.width)
    headings = [headings[at] for at in shown]
    if is_terminal and table_width([least[at] for at in shown]) > console.width:
        console.print(paragraphs(None, headings, [[row[at] for at in shown] for row in cells]))
    else:
        right = [_heading(c) for c in columns if c.type in ("int", "float")]
        whole = [_heading(c) for c in columns if c.type != "text"]
        widths = fitted([least[at] for at in shown], [natural[at] for at in shown], console.width)
        result = table(None, headings, right, whole, widths)
        for row in cells:
            result.add_row(*(row[at] for at in shown))
        draw(result, console)
    if total > rows.num_rows:
        console.write(f"{rows.num_rows:,} of {total:,} rows; --limit {total} shows all")
    left_out = [_heading(c) for c in schema.columns if c not in [columns[at] for at in shown]]
    if is_terminal and wanted is None and left_out:
        more = f"More columns: --columns all, or some of {', '.join(left_out)}"
        console.print(text(more, "dim", limit=MAX_LINE))


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
