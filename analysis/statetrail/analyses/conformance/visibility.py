"""What a client may and must know of one parameter, and the verdict on what it presents.

Enters: the issues of one parameter of one client at one origin, as two events each, in order of
time. Leaves: verdicts. Rules R1-R3 and V1-V10 are those of
`statetrail.analyses.conformance.verdicts`, here for one request at a time in plain Python; that
module has them for whole frames.

No issue is kept: each of its two events raises a few running maxima. A value keeps a few of its
own until `MAX_VALUES` other values were issued after it.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

VERDICTS: Final = (
    "honoured",
    "in-flight",
    "overridden",
    "foreign",
    "not-applicable",
    "misplaced",
    "stale",
    "restarted",
    "implicit-set",
    "defied",
    "omitted",
)
"""All verdicts, the mildest first."""
FAULTS: Final = ("omitted", "stale", "defied", "misplaced", "implicit-set", "restarted")
"""Verdicts that count against a client's compliance."""
UNBOUND_METHODS: Final = ("OPTIONS", "CONNECT", "TRACE")
"""Methods that never carry state: a browser sends a preflight by itself (WHATWG Fetch, CORS)."""
WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
"""Methods that change what they ask for (RFC 9110, section 9.2.1: the others are safe)."""

NEVER: Final = -(2**62)
FOREVER: Final = 2**62
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
    """The latest end of the issues of one value that may, and that must be known."""

    may: int = NEVER
    must: int = NEVER
    header: int = NEVER
    uriquery: int = NEVER


@dataclass(slots=True)
class Knowledge:
    """The running maxima of one parameter of one client at one origin.

    Attributes
    ----------
    sound
        Whether a well-formed issue may be known: before it nothing is judged.
    since
        The latest beginning of the issues that must be known (M of the race rule): what ended
        before it is superseded.
    header, uriquery, implicit, changeable
        The latest end of the issues that may be known with that usage, or that priority.
    """

    sound: bool = False
    since: int = NEVER
    header: int = NEVER
    uriquery: int = NEVER
    implicit: int = NEVER
    changeable: int = NEVER
    values: OrderedDict[int, _Value] = field(default_factory=OrderedDict)

    def may_know(self, issue: Issue, ended: int) -> None:
        """R1: the response that carries the issue has begun."""
        value = self.values.setdefault(issue.fingerprint, _Value())
        self.values.move_to_end(issue.fingerprint)
        if len(self.values) > MAX_VALUES:
            self.values.popitem(last=False)
        value.may = max(value.may, ended)
        # A malformed header names no channel that would be wrong, and a value that is implicit in
        # one of two concurrent issues is not held against the client either.
        if issue.usage != "uriquery":
            value.header = max(value.header, ended)
        if issue.usage != "header":
            value.uriquery = max(value.uriquery, ended)
        if issue.problem is not None:
            return
        self.sound = True
        if issue.usage == "header":
            self.header = max(self.header, ended)
        if issue.usage == "uriquery":
            self.uriquery = max(self.uriquery, ended)
        if issue.usage == "implicit":
            self.implicit = max(self.implicit, ended)
        if issue.priority == "informational":
            self.changeable = max(self.changeable, ended)

    def must_know(self, issue: Issue, begun: int, ended: int) -> None:
        """R2: the response has ended and the grace period has passed (well-formed issues only)."""
        self.since = max(self.since, begun)
        value = self.values.get(issue.fingerprint)
        if value is not None:
            value.must = max(value.must, ended)

    def verdict(self, shown: Presented | None, *, minted: bool) -> str:
        """V2-V10: the verdict on one presented value, or on presenting none (`None`)."""
        absent = shown is None or shown.kind == "empty"
        value = None if shown is None or absent else self.values.get(shown.fingerprint)
        if shown is not None and shown.kind == "value" and minted and value is None:
            return "foreign"  # V2
        if self.since == NEVER:
            return "in-flight"  # V3
        if shown is None or absent:
            return "not-applicable" if self.implicit >= self.since else "omitted"  # V4
        if shown.kind == "establish":
            return "restarted"  # V5
        if self.header < self.since and self.uriquery < self.since:
            return "implicit-set"  # V6
        if value is None:
            return "defied" if self.changeable < self.since else "overridden"  # V8
        if value.may < self.since:
            return "stale"  # V7
        if value.must < self.since:
            return "in-flight"  # V10
        placed = value.header if shown.channel == "header" else value.uriquery
        return "honoured" if placed >= self.since else "misplaced"  # V9
