"""`statetrail export`: stores as a Parquet dataset."""

from pathlib import Path
from typing import Annotated

from statetrail.cli.options import ClientBy, Stores, chosen, option

EXTRA = "analysis"
EXAMPLES = """[b]Examples[/b]

statetrail export week.sqlite --out week

statetrail export monday.sqlite tuesday.sqlite --out days --client-by user-agent"""


def command(
    stores: Stores,
    out: Annotated[Path, option("--out|--to DIR", "Folder to create.", show_default=False)],
    client_by: ClientBy = None,
    buckets: Annotated[
        int | None,
        option(
            "--buckets N", "Number of buckets of clients; by default from the number of exchanges."
        ),
    ] = None,
) -> None:
    """Write stores as one Parquet dataset in buckets of clients, for large analyses.

    Every command that takes a STORE takes this folder too.
    """
    from statetrail.cli.output.terminal import busy, stdout
    from statetrail.store.parquet import check_target, export_parquet
    from statetrail.store.reader import read_store

    check_target(out)
    with busy("exporting"):
        facts = [read_store(path) for path in stores]
        export_parquet(facts, out, chosen(client_by), buckets)
    exchanges = sum(store.count("exchanges") for store in facts)
    stdout().write(f"{out}: {exchanges:,} exchanges")
