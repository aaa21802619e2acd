"""`statetrail prune`: removes exchanges older than an age from stores."""

import time
from pathlib import Path
from typing import Annotated

from statetrail.cli.options import argument, duration_s, option

EXAMPLES = """[b]Examples[/b]

statetrail prune shop.sqlite --older-than 30d

statetrail prune shop-*.sqlite --older-than 12h --dry-run"""


def command(
    stores: Annotated[list[Path], argument("STORE", "SQLite stores.")],
    older_than: Annotated[
        str, option("--older-than AGE", "e.g. 30d, 12h, 4w.", show_default=False)
    ],
    dry_run: Annotated[bool, option("--dry-run", "Only print what would be removed.")] = False,
    keep_files: Annotated[bool, option("--keep-files", "Keep stores that become empty.")] = False,
) -> None:
    """Remove exchanges that started longer ago than AGE, also while a store is being recorded.

    What is removed is overwritten; where no recorder runs the file is written anew. A store that
    becomes empty is removed with its key, unless a recorder has it open.
    """
    from statetrail.cli.output.terminal import stdout
    from statetrail.store.retention import prune

    before_us = time.time_ns() // 1000 - round(duration_s(older_than) * 1_000_000)
    for path in stores:
        pruned = prune(path, before_us, dry_run=dry_run, keep_file=keep_files)
        action = "would be removed" if dry_run else "removed"
        note = "; the store is removed" if pruned.removed else ""
        left = pruned.left - pruned.exchanges if dry_run else pruned.left
        stdout().write(f"{path}: {pruned.exchanges:,} exchanges {action}, {left:,} left{note}")
