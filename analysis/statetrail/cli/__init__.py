"""The command line: `statetrail demo | record | import | audit | compare | show | export | probe`.

Enters: arguments. Leaves: an exit code: 0 fine; 1 where what was asked to fail on was found; 2 for
misuse or files that cannot be used; 130 when interrupted. Errors are one line on standard error.

One module a command. Nothing heavy is imported before a command runs.
"""

import contextlib
import inspect
import io
import sys
from typing import Annotated

import typer

from statetrail.cli import (
    audit,
    compare,
    demo,
    export,
    importing,
    probe,
    prune,
    record,
    redact,
    show,
    watch,
)
from statetrail.cli.guard import guarded

app = typer.Typer(
    name="statetrail",
    help="How long sessions live, when tokens rotate, and which clients ignore the state "
    "that a server sends them.",
    epilog="[b]In three commands[/b]\n\n"
    "statetrail record --store shop.sqlite -- --mode reverse:https://shop.example\n\n"
    "statetrail audit shop.sqlite --html audit.html\n\n"
    "statetrail show shop.sqlite verdicts --format csv",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module, name in (
    (demo, "demo"),
    (record, "record"),
    (watch, "watch"),
    (importing, "import"),
    (audit, "audit"),
    (compare, "compare"),
    (show, "show"),
    (export, "export"),
    (probe, "probe"),
    (prune, "prune"),
    (redact, "redact"),
):
    # Typer keeps a docstring's line breaks, which are for those who read the code.
    paragraphs = inspect.cleandoc(module.command.__doc__ or "").split("\n\n")
    told = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    app.command(name, help=told, epilog=module.EXAMPLES)(guarded(module.command))


def _version(asked: bool) -> None:
    if asked:
        from statetrail import __version__

        print(f"statetrail {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; ends the process with the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A file name, or a terminal of another alphabet, is no reason to fail.
        with contextlib.suppress(io.UnsupportedOperation):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    app()
