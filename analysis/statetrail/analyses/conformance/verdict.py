"""The verdicts: one record each, from which every list, text and colour of them comes.

Enters: nothing. Leaves: `VERDICTS`, `FAULTS`, and the records by name. The two judges that give
verdicts are `statetrail.analyses.conformance.verdicts` (frames) and
`statetrail.analyses.conformance.visibility` (one request at a time).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request did with a parameter that had been issued before.

    Attributes
    ----------
    reasons
        The rules of `statetrail.analyses.conformance.verdicts` that give it.
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
    reasons: tuple[str, ...]
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
        HONOURED, ("V9",), rank=0, fault=False, light="#1b8a5f", dark="#4fc394",
        text="The newest visible value was presented, in the channel that its usage names.",
    ),
    Verdict(
        IN_FLIGHT, ("V3", "V10"), rank=10, fault=False, light="#5a8db5", dark="#8fbfe0",
        text="Too close to the issue of a newer value to judge. No fault.",
    ),
    Verdict(
        OMITTED, ("V4",), rank=100, fault=True, light="#c98500", dark="#f0b440",
        text="Nothing was presented although a visible value should have been.",
    ),
    Verdict(
        STALE, ("V7",), rank=60, fault=True, light="#d1495b", dark="#ff8a99",
        text="An older value was presented after a newer one was visible.",
    ),
    Verdict(
        OVERRIDDEN, ("V8",), rank=20, fault=False, light="#5b7fb5", dark="#86a8de",
        text="A value never issued was presented for an informational parameter. Allowed.",
    ),
    Verdict(
        DEFIED, ("V8",), rank=90, fault=True, light="#9c1c3c", dark="#ff6f91",
        text="A value never issued was presented for a forced parameter.",
    ),
    Verdict(
        MISPLACED, ("V9",), rank=50, fault=True, light="#c2571a", dark="#ff9b61",
        text="The right value was presented in the wrong channel.",
    ),
    Verdict(
        IMPLICIT_SET, ("V6",), rank=80, fault=True, light="#a0522d", dark="#d79a75",
        text="An implicit parameter, which cannot be set, was presented.",
    ),
    Verdict(
        RESTARTED, ("V5",), rank=70, fault=True, light="#8e3b9e", dark="#d692e3",
        text="A new session was requested although a token was visible.",
    ),
    Verdict(
        FOREIGN, ("V2",), rank=30, fault=False, light="#7a6f9c", dark="#a79bd0",
        text="A token was presented that this recording never saw issued to this client. "
        "No fault: it may be older than the recording, or shared.",
    ),
    Verdict(
        NOT_APPLICABLE, ("V1", "V4"), rank=40, fault=False, light="#85909d", dark="#8f9aa7",
        text="The rule does not bind this request.",
    ),
)

# fmt: on

BY_NAME: Final[dict[str, Verdict]] = {each.name: each for each in _RECORDS}
"""The records in the order in which reports show them."""
VERDICTS: Final = tuple(sorted(BY_NAME, key=lambda name: BY_NAME[name].rank))
"""All verdicts, the mildest first."""
FAULTS: Final = tuple(each.name for each in _RECORDS if each.fault)
"""The verdicts that count against a client's compliance."""
