"""`statetrail demo`: real origins, a real mitmdump, clients of every kind, and the audit."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from statetrail.cli.options import duration_s, option

EXTRA = "demo"
EXAMPLES = """[b]Examples[/b]

statetrail demo --out demo-output

statetrail demo --serve"""


def command(
    out: Annotated[Path, option("--out DIR", "Folder for its files.")] = Path("demo-output"),
    for_: Annotated[
        str | None,
        option(
            "--for|--seconds TIME",
            "Minimum duration of the traffic; by default one round of each client.",
        ),
    ] = None,
    serve: Annotated[
        bool,
        option("--serve", "Only serve the two origins, to play with, until Ctrl-C."),
    ] = False,
) -> None:
    """Record two reference origins and clients of every kind, then audit the recording.

    Everything runs on this machine over real sockets. Writes recording.sqlite, audit.html and
    audit.json, and fails unless the audit equals the clients' own account of what they did.
    """
    if serve:
        from statetrail.demo.playground import serve_origins

        serve_origins(partial(print, flush=True))
        return
    from statetrail.cli.output.terminal import stdout
    from statetrail.demo.run import run_demo

    seconds = duration_s(for_, "s") if for_ is not None else None
    raise typer.Exit(run_demo(out, seconds, stdout()))
