"""The verdicts: one record each, and the table that decides which of them a request gets.

Enters: nothing. Leaves: `VERDICTS`, `FAULTS`, the records by name, and `DECISIONS`. Two judges make
a `Situation` of what the proxy saw and look it up there: that of frames
(`statetrail.analyses.conformance.verdicts`, where the race rule is) and that of one request at a
time (`statetrail.analyses.conformance.visibility`).

The first line that fits decides. Several values presented for one parameter: the mildest verdict.

V1  The request is out of the dialect's scope, the parameter is unknown to the dialect, or the
    endpoint is not known to allow it: ``not-applicable``.
L12 The value names another session than the request: ``not-applicable``, `sessions-mixed`.
V2  A value of a minted parameter (a session token) that no issue before it gave: ``foreign``.
V3  Nothing has to be known yet: ``in-flight``.
V4  Nothing is presented: ``not-applicable`` if a current issue is implicit, else ``omitted``.
V5  A new value is asked for: ``restarted``.
V6  All current issues are implicit: ``implicit-set``.
V7  The value was issued, and is stale: ``overridden`` if a current issue lets the client choose
    (rule L5, reason `earlier-value`), else ``stale``. If the response issues the value again, the
    server still accepts it (L3, reason `still-accepted`).
V8  The value was never issued: ``defied`` if all current issues are forced, else ``overridden``.
V9  The value must be known and is current: ``honoured`` in the channel that a current issue of it
    names, else ``misplaced``.
V10 Else (it is only just being issued): ``in-flight``.

L8  A malformed issue binds nobody. A client that takes a value from one is not blamed for it, nor
    is one that drops what it had: while no later issue supersedes it, faults have the reason
    `malformed-issue`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request did with a parameter that had been issued before.

    Attributes
    ----------
    rank
        Of several values presented for one parameter, the verdict of the lowest rank counts.
    fault
        Whether it counts against the client's compliance.
    light, dark
        Its colour on a light and on a dark page.
    text
        What it says, for people.
    """

    name: str
    rank: int
    fault: bool
    light: str
    dark: str
    text: str


# For the judges, and for what asks for one verdict.
HONOURED: Final = "honoured"
IN_FLIGHT: Final = "in-flight"
OMITTED: Final = "omitted"
STALE: Final = "stale"
OVERRIDDEN: Final = "overridden"
DEFIED: Final = "defied"
MISPLACED: Final = "misplaced"
IMPLICIT_SET: Final = "implicit-set"
RESTARTED: Final = "restarted"
FOREIGN: Final = "foreign"
NOT_APPLICABLE: Final = "not-applicable"

# fmt: off

_RECORDS: Final = (
    Verdict(
        HONOURED, rank=0, fault=False, light="#1b8a5f", dark="#4fc394",
        text="The newest visible value was presented, in the place that its issue names.",
    ),
    Verdict(
        IN_FLIGHT, rank=10, fault=False, light="#5a8db5", dark="#8fbfe0",
        text="Too close to the issue of a newer value to judge. No fault.",
    ),
    Verdict(
        OMITTED, rank=100, fault=True, light="#c98500", dark="#f0b440",
        text="Nothing was presented although a visible value should have been.",
    ),
    Verdict(
        STALE, rank=60, fault=True, light="#d1495b", dark="#ff8a99",
        text="An older value was presented after a newer one was visible.",
    ),
    Verdict(
        OVERRIDDEN, rank=20, fault=False, light="#5b7fb5", dark="#86a8de",
        text="A value never issued was presented for an informational parameter. Allowed.",
    ),
    Verdict(
        DEFIED, rank=90, fault=True, light="#9c1c3c", dark="#ff6f91",
        text="A value never issued was presented for a forced parameter.",
    ),
    Verdict(
        MISPLACED, rank=50, fault=True, light="#c2571a", dark="#ff9b61",
        text="The right value was presented in the wrong place.",
    ),
    Verdict(
        IMPLICIT_SET, rank=80, fault=True, light="#a0522d", dark="#d79a75",
        text="An implicit parameter, which cannot be set, was presented.",
    ),
    Verdict(
        RESTARTED, rank=70, fault=True, light="#8e3b9e", dark="#d692e3",
        text="A new session was requested although a token was visible.",
    ),
    Verdict(
        FOREIGN, rank=30, fault=False, light="#7a6f9c", dark="#a79bd0",
        text="A token was presented that this recording never saw issued to this client. "
        "No fault: it may be older than the recording, or shared.",
    ),
    Verdict(
        NOT_APPLICABLE, rank=40, fault=False, light="#85909d", dark="#8f9aa7",
        text="The rule does not bind this request.",
    ),
)

# fmt: on

BY_NAME: Final[dict[str, Verdict]] = {each.name: each for each in _RECORDS}
"""The records in the order in which reports show them."""
VERDICTS: Final = tuple(sorted(BY_NAME, key=lambda name: BY_NAME[name].rank))
"""All verdicts, the mildest first."""
FAULTS: Final = tuple(each.name for each in _RECORDS if each.fault)
"""The verdicts that count against a client's compliance, where no reason excuses them."""

CURRENT: Final = (HONOURED, IN_FLIGHT, MISPLACED)
"""The verdicts on a value that no newer one has to have replaced."""

# Why a verdict is no fault.
MANY_SESSIONS: Final = "many-sessions"
NEW_SESSION: Final = "new-session"
SESSION_ENDED: Final = "session-ended"
SESSIONS_MIXED: Final = "sessions-mixed"
NO_SESSION: Final = "no-session"
OTHER_SESSION: Final = "other-session"
OTHER_SENDERS: Final = "other-senders"
STATELESS: Final = "stateless"
STILL_ACCEPTED: Final = "still-accepted"
EARLIER_VALUE: Final = "earlier-value"
METHOD: Final = "method"
HEALTH: Final = "health"
CANNOT_CARRY: Final = "cannot-carry"
REDIRECTED: Final = "redirected"
MALFORMED_ISSUE: Final = "malformed-issue"
CLOCK_SET_BACK: Final = "clock-set-back"

# Why a value was stale, where it is judged by what is declared of its life: these are faults.
SUPERSEDED: Final = "superseded"
DELETED: Final = "deleted"
EXPIRED: Final = "expired"
REFUSED: Final = "refused"
USED: Final = "used"

DEATHS: Final[dict[str, str]] = {
    SUPERSEDED: "The answer to a request that presented it had issued another value.",
    DELETED: "The server had deleted it.",
    EXPIRED: "The lifetime that its issue declares was over.",
    REFUSED: "The server had refused it.",
    USED: "It had been presented as often as it may be.",
}
"""How a value ended that was presented all the same, in words: reasons of faults."""

REASONS: Final[dict[str, str]] = {
    MANY_SESSIONS: "The client holds several sessions at once, and the request names none of them.",
    NEW_SESSION: "The request begins a new session, or was sent while another one began it; the "
    "earlier one was used, is an hour old, or the user had logged out.",
    SESSION_ENDED: "The session had ended, by a logout or since its key was refused; or an hour "
    "passed without a request of it.",
    SESSIONS_MIXED: "The value belongs to another session than the request.",
    NO_SESSION: "The value came with a response that belongs to no session.",
    OTHER_SESSION: "The newest value of the client, which may have it from another session.",
    OTHER_SENDERS: "Another client holds the session, too, and may have received more of it.",
    STATELESS: "The protocol allows a request without the session between others of it.",
    STILL_ACCEPTED: "The server answered the older value with itself: it still accepts it.",
    EARLIER_VALUE: "An earlier value of an informational parameter: the client may choose it.",
    METHOD: "A request with this method need not carry state.",
    HEALTH: "The request asks whether the API is up.",
    CANNOT_CARRY: "A page can add no header to a request of this kind (`Sec-Fetch-Dest`, "
    "`Sec-Fetch-Mode`).",
    MALFORMED_ISSUE: "The server has issued the parameter since in a form that cannot be read: "
    "clients may drop what they had.",
    CLOCK_SET_BACK: "The response is earlier than the request: it is not known when this was sent.",
    REDIRECTED: "The client followed a redirect whose `Location` lacks the value.",
    **DEATHS,
}
"""The reasons of verdicts, in words: why a row is no fault; of `DEATHS`, why it is one."""


class Situation[Flag](NamedTuple):
    """What decides a verdict, of one request and parameter (`bool`) or of many (arrays).

    Issues are *visible* if the client must know them, and *current* unless one that must be known
    supersedes them.

    Attributes
    ----------
    bound
        The parameter binds the request.
    nothing, value, asks_new
        What was presented: nothing, a value, or the wish for a new one.
    server_issued
        Values of the parameter come from the server alone.
    any_visible
        An issue is visible.
    implicit, names_channel, informational
        Some current issue is implicit, names a channel, or is informational.
    issued
        The value that was presented was issued.
    may_be_current, current
        An issue of it that may be known, or that must be known, is current.
    in_channel
        A current issue of it names the channel in which it was presented, or none.
    mixed
        The value names another session than the request belongs to.
    accepted
        The response issues the value again.
    malformed
        A malformed issue that may be known is not superseded (L8).
    """

    bound: Flag
    nothing: Flag
    value: Flag
    asks_new: Flag
    server_issued: Flag
    any_visible: Flag
    implicit: Flag
    names_channel: Flag
    informational: Flag
    issued: Flag
    may_be_current: Flag
    current: Flag
    in_channel: Flag
    mixed: Flag
    accepted: Flag
    malformed: Flag


@dataclass(frozen=True, slots=True)
class Decision:
    """A line of the table: it holds if all of `when` and none of `unless` is so."""

    rule: str
    verdict: str
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    reason: str | None = None


DECISIONS: Final = (
    Decision("V1", NOT_APPLICABLE, unless=("bound",)),
    Decision("L12", NOT_APPLICABLE, when=("mixed",), reason=SESSIONS_MIXED),
    Decision("V2", FOREIGN, when=("value", "server_issued"), unless=("issued",)),
    Decision("V3", IN_FLIGHT, unless=("any_visible",)),
    Decision("V4", NOT_APPLICABLE, when=("nothing", "implicit")),
    Decision("V4", OMITTED, when=("nothing", "malformed"), reason=MALFORMED_ISSUE),
    Decision("V4", OMITTED, when=("nothing",)),
    Decision("V5", RESTARTED, when=("asks_new", "malformed"), reason=MALFORMED_ISSUE),
    Decision("V5", RESTARTED, when=("asks_new",)),
    Decision("V6", IMPLICIT_SET, unless=("names_channel",)),
    Decision(
        *("V7", OVERRIDDEN, ("issued", "informational"), ("may_be_current", "server_issued")),
        reason=EARLIER_VALUE,
    ),
    Decision(*("V7", STALE, ("issued", "accepted"), ("may_be_current",)), reason=STILL_ACCEPTED),
    Decision(*("V7", STALE, ("issued", "malformed"), ("may_be_current",)), reason=MALFORMED_ISSUE),
    Decision("V7", STALE, when=("issued",), unless=("may_be_current",)),
    Decision(*("V8", DEFIED, ("malformed",), ("issued", "informational")), reason=MALFORMED_ISSUE),
    Decision("V8", DEFIED, unless=("issued", "informational")),
    Decision("V8", OVERRIDDEN, unless=("issued",)),
    Decision("V9", HONOURED, when=("current", "in_channel")),
    Decision("V9", MISPLACED, when=("current",)),
    Decision("V10", IN_FLIGHT),
)
"""The first line that holds gives the verdict; the last one always does."""


def holds_alone(verdict: str, reason: str | None) -> bool:
    """Whether the verdict holds only if the session was given no more (reason `other-senders`)."""
    return verdict == OVERRIDDEN or (verdict in FAULTS and reason is None)


@lru_cache(4096)
def decide(situation: Situation[bool]) -> tuple[str, str | None]:
    """The verdict of one situation, and its reason."""
    return next(
        (decision.verdict, decision.reason)
        for decision in DECISIONS
        if all(getattr(situation, name) for name in decision.when)
        and not any(getattr(situation, name) for name in decision.unless)
    )
