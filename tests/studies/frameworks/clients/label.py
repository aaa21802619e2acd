"""What a client of the study does, and what is true of it.

Enters: a script and its labels. Leaves: `Client`s.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

BEYOND_GRACE_S: Final = 0.7
"""How long clients wait before a fault: longer than the tool allows them to act on a response."""

type Program = Literal["httpx", "curl", "chromium"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a client commits, on purpose.

    Attributes
    ----------
    dialect, param
        Whose rule it breaks, and with which parameter.
    verdict, reason
        What has to be said of it; `reason` is `None` where a verdict needs none.
    count
        In how many requests.
    """

    dialect: str
    param: str
    verdict: str
    reason: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Client:
    """A client of one server.

    Attributes
    ----------
    name
        Its identity: the value of its header ``x-client``, or its User-Agent.
    server
        The name of the server in `studies.frameworks.servers.catalogue`.
    script
        What it does, with its agent; with a browser, in a thread.
    program
        What sends its requests.
    faults
        Those planted; an obedient client has none.
    also
        Other servers that it visits.
    """

    name: str
    server: str
    script: Callable[[Any], Awaitable[None] | None]
    program: Program = "httpx"
    faults: tuple[Fault, ...] = ()
    also: tuple[str, ...] = ()
