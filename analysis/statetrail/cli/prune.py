"""`statetrail prune`: what is older than a time leaves the stores."""

import re
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail prune shop.sqlite --older-than 30d

statetrail prune shop-*.sqlite --older-than 12h --dry-run"""

_AGE: Final = re.compile(r"([0-9]{1,9})\s*([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def command(
    stores: Annotated[
        list[Path], typer.Argument(metavar="STORE", help="SQLite stores.", show_default=False)
    ],
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="AGE", help="e.g. 30d, 12h, 4w.", show_default=False),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Keep stores of which nothing is left.")
    ] = False,
) -> None:
    """Remove exchanges that started longer ago than AGE, also from a store that is recorded.

    The file does not shrink: its space is used again. A store of which nothing is left is removed
    with its key, unless a recorder has it open.
    """
    from statetrail.cli.terminal import stdout, text
    from statetrail.store.retention import prune

    before_us = time.time_ns() // 1000 - age_s(older_than) * 1_000_000
    for path in stores:
        done = prune(path, before_us, dry_run=dry_run, keep_file=keep_files)
        said = "would be removed" if dry_run else "removed"
        gone = "; the store is removed" if done.removed else ""
        left = done.left - done.exchanges if dry_run else done.left
        stdout().print(text(f"{path}: {done.exchanges:,} exchanges {said}, {left:,} left{gone}"))


def age_s(age: str) -> int:
    """Seconds of ``30d``. Raises `UsageError`."""
    found = _AGE.fullmatch(age.strip().lower())
    if found is None:
        raise UsageError(f"{age!r} is no age: write it as 30d, 12h or 4w")
    return int(found[1]) * _SECONDS[found[2]]
