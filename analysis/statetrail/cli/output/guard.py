"""Around every command: an error becomes one line and an exit code, never a traceback."""

import functools
import os
import re
import sys
from collections.abc import Callable

import typer

from statetrail.errors import StatetrailError, UsageError, missing_extra

MISUSE = 2
BROKEN_PIPE = 141
"""The exit code that a shell reports for a program whose reader in the pipe has ended."""

_ENGINES = ("duckdb", "_duckdb", "pyarrow")
_SPARK = ("pyspark", "py4j")
_INTERRUPTED = "Query interrupted"
"""What DuckDB makes of Ctrl-C."""
_NO_WORKER = re.compile(r"ModuleNotFoundError|PYTHON_VERSION_MISMATCH|Cannot run program")


def guarded[**P](command: Callable[P, None], name: str, extra: str = "") -> Callable[P, None]:
    """The command, with each error printed as one line; `extra` is the one that it needs."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except StatetrailError as error:
            raise fail(str(error), error.pointer) from None
        except ModuleNotFoundError as error:
            missing = missing_extra(error, f"statetrail {name}", extra)
            raise fail(str(missing), missing.pointer) from None
        except BrokenPipeError:
            # Python flushes standard output once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(BROKEN_PIPE) from None
        except OSError as error:
            file = f"{error.filename}: " if error.filename is not None else ""
            raise fail(f"{file}{error.strerror or type(error).__name__}") from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if isinstance(error, RuntimeError) and str(error) == _INTERRUPTED:
                raise KeyboardInterrupt from None
            package = type(error).__module__.partition(".")[0]
            if package == "apsw":
                from statetrail.store.connection import error_text

                # The name only: a message may quote a value.
                raise fail(f"the store cannot be used ({error_text(error)})") from None
            if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
                raise fail(
                    "a query has too little memory: allow more by --memory, or export the store "
                    "to a dataset and audit fewer of its exchanges at a time",
                    UsageError(page="performance").pointer,
                ) from None
            if package in _SPARK and _NO_WORKER.search(str(error)):
                raise fail(
                    "Spark's workers do not run statetrail: they need statetrail[analysis], this "
                    "Python (PYSPARK_PYTHON), and the paths of the dataset",
                    UsageError(page="performance").pointer,
                ) from None
            if package in _ENGINES:  # a large dataset is read piece by piece: damage is met late
                raise fail(f"a store is damaged ({type(error).__name__})") from None
            raise fail(
                f"a fault of statetrail itself ({type(error).__name__}); where it happened is in "
                f"{_report(error)}: please send it to us, it holds nothing of your traffic"
            ) from None

    return run


def _report(error: Exception) -> str:
    """Write the places in the program that led to an error; messages may quote a value."""
    import tempfile
    import traceback

    from statetrail import __version__

    places = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    lines = [f"statetrail {__version__}, Python {sys.version}", *places]
    handle, name = tempfile.mkstemp(prefix="statetrail-fault-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, type(error).__name__, ""]))
    return name


def fail(message: str, pointer: str = "") -> typer.Exit:
    """Print a message, and what to read, as one line on standard error; raise what this returns."""
    from statetrail.cli.output.terminal import say

    say(f"{message} ({pointer})" if pointer else message)
    return typer.Exit(MISUSE)
