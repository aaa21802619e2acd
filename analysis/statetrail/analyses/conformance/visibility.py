"""Visibility: what a client may and must know of one parameter, and the verdicts that follow.

Enters: the issues of one parameter to one session or sender, as two events each, in order of time.
Leaves: verdicts. Rules R1-R3 and V1-V10 are those of
`statetrail.analyses.conformance.verdicts`, here for one request at a time in plain Python; that
module has them for whole frames.

No issue is kept: each of its two events raises a few running maxima. A value keeps a few of its
own until `MAX_VALUES` other values were issued after it.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from statetrail.analyses.conformance.verdict import Situation, decide
from statetrail.dialects import Dialect

UNBOUND_METHODS: Final = ("OPTIONS", "CONNECT", "TRACE")
"""Methods that never carry state: a browser sends a preflight by itself (WHATWG Fetch, CORS)."""
WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
"""Methods that change what they ask for (RFC 9110, section 9.2.1: the others are safe)."""


def binds(method: str, status: int | None, age_s: int | None) -> bool:
    """Whether clients have to know what a response issues.

    Not that of an error, a redirect, an informational response or to a preflight, which client
    libraries keep from their programs, nor that of a cache, which may have been another client's.
    """
    final = not status or 200 <= status < 300
    return method not in UNBOUND_METHODS and final and (age_s or 0) <= 0


def is_cross_origin(page: str | None, origin: str) -> bool:
    """Whether the request came from a page of another origin (the field ``Origin``)."""
    return page not in (None, "(malformed)", origin)


def is_hidden(
    dialect: Dialect,
    param: str,
    channel: str,
    exposed: str | None,
    *,
    crosses: bool,
    has_cookies: bool,
    headless: bool,
) -> bool:
    """Whether a browser keeps an issue from the page that asked (WHATWG Fetch).

    A page reads no header of a `headless` request. From another origin (`crosses`) it reads those
    that ``Access-Control-Expose-Headers`` lists. ``*`` stands for every header unless the request
    had credentials; cookies show that it had. A list that was too long to keep may name the header
    in its rest.
    """
    names = [
        name
        for place in dialect.issued_at(param)
        if place.channel == channel and (name := place.field_name(param)) is not None
    ]
    if not names or headless:
        return bool(names)
    exposed = exposed or ""
    listed = exposed.split(",")
    if not crosses or exposed.endswith("…") or ("*" in listed and not has_cookies):
        return False
    return not any(name in listed for name in names)


CLIENT_ERROR: Final = 4
"""The hundreds of the statuses by which a logout surely failed; 0 is no answer (rule L7)."""
SETS_HEADERS: Final = (None, "empty")
"""`Sec-Fetch-Dest` of requests to which a program or a page's script can add header fields."""
SWITCHING_PROTOCOLS: Final = 101


def is_headless(dest: str | None, mode: str | None, status: int | None) -> bool:
    """Whether a page can add no header field to a request, nor read one of the response.

    It is for an image, a script or a navigation, a beacon (`no-cors`), or opens a WebSocket.
    """
    return dest not in SETS_HEADERS or mode == "no-cors" or status == SWITCHING_PROTOCOLS


FOLLOWED_US: Final = 5_000_000
"""How long after a redirect a request for its target counts as made by the client's library."""
PAUSE_US: Final = 3_600_000_000
"""After such a pause a sender without its key may be a new process (rule L6)."""

HEADER: Final = "header"
URIQUERY: Final = "uriquery"
IMPLICIT: Final = "implicit"
"""The usage of a parameter that clients do not present; every other usage names a channel."""
BEGINNING: Final = -(2**62)
FOREVER: Final = 2**62
"""Times before and after every time."""
MAX_VALUES: Final = 16_384
"""Values remembered per parameter; beyond it, the one not issued for the longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A value that a response issued; a malformed one has a `problem` and may lack the rest.

    `channel` is where it was issued.
    """

    dialect: str
    param: str
    fingerprint: int
    usage: str | None = None
    priority: str | None = None
    problem: str | None = None
    channel: str | None = None


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

    `channels` has that of the issues that name a channel, `anywhere` that of the others. `since` is
    the latest start of a response that must be known and replaced the value (rule L1). `named`:
    some issue was not implicit. `unplaced`: some response that issued it belongs to no session.
    `given` is `may` where a response that was cut short ends as it begins.
    """

    may: int = BEGINNING
    given: int = BEGINNING
    must_end: int = BEGINNING
    anywhere: int = BEGINNING
    since: int = BEGINNING
    named: bool = False
    unplaced: bool = False
    channels: dict[str, int] = field(default_factory=dict)

    def in_channel(self, channel: str) -> int:
        """The latest end of the issues by which the value is right in the channel."""
        return max(self.anywhere, self.channels.get(channel, BEGINNING))


@dataclass(slots=True)
class Visibility:
    """The running maxima of one parameter of one owner: a session, or a sender at an origin.

    Attributes
    ----------
    sound
        Whether an issue that binds may be known: before it nothing is judged.
    since
        The latest beginning of the issues that must be known (M of the race rule): what ended
        before it is superseded.
    channels
        The channels that issues name which bind and may be known.
    names_channel, implicit, informational, malformed
        The latest end of the issues that may be known and name a channel, are implicit, are
        informational, or cannot be read (the beginning, if these were cut short).
    """

    sound: bool = False
    since: int = BEGINNING
    channels: set[str] = field(default_factory=set)
    names_channel: int = BEGINNING
    implicit: int = BEGINNING
    informational: int = BEGINNING
    malformed: int = BEGINNING
    values: OrderedDict[int, _Value] = field(default_factory=OrderedDict)

    def may_know(
        self,
        issue: Issue,
        response_end: int,
        until: int,
        *,
        sound: bool = True,
        placed: bool = True,
    ) -> None:
        """R1: the response has begun. `until`: its end, or its beginning if it was cut short.

        `sound`: the issue binds its clients; `placed`: its response belongs to a session.
        """
        value = self._value(issue.fingerprint)
        value.may, value.given = max(value.may, response_end), max(value.given, until)
        if issue.problem is not None:
            self.malformed = max(self.malformed, until)
        value.unplaced |= not placed
        # An issue that binds nobody names no channel that would be wrong, and a value that is
        # implicit in one of two concurrent issues is not held against the client either.
        channel = None if not sound or issue.usage == IMPLICIT else issue.usage
        value.named |= not sound or channel is not None
        if channel is None:
            value.anywhere = max(value.anywhere, response_end)
        else:
            latest = value.channels.get(channel, BEGINNING)
            value.channels[channel] = max(latest, response_end)
        if not sound:
            return
        self.sound = True
        if channel is None:
            self.implicit = max(self.implicit, response_end)
        else:
            self.channels.add(channel)
            self.names_channel = max(self.names_channel, response_end)
        if issue.priority == "informational":
            self.informational = max(self.informational, response_end)

    def must_know(
        self, issue: Issue, response_start: int, response_end: int, replaced: Iterable[int] = ()
    ) -> None:
        """R2: the response has ended and the grace period has passed (issues that bind only).

        `replaced` are the values that the request presented and the response replaced.
        """
        self.since = max(self.since, response_start)
        value = self.values.get(issue.fingerprint)
        if value is not None:
            value.must_end = max(value.must_end, response_end)
        for fingerprint in replaced:
            # It may be issued only later: by a response that was under way.
            before = self._value(fingerprint)
            before.since = max(before.since, response_start)

    def _value(self, fingerprint: int) -> _Value:
        value = self.values.setdefault(fingerprint, _Value())
        self.values.move_to_end(fingerprint)
        if len(self.values) > MAX_VALUES:
            self.values.popitem(last=False)
        return value

    def key_verdict(
        self, presented: Presented, malformed: int, *, bound: bool, mixed: bool, accepted: bool
    ) -> tuple[str, str | None]:
        """The verdict on a presented value of a session key (rule L1), and its reason.

        `malformed`: the latest end of the malformed issues to its session that may be known.
        """
        value = self.values.get(presented.fingerprint, _Value())
        in_channel = value.in_channel(presented.channel)
        return decide(
            Situation(
                bound=bound,
                nothing=False,
                value=True,
                asks_new=False,
                server_issued=True,
                any_visible=max(value.must_end, value.since) > BEGINNING,
                implicit=False,
                names_channel=value.named,
                informational=False,
                issued=value.may > BEGINNING,
                may_be_current=value.may >= value.since,
                current=value.must_end >= value.since and value.must_end > BEGINNING,
                in_channel=in_channel >= value.since and in_channel > BEGINNING,
                mixed=mixed,
                accepted=accepted,
                malformed=malformed >= max(value.since, BEGINNING + 1),
            )
        )

    def verdict(
        self,
        presented: Presented | None,
        *,
        bound: bool,
        server_issued: bool,
        cut_ends: bool = False,
    ) -> tuple[str, str | None]:
        """The verdict on one presented value, or on presenting none (`None`), and its reason.

        `cut_ends`: what a response issued that was cut short may be known only until another
        begins.
        """
        kind = "empty" if presented is None else presented.kind
        value = self.values.get(presented.fingerprint) if presented and kind != "empty" else None
        known = value or _Value()
        channel = "" if presented is None else presented.channel
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
                issued=known.may > BEGINNING,
                may_be_current=(known.given if cut_ends else known.may) >= self.since,
                current=known.must_end >= self.since,
                in_channel=known.in_channel(channel) >= self.since,
                mixed=False,
                accepted=False,
                malformed=self.malformed >= max(self.since, BEGINNING + 1),
            )
        )
