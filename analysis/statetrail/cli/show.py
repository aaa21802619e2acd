"""`statetrail show`: one table of a store, for people (table, csv) and programs (json, parquet)."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from statetrail.analyses.catalogue import NAMES, TABLES
from statetrail.cli import options
from statetrail.cli.options import argument, option
from statetrail.errors import UsageError, unknown

if TYPE_CHECKING:
    from statetrail.recording.frames import Frame, Recording
    from statetrail.schema import Table

EXTRA = "analysis"
EXAMPLES = """[b]Examples[/b]

statetrail show shop.sqlite verdicts

statetrail show shop.sqlite tokens --columns client,param,end,observed_s

statetrail show shop.sqlite tokens --format csv --out tokens.csv

statetrail show monday.sqlite tuesday.sqlite rotations --format json | jq .

statetrail show shop.sqlite exchanges --format parquet --out exchanges.parquet"""

ROWS = 50
"""Default number of rows of a table on a terminal."""


def _complete(ctx: typer.Context, incomplete: str) -> list[str]:
    # Without a store, the shell completes files.
    return options.completion(lambda: NAMES)(incomplete) if ctx.params.get("table") else []


def command(
    stores: Annotated[list[Path], argument("STORE", options.STORES, _complete)],
    table: Annotated[str, argument("TABLE", f"One of {', '.join(NAMES)}.")],
    format_: Annotated[
        Literal["table", "csv", "json", "parquet"],
        option("--format", "table, csv: for people; json, parquet: for programs."),
    ] = "table",
    limit: Annotated[
        int | None, option("--limit N", f"Maximum number of rows; for a table {ROWS}.", min=0)
    ] = None,
    columns: Annotated[
        str | None,
        option(
            "--columns NAMES",
            "Columns to show, comma separated, or all. By default all in csv, json and parquet, "
            "and in a table those that fit.",
        ),
    ] = None,
    out: options.OutFile = None,
    client_by: options.ClientBy = None,
    grace: options.Grace = options.DEFAULT_GRACE,
    dialects: options.Dialects = "all",
) -> None:
    """Show a table of one or many stores.

    Secret values appear as pseudonyms. Times are UTC. In json and parquet, which are for programs,
    times are microseconds since the epoch, and fingerprints are the integers of 64 bits whose
    first half a pseudonym shows.
    """
    if table not in NAMES:
        raise UsageError(unknown("table", table, NAMES), page="tables")
    if format_ == "parquet" and out is None and sys.stdout.isatty():
        raise UsageError("parquet is no text for a terminal: use --out FILE, or a pipe")
    from statetrail.cli.output.files import check_outputs, write_file

    check_outputs((out,), stores)

    from statetrail.cli.output.tables import csv_text, json_text, parquet_bytes, print_table
    from statetrail.cli.output.terminal import busy

    with busy("analysing"):
        frame = result(options.open_stores(stores, client_by, grace, dialects), table)
        rows = frame.to_arrow()
    total = rows.num_rows
    wanted = _columns(columns, frame.table)
    schema = frame.table
    if wanted is not None:
        rows = rows.select(wanted)
        chosen = {column.name: column for column in schema.columns}
        schema = replace(schema, columns=tuple(chosen[name] for name in wanted))
    if format_ == "table" and out is None:
        print_table(schema, rows.slice(0, ROWS if limit is None else limit), total, wanted)
        return
    rows = rows.slice(0, limit)
    content: str | bytes
    if format_ == "parquet":
        content = parquet_bytes(rows)
    elif format_ == "json":
        content = json_text(rows)
    else:
        content = csv_text(schema, rows, for_terminal=out is None and sys.stdout.isatty())
    if out is not None:
        write_file(out, content)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)


def _columns(text: str | None, table: "Table") -> list[str] | None:
    """The columns that are named; `None` for the usual ones. Raises `UsageError`."""
    if text is None:
        return None
    # As a heading says it, without the unit of a time.
    known = {name.removesuffix("_us"): name for name in table.names}
    names = [name.removesuffix("_us") for name in options.named(text)]
    if names == ["all"]:
        return list(table.names)
    for name in names:
        if name not in known:
            raise UsageError(unknown("column", name, known))
    if not names:
        raise UsageError(f"name columns: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def result(rec: "Recording", table: str) -> "Frame":
    """The named table of a recording, computed if it is a result."""
    from statetrail.analyses.catalogue import results

    if table in TABLES and TABLES[table].fact:
        facts: Frame = getattr(rec, table)
        return facts
    return results()[table].of(rec)
