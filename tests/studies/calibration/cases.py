"""Cases: the kinds of captures to calibrate on, which answers are right, and what is to be reached.

Enters: nothing. Leaves: `CASES`, each with the policies that name it rightly and the limits that a
reported interval has to hold; `REACH`, the shares that are asked for.
"""

from dataclasses import dataclass
from typing import Literal

from studies.simulation import Truth, Variation

type Limit = Literal["idle", "age"]

_AGE = ("age", "absolute", "periodic")
NOTHING = Variation()
BRIEF = Variation(brief=True)
LOSSES_STATED = 0.05
"""Share of ends by loss beyond which `mixed` is a right name for an idle timeout with losses."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of captures.

    Attributes
    ----------
    name
        As printed, and as asked for.
    policy
        The captures' policy, one of `studies.simulation.POLICIES`.
    right
        The names that are right for it.
    limits
        The limits that there are.
    variation
        What befalls the captures besides.
    clean
        No losses, no grey zone, nothing uncaptured: the sharp interval has to hold.
    beyond
        Nothing is asked for: shown, up to `BEYOND_UP_TO` values, to know.
    """

    name: str
    policy: str
    right: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    variation: Variation = NOTHING
    clean: bool = False
    beyond: bool = False


CASES = {
    case.name: case
    for case in (
        Case("idle", "idle", ("idle",), ("idle",), clean=True),
        Case("absolute", "absolute", ("age", "absolute"), ("age",), clean=True),
        Case("periodic", "periodic", ("age", "periodic"), ("age",), clean=True),
        Case(
            "idle+absolute", "idle+absolute", ("idle+absolute",), ("idle", "age"), clean=True
        ),
        Case("per-request", "per-request", ("per-request",)),
        Case("mixed", "mixed", ("mixed",)),
        Case("idle-losses", "idle-losses", ("idle",), ("idle",)),
        Case("eviction", "eviction", ("eviction",)),
        Case("idle-sweeper", "idle-sweeper", ("idle", "grey-zone"), ("idle",)),
        Case("idle-throttled", "idle-throttled", ("idle", "grey-zone"), ("idle",)),
        Case("none", "none", ("none-seen",)),
        Case("idle-uncaptured", "idle", ("idle",), ("idle",), Variation(uncaptured=0.1)),
        Case(
            "absolute-uncaptured",
            "absolute",
            ("age", "absolute"),
            ("age",),
            Variation(uncaptured=0.1),
        ),
        Case(
            "idle-restarts", "idle", ("idle",), ("idle",), Variation(restarts=1), beyond=True
        ),
        Case(
            "idle-calendar", "idle", ("idle",), ("idle",), Variation(calendar=True), beyond=True
        ),
        Case("idle-seconds", "idle", ("idle",), ("idle",), Variation(seconds=True), beyond=True),
        Case("idle-brief", "idle", ("idle",), ("idle",), BRIEF, beyond=True),
        Case("absolute-brief", "absolute", ("age", "absolute"), ("age",), BRIEF, beyond=True),
        Case(
            "idle+absolute-brief",
            "idle+absolute",
            ("idle+absolute",),
            ("idle", "age"),
            BRIEF,
            beyond=True,
        ),
        Case("mixed-brief", "mixed", ("mixed",), variation=BRIEF, beyond=True),
    )
}  # fmt: skip

BEYOND_UP_TO = 100

REACH: dict[int, dict[str, float]] = {
    30: {"idle": 0.85, "absolute": 0.92, "periodic": 0.92, "per-request": 0.95, "mixed": 0.65},
    100: {
        "idle": 0.96,
        "absolute": 0.97,
        "periodic": 0.97,
        "per-request": 0.99,
        "mixed": 0.93,
        "idle+absolute": 0.75,
        "idle-losses": 0.80,
        "idle-sweeper": 0.88,
        "idle-throttled": 0.75,
    },
    1000: {
        **dict.fromkeys(("idle", "absolute", "periodic", "per-request", "mixed"), 0.95),
        **dict.fromkeys(("idle+absolute", "idle-losses", "idle-sweeper", "idle-throttled"), 0.95),
        "eviction": 0.60,
    },
}
"""The least share of captures named rightly, by values seen and case."""
MOST_WRONG = 0.02
LEAST_COVERED = 0.95
LEAST_SHARP = 0.99
WIDTHS = {
    ("idle", 30): 0.12,
    ("idle", 100): 0.039,
    ("absolute", 30): 0.006,
    ("absolute", 100): 0.002,
}
"""The largest median relative width of the sharp interval; the reported one may be `WIDER`."""
WIDER = 2.5


def is_right(case: Case, truth: Truth, named: str) -> bool:
    """Whether this is the policy's name, or its family's."""
    if named in case.right:
        return True
    many = truth.ends > 0 and truth.losses > LOSSES_STATED * truth.ends
    return case.policy == "idle-losses" and named == "mixed" and many


def is_honest(truth: Truth, named: str) -> bool:
    """Whether the name claims nothing that the data could contradict."""
    return named == "undetermined" or (named == "none-seen" and not truth.ends)


def leaves_no_trace(case: Case, truth: Truth, named: str) -> bool:
    """Whether the wrong name could not be avoided: the second cause never showed in the data.

    An absolute limit that never struck, a second population no different from the first so far,
    an overlap in which no late use fell.
    """
    if case.policy in ("idle+absolute", "mixed"):
        return (named == "idle" and truth.idle_explains) or (named in _AGE and truth.age_explains)
    late, accepted = truth.late
    return case.policy == "periodic" and named == "absolute" and late > 0 and not accepted


def strictly(case: Case, truth: Truth, named: str) -> bool | None:
    """Whether the strict name was found, where late uses tell the two of the age family apart."""
    late, accepted = truth.late
    if case.policy == "absolute" and late:
        return named == "absolute"
    if case.policy == "periodic" and accepted:
        return named == "periodic"
    return None
