"""`statetrail demo`: real origins, a real mitmdump, clients of every kind, and the audit."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """[b]Example[/b]

statetrail demo --out demo-output"""


def command(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for what it leaves.")
    ] = Path("demo-output"),
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            metavar="N",
            help="How long the clients act at least; one round if left out.",
        ),
    ] = None,
) -> None:
    """Record two reference origins and clients of every kind, then audit what they did.

    All of it runs on this machine over real sockets. Leaves recording.sqlite, audit.html and
    audit.json, and fails unless the audit is exactly what the clients know they did.
    """
    from statetrail.demo import run_demo

    raise typer.Exit(run_demo(out, seconds))
