"""Visibility: what a client may and must know of one parameter, and the verdicts that follow.

Enters: the issues of one parameter of one client at one origin, as two events each, in order of
time. Leaves: verdicts. Rules R1-R3 are those of `statetrail.analyses.conformance.verdicts`, here
for one request at a time in plain Python; that module has them for whole frames.

No issue is kept: each of its two events raises a few running maxima. A value keeps a few of its
own until `MAX_VALUES` other values were issued after it.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from statetrail.analyses.conformance.verdict import Situation, decide

UNBOUND_METHODS: Final = ("OPTIONS", "CONNECT", "TRACE")
"""Methods that never carry state: a browser sends a preflight by itself (WHATWG Fetch, CORS)."""
WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
"""Methods that change what they ask for (RFC 9110, section 9.2.1: the others are safe)."""

IMPLICIT: Final = "implicit"
"""The usage of a parameter that clients do not present; every other usage names a channel."""
BEGINNING: Final = -(2**62)
FOREVER: Final = 2**62
"""Times before and after every time."""
MAX_VALUES: Final = 1024
"""Values remembered per parameter; beyond it, the one not issued for the longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A value that a response issued; a malformed one has a `problem` and may lack the rest."""

    dialect: str
    param: str
    fingerprint: int
    usage: str | None = None
    priority: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """A value that a request presented: `kind` is ``value``, ``establish`` or ``empty``."""

    dialect: str
    param: str
    fingerprint: int
    channel: str
    kind: str = "value"


@dataclass(slots=True)
class _Value:
    """The latest end of the issues of one value that may, and that must be known.

    `channels` has that of the issues that name a channel, `anywhere` that of the others.
    """

    possible: int = BEGINNING
    visible: int = BEGINNING
    anywhere: int = BEGINNING
    channels: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Visibility:
    """The running maxima of one parameter of one client at one origin.

    Attributes
    ----------
    sound
        Whether a well-formed issue may be known: before it nothing is judged.
    since
        The latest beginning of the issues that must be known (M of the race rule): what ended
        before it is superseded.
    names_channel, implicit, informational
        The latest end of the issues that may be known and name a channel, are implicit, or are
        informational.
    """

    sound: bool = False
    since: int = BEGINNING
    names_channel: int = BEGINNING
    implicit: int = BEGINNING
    informational: int = BEGINNING
    values: OrderedDict[int, _Value] = field(default_factory=OrderedDict)

    def may_know(self, issue: Issue, response_end: int) -> None:
        """R1: the response that carries the issue has begun."""
        value = self.values.setdefault(issue.fingerprint, _Value())
        self.values.move_to_end(issue.fingerprint)
        if len(self.values) > MAX_VALUES:
            self.values.popitem(last=False)
        value.possible = max(value.possible, response_end)
        # A malformed header names no channel that would be wrong, and a value that is implicit in
        # one of two concurrent issues is not held against the client either.
        channel = None if issue.problem is not None or issue.usage == IMPLICIT else issue.usage
        if channel is None:
            value.anywhere = max(value.anywhere, response_end)
        else:
            latest = value.channels.get(channel, BEGINNING)
            value.channels[channel] = max(latest, response_end)
        if issue.problem is not None:
            return
        self.sound = True
        if channel is None:
            self.implicit = max(self.implicit, response_end)
        else:
            self.names_channel = max(self.names_channel, response_end)
        if issue.priority == "informational":
            self.informational = max(self.informational, response_end)

    def must_know(self, issue: Issue, response_start: int, response_end: int) -> None:
        """R2: the response has ended and the grace period has passed (well-formed issues only)."""
        self.since = max(self.since, response_start)
        value = self.values.get(issue.fingerprint)
        if value is not None:
            value.visible = max(value.visible, response_end)

    def verdict(self, presented: Presented | None, *, bound: bool, server_issued: bool) -> str:
        """The verdict on one presented value, or on presenting none (`None`), by `DECISIONS`."""
        kind = "empty" if presented is None else presented.kind
        value, in_channel = None, False
        if presented is not None and kind != "empty":
            value = self.values.get(presented.fingerprint)
        if presented is not None and value is not None:
            channel = max(value.anywhere, value.channels.get(presented.channel, BEGINNING))
            in_channel = channel >= self.since
        return decide(
            Situation(
                bound=bound,
                nothing=kind == "empty",
                value=kind == "value",
                asks_new=kind == "establish",
                server_issued=server_issued,
                any_visible=self.since > BEGINNING,
                implicit=self.implicit >= self.since,
                names_channel=self.names_channel >= self.since,
                informational=self.informational >= self.since,
                issued=value is not None,
                may_be_current=value is not None and value.possible >= self.since,
                current=value is not None and value.visible >= self.since,
                in_channel=in_channel,
            )
        )
