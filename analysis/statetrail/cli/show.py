"""`statetrail show`: one table of a store, for people (table, csv) and programs (json, parquet)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from statetrail.cli.options import ClientBy, Dialects, Stores, chosen, named
from statetrail.cli.writing import check_outputs, write_file
from statetrail.errors import UsageError

if TYPE_CHECKING:
    from statetrail.recording.frames import Frame, Recording

EXAMPLES = """[b]Examples[/b]

statetrail show shop.sqlite verdicts

statetrail show shop.sqlite tokens --format csv --to tokens.csv

statetrail show monday.sqlite tuesday.sqlite rotations --format json | jq .

statetrail show shop.sqlite exchanges --format parquet --to exchanges.parquet"""

TABLES = (
    *("exchanges", "issued", "presented", "token_candidates"),
    *(
        "tokens",
        "rotations",
        "sessions",
        "verdicts",
        "root_causes",
        "overrides",
        "shared",
        "leaks",
        "clients",
        "expiry",
        "findings",
    ),
)
ROWS = 50
"""Rows of a table on a terminal unless --limit says otherwise."""


def command(
    stores: Stores,
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help=f"One of {', '.join(TABLES)}.", show_default=False),
    ],
    format_: Annotated[
        Literal["table", "csv", "json", "parquet"],
        typer.Option("--format", help="table, csv: for people; json, parquet: for programs."),
    ] = "table",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=0, help=f"Rows at most; as a table {ROWS} by default."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write to a file.")
    ] = None,
    client_by: ClientBy = "peer,user-agent",
    grace: Annotated[
        float, typer.Option("--grace", metavar="MS", help="Grace period, as in audit.")
    ] = 250,
    dialects: Dialects = "all",
) -> None:
    """Show a table of one or many stores.

    Secret values appear as pseudonyms. Times are UTC; csv and table have them as dates, json and
    parquet as microseconds since the epoch, as the schema names them.
    """
    if table not in TABLES:
        raise UsageError(f"unknown table {table!r}: choose from {', '.join(TABLES)}")
    if format_ == "parquet" and to is None and sys.stdout.isatty():
        raise UsageError("parquet is no text for a terminal: use --to FILE, or redirect the output")
    known = chosen(dialects)
    check_outputs((to,), stores)

    from statetrail.cli.rendering import csv_text, json_text, parquet_bytes, print_table
    from statetrail.cli.terminal import busy
    from statetrail.recording.frames import open_recording

    with busy("analysing"):
        rec = open_recording(stores, client_by=named(client_by), grace_ms=grace, dialects=known)
        frame = result(rec, table)
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
    if table in ("exchanges", "issued", "presented", "token_candidates"):
        frame: Frame = getattr(rec, table)
        return frame
    import statetrail as st

    computed: Frame = getattr(st, table)(rec)
    return computed
