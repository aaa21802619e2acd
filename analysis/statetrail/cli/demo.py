"""`statetrail demo`: real origins, a real mitmdump, clients of every kind, and the audit."""

from pathlib import Path
from typing import Annotated

import typer

from statetrail.cli.options import option

EXTRA = "demo"
EXAMPLES = """[b]Example[/b]

statetrail demo --out demo-output"""


def command(
    out: Annotated[Path, option("--out DIR", "Folder for its files.")] = Path("demo-output"),
    seconds: Annotated[
        float | None,
        option(
            "--seconds N", "Minimum duration of the traffic; by default one round of each client."
        ),
    ] = None,
) -> None:
    """Record two reference origins and clients of every kind, then audit the recording.

    Everything runs on this machine over real sockets. Writes recording.sqlite, audit.html and
    audit.json, and fails unless the audit equals the clients' own account of what they did.
    """
    from statetrail.demo.run import run_demo

    raise typer.Exit(run_demo(out, seconds))
