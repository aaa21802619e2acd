"""What passes between a simulated client and its server, with what the client meant by it.

Times are whole milliseconds from the beginning of the simulation.
"""

from dataclasses import dataclass, field

TOKEN = "_session_token"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path of the shop: which dialect is at home there, and whether it takes authentication."""

    method: str
    path: str
    dialect: str | None
    takes_authentication: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """A value that a reply issues; `malformed` headers bind nobody."""

    dialect: str
    param: str
    value: str
    usage: str
    priority: str
    malformed: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """What a client did with one parameter in one request, and why.

    Attributes
    ----------
    value
        What it presented; `None`: nothing.
    motive
        ``obey`` (it did what it had been told, so far as it knew), ``override``, ``defy``,
        ``misplace``, ``set-implicit``, ``restart``, ``borrow``, or ``ignore`` (it omitted or kept
        what it had although it was told otherwise).
    cause
        Why it went wrong, where one thing explains it.
    """

    dialect: str
    param: str
    value: str | None
    channel: str
    motive: str
    cause: str | None = None
    also_channel: str | None = None


@dataclass(slots=True)
class Exchange:
    """One request and its reply, as on the wire; `response_end` `None`: the reply was cut short.

    `response_start` is `None` where there was no reply at all.
    """

    request_start: int
    client: int
    endpoint: Endpoint
    request_end: int = 0
    response_start: int | None = None
    response_end: int | None = None
    status: int = 200
    request_headers: list[tuple[str, str]] = field(default_factory=list)
    query: list[tuple[str, str]] = field(default_factory=list)
    response_headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""
    issued: list[Issue] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
