"""The command line: one module a command.

Enters: arguments. Leaves: an exit code: 0 on success; 1 if `--fail-on` (or the probe's width) is
not met, a secret is found, or nothing is to be suggested; 2 for misuse or unusable files; 130 when
interrupted. Errors are one line on standard error. Nothing heavy is imported before a command runs.
"""

import contextlib
import inspect
import io
import os
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from statetrail.analyses.catalogue import NAMES
from statetrail.cli import (
    audit,
    compare,
    demo,
    dialect,
    doctor,
    explain,
    export,
    import_,
    mcp,
    notebook,
    probe,
    prune,
    record,
    sharing,
    show,
    suggest,
    watch,
)
from statetrail.cli.output.guard import fail, guarded


def _plain(params: list[Any]) -> list[Any]:
    """The parameters as the help shows them.

    Types are left out where none is taken or the name says it. Dots show that several may follow.
    """
    for param in params:
        if param.param_type_name == "argument" and param.nargs != 1 and param.metavar:
            param.metavar = f"{param.metavar.removesuffix('...')}..."
        if getattr(param, "is_flag", False) or param.param_type_name == "argument":
            param.display_type_rich = lambda ctx: None
    return params


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return _plain(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        names = any(not one.startswith("-") for one in args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            # An unknown option of the command that takes those of another program.
            if self.name == "record" and hasattr(error, "possibilities"):
                error.possibilities = None
                error.message = f"{error.message}: options of mitmdump go after --"  # type: ignore[attr-defined]
            missing = getattr(getattr(error, "param", None), "name", None)
            # A store alone is taken for the table, and the store is said to be missing.
            if self.name == "show" and names and missing == "stores":
                tables = ", ".join(NAMES)
                raise fail(f"name a store and a table, one of {tables}") from None
            raise


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return _plain(super().get_params(ctx))


app = typer.Typer(
    name="statetrail",
    cls=_Group,
    help="How long sessions live, when tokens rotate, and which clients ignore the state "
    "that a server sends them.",
    epilog="[b]In three commands[/b]\n\n"
    "statetrail record --store shop.sqlite -- --mode reverse:https://shop.example\n\n"
    "statetrail audit shop.sqlite --html audit.html\n\n"
    "statetrail show shop.sqlite verdicts --format csv",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(group: typer.Typer, modules: Iterable[Any]) -> None:
    """Add the command of each module, by the name of the module."""
    for module in modules:
        # Typer keeps a docstring's line breaks; a terminal breaks lines itself.
        paragraphs = inspect.cleandoc(module.command.__doc__ or "").split("\n\n")
        name = module.__name__.rpartition(".")[2].rstrip("_")
        group.command(
            name,
            cls=_Command,
            help="\n\n".join(escape(" ".join(paragraph.split())) for paragraph in paragraphs),
            epilog=module.EXAMPLES,
        )(guarded(module.command, name, getattr(module, "EXTRA", "")))


_add(
    app,
    (
        *(demo, record, doctor, watch, import_, audit, compare),
        *(suggest, show, explain, notebook, mcp, export, probe, prune, *sharing.COMMANDS),
    ),
)
_dialect = typer.Typer(cls=_Group, no_args_is_help=True, rich_markup_mode="rich")
_add(_dialect, dialect.COMMANDS)
app.add_typer(_dialect, name="dialect", help=dialect.HELP)


def _version(wanted: bool) -> None:
    if wanted:
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
    for name in ("stdout", "stderr"):
        # A stream that the caller closed: no other file may be opened in its place.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks is escaped, and no error.
        with contextlib.suppress(io.UnsupportedOperation):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    try:
        guarded(app, "")()
    except typer.Exit as end:  # of the help itself, which could not be written
        sys.exit(end.exit_code)
