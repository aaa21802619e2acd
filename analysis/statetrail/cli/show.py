"""`statetrail show`: one table of a store, for people (table, csv) and programs (json, parquet)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from statetrail.analyses.catalogue import NAMES, TABLES
from statetrail.cli import options
from statetrail.cli.options import argument, option
from statetrail.errors import UsageError

if TYPE_CHECKING:
    from statetrail.recording.frames import Frame, Recording

EXTRA = "analysis"
EXAMPLES = """[b]Examples[/b]

statetrail show shop.sqlite verdicts

statetrail show shop.sqlite tokens --format csv --to tokens.csv

statetrail show monday.sqlite tuesday.sqlite rotations --format json | jq .

statetrail show shop.sqlite exchanges --format parquet --to exchanges.parquet"""

ROWS = 50
"""Default number of rows of a table on a terminal."""


def command(
    stores: options.Stores,
    table: Annotated[str, argument("TABLE", f"One of {', '.join(NAMES)}.")],
    format_: Annotated[
        Literal["table", "csv", "json", "parquet"],
        option("--format", "table, csv: for people; json, parquet: for programs."),
    ] = "table",
    limit: Annotated[
        int | None, option("--limit N", f"Maximum number of rows; for a table {ROWS}.", min=0)
    ] = None,
    to: Annotated[Path | None, option("--to FILE", "Write to a file.")] = None,
    client_by: options.ClientBy = None,
    grace: options.Grace = options.DEFAULT_GRACE_MS,
    dialects: options.Dialects = "all",
) -> None:
    """Show a table of one or many stores.

    Secret values appear as pseudonyms. Times are UTC. In json and parquet, which are for programs,
    times are microseconds since the epoch, and fingerprints are the integers of 64 bits whose
    first half a pseudonym shows.
    """
    if table not in NAMES:
        raise UsageError(f"unknown table {table!r}: choose from {', '.join(NAMES)}")
    if format_ == "parquet" and to is None and sys.stdout.isatty():
        raise UsageError("parquet is no text for a terminal: use --to FILE, or redirect the output")
    from statetrail.cli.output.files import check_outputs, write_file

    check_outputs((to,), stores)

    from statetrail.cli.output.tables import csv_text, json_text, parquet_bytes, print_table
    from statetrail.cli.output.terminal import busy

    with busy("analysing"):
        frame = result(options.open_stores(stores, client_by, grace, dialects), table)
        rows = frame.to_arrow()
    total = rows.num_rows
    if format_ == "table" and to is None:
        print_table(frame.table, rows.slice(0, ROWS if limit is None else limit), total)
        return
    rows = rows.slice(0, limit)
    content: str | bytes
    if format_ == "parquet":
        content = parquet_bytes(rows)
    elif format_ == "json":
        content = json_text(rows)
    else:
        content = csv_text(frame.table, rows, for_terminal=to is None and sys.stdout.isatty())
    if to is not None:
        write_file(to, content)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)


def result(rec: "Recording", table: str) -> "Frame":
    """The named table of a recording, computed if it is a result."""
    from statetrail.analyses.catalogue import results

    if table in TABLES and TABLES[table].fact:
        facts: Frame = getattr(rec, table)
        return facts
    return results()[table].of(rec)
