"""What a probe sends besides the token: header fields of the user, and those of a login.

Enters: a field as text, a command. Leaves: fields. Their values are secrets: no error quotes one.
"""

import asyncio
import re
import shlex
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from statetrail.errors import StatetrailError, UsageError
from statetrail.proxy.processes import end_process

type Field = tuple[str, str]
"""Name and value."""

_FIELD: Final = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*([\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*))"
)
_OWN: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "te", "transfer-encoding"}
    | {"upgrade", "user-agent"}
)
"""What the probe sends itself: who the client is, and how the message is framed."""
_LOGIN_S: Final = 60.0
_MAX_BYTES: Final = 1 << 16


def field(text: str, origin: str = "--header") -> Field:
    """A header field from ``Name: value``.

    Raises
    ------
    UsageError
        It is none, or one that the probe sets itself.
    """
    if (match := _FIELD.fullmatch(text.strip())) is None:
        raise UsageError(f"{origin} is no header field: write it as 'Name: value'")
    if match[1].lower() in _OWN:
        raise UsageError(f"{origin} sets {match[1]}, which the probe sets itself")
    return match[1], match[2]


async def log_in(command: str) -> list[Field]:
    """Run a login command: the header fields that it prints, one ``Name: value`` a line.

    Raises
    ------
    StatetrailError
        It cannot be run, takes too long, ends with another exit code than 0, or prints something
        else.
    """
    arguments = login_arguments(command)
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, limit=_MAX_BYTES
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StatetrailError(f"the login command cannot be run ({reason})") from None
    try:
        async with asyncio.timeout(_LOGIN_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise StatetrailError(f"the login command takes longer than {_LOGIN_S:.0f} s") from None
    finally:
        if process.returncode is None:
            await end_process(process)
    if process.returncode != 0:
        raise StatetrailError(f"the login command ended with exit code {process.returncode}")
    lines = output[:_MAX_BYTES].decode("latin-1").splitlines()
    return [
        field(line, f"line {number} of the login command's output")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def login_arguments(command: str) -> list[str]:
    """The command as a program and its arguments, as a shell splits them. Raises `UsageError`."""
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--login is no command ({error})") from None
    if not arguments:
        raise UsageError("--login is no command: it is empty")
    return arguments
