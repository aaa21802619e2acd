"""`statetrail export`: stores as a Parquet dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from statetrail.cli.options import ClientBy, Stores, chosen, option

if TYPE_CHECKING:
    from statetrail.store.dataset.addition import Exported

EXTRA = "analysis"
EXAMPLES = """[b]Examples[/b]

statetrail export week.sqlite --out week

statetrail export shop-*.sqlite --out shop --client-by user-agent

statetrail export shop-*.sqlite --out shop --check"""

DAMAGED = 1
"""The exit code if a file of the dataset is damaged."""


def command(
    stores: Stores,
    out: Annotated[
        Path,
        option("--out|--to DIR", "Folder to create, or dataset to add to.", show_default=False),
    ],
    client_by: ClientBy = None,
    buckets: Annotated[
        int | None,
        option(
            "--buckets N", "Number of buckets of clients; by default from the number of exchanges."
        ),
    ] = None,
    check: Annotated[
        bool, option("--check", "Compare all files of the dataset with their checksums afterwards.")
    ] = False,
) -> None:
    """Write stores as one Parquet dataset in buckets of clients, for large analyses.

    Every command that takes a STORE takes this folder too. Where it is there already, what the
    stores have since is added. What was removed from a store stays in the dataset.
    """
    from statetrail.cli.output.terminal import busy, say, stdout
    from statetrail.store.dataset.export import export_stores
    from statetrail.store.dataset.manifest import damage, read_manifest

    with busy("exporting") as report:
        done = export_stores(stores, out, chosen(client_by), buckets, report)
        found = damage(out, read_manifest(out)) if check else []
    stdout().write(f"{out}: {_says(done)}")
    for each in found:
        say(each)
    if found:
        raise typer.Exit(DAMAGED)


def _says(done: "Exported") -> str:
    parts = [f"{done.exchanges:,} exchanges"]
    if not done.is_new:
        parts.append(f"{done.added:,} of them new" if done.added else "nothing new")
    if done.replaced:
        parts.append(f"{done.replaced:,} replaced, which have changed")
    if done.gone:
        parts.append(f"{done.gone:,} stay that are no longer in the stores")
    return ", ".join(parts)
