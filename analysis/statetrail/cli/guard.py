"""Around every command: an error becomes one line and an exit code, never a traceback."""

import functools
import os
import sys
from collections.abc import Callable

import typer

from statetrail.errors import StatetrailError

MISUSE = 2
BROKEN_PIPE = 141
"""The exit code that a shell reports for a program whose reader in the pipe has ended."""

_ENGINES = ("duckdb", "_duckdb", "pyarrow")


def guarded[**P](command: Callable[P, None]) -> Callable[P, None]:
    """The command, with each error printed as one line."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except StatetrailError as error:
            raise fail(str(error)) from None
        except BrokenPipeError:
            # Python flushes standard output once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(BROKEN_PIPE) from None
        except OSError as error:
            file = f"{error.filename}: " if error.filename is not None else ""
            raise fail(f"{file}{error.strerror or type(error).__name__}") from None
        except Exception as error:
            package = type(error).__module__.partition(".")[0]
            if package == "apsw":
                from statetrail.store.connection import error_name

                # The name only: a message may quote a value.
                raise fail(f"the store cannot be used ({error_name(error)})") from None
            # A large dataset is read piece by piece: damage is met late.
            if package not in _ENGINES:
                raise
            raise fail(f"a store is damaged ({type(error).__name__})") from None

    return run


def fail(message: str) -> typer.Exit:
    """Print a message as one line on standard error; raise what this returns."""
    from statetrail.cli.output.terminal import say

    say(message)
    return typer.Exit(MISUSE)
