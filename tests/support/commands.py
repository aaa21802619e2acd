"""The command line, in this process or as a real one."""

import contextlib
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from statetrail.cli import app

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*arguments: object) -> Done:
    """Run a command in this process; what it raises is raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def command(*arguments: object) -> list[str]:
    """The command as a program of its own."""
    return [str(BIN / "statetrail"), *(str(argument) for argument in arguments)]


def run_program(*arguments: object, **environment: str) -> Done:
    """Run a command as a program of its own."""
    done = subprocess.run(
        command(*arguments), capture_output=True, env=os.environ | environment, timeout=120
    )
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode())


def on_terminal(columns: int, *arguments: object) -> str:
    """What a command writes on a terminal of that width."""
    master, slave = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": ""}
    process = subprocess.Popen(
        command(*arguments), stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other side is closed
        while chunk := os.read(master, 65_536):
            shown += chunk
    process.wait(60)
    os.close(master)
    return shown.decode()
