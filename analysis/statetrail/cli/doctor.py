"""`statetrail doctor`: whether what records on this machine is in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from statetrail.cli import options
from statetrail.cli.options import option

if TYPE_CHECKING:
    from statetrail.doctor.check import Check

EXAMPLES = """[b]Examples[/b]

statetrail doctor

statetrail doctor --store shop.sqlite --dialects acme.toml"""

WRONG: Final = 1
"""The exit code if something is wrong."""
_STYLES: Final = {"ok": "green", "warning": "yellow", "wrong": "bold red"}


def command(
    store: Annotated[
        Path, option("--store FILE", "The store to check, if it is there.")
    ] = options.DEFAULT_STORE,
    key: Annotated[
        Path | None, option("--key FILE", "The store's key file. Default: FILE.key beside it.")
    ] = None,
    dialects: options.Dialects = "all",
    confdir: Annotated[
        Path, option("--confdir DIR", "The folder of mitmproxy's certificate authority.")
    ] = Path("~/.mitmproxy"),
) -> None:
    """Check the recorder, a store with its key, the versions, the disk, the clock, the authority.

    The recorder is really started, on the loopback address, and one request is sent through it. The
    store is only read. Exit code 0: nothing is wrong; 1: something is.
    """
    from rich.table import Table

    from statetrail.cli.output.terminal import one_line, stdout
    from statetrail.report.render.terminal import MAX_LINE, draw, text

    console = stdout()
    failed = False
    for check in _checks(store, key, dialects, confdir):
        failed |= check.grade == "wrong"
        line = Table.grid(padding=(0, 1))
        for width in (8, 10, None):
            line.add_column(width=width, overflow="fold")
        grade, says = (
            text(check.grade, _STYLES[check.grade]),
            text(one_line(_said(check)), "", MAX_LINE),
        )
        line.add_row(grade, text(check.subject), says)
        draw(line, console)
    if failed:
        raise typer.Exit(WRONG)


def _said(check: "Check") -> str:
    return f"{check.says} (see: statetrail explain {check.page})" if check.page else check.says


def _checks(store: Path, key: Path | None, dialects: str, confdir: Path) -> "Iterator[Check]":
    from statetrail.dialects import select
    from statetrail.doctor.live import check_recorder
    from statetrail.doctor.machine import check_authority, check_clock, check_versions
    from statetrail.doctor.stores import check_stores

    chosen = select(dialects)
    yield check_versions()
    yield check_recorder()
    yield from check_stores(store, key, chosen)
    yield check_clock()
    yield from check_authority(confdir)
