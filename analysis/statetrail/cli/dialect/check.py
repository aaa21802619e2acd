"""`statetrail dialect check`: whether TOML files declare dialects, without mistakes."""

from pathlib import Path
from typing import Annotated

import typer

from statetrail.cli.options import argument
from statetrail.cli.output.guard import MISUSE
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail dialect check acme.toml

statetrail dialect check dialects/*.toml"""


def command(files: Annotated[list[Path], argument("FILE", "TOML files of your own.")]) -> None:
    """Check dialects: each mistake is reported with its file, line and key.

    Exit code 0: every file is fine; 2: one is not. A file that loads may still contain mistakes: a
    value that is issued and never presented, a key without an effect, a place that is in every
    response, secrets that would be stored in clear.
    """
    from statetrail.cli.output.terminal import say, stdout
    from statetrail.dialects.loading import load, located
    from statetrail.dialects.mistakes import mistakes

    console, wrong = stdout(), False
    for path in files:
        try:
            problems = [f"{located(path, key)}: {text}" for key, text in mistakes(load(path))]
        except UsageError as error:
            problems = [str(error)]
        if not problems:
            console.write(f"{path}: fine")
        for problem in problems:
            wrong = True
            say(problem)
    if wrong:
        raise typer.Exit(MISUSE)
