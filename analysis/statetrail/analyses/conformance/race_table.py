"""The race rule in small histories: what was seen, what is judged, and why.

Enters: nothing. Leaves: `RACES`, data that the tests hold every judge to, and `markdown()`, the
page that shows it. All histories are of a ZEST session token; times are milliseconds, the grace
period is 250 ms, and the last request of a history is the one that is judged.
"""

from dataclasses import dataclass
from typing import Final

GRACE_MS: Final = 250


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange: the request starts, its response begins and ends (`None`: it never did).

    `presents` is the token sent, ``1`` to ask for one, `None` to send none.
    """

    start: int
    response_start: int | None
    response_end: int | None
    presents: str | None = None
    issues: str | None = None


@dataclass(frozen=True, slots=True)
class Race:
    """A history, the verdict on its last request, and the reason."""

    title: str
    steps: tuple[Step, ...]
    verdict: str
    reason: str


_BORN: Final = Step(0, 10, 20, "1", "A")

RACES: Final = (
    Race(
        "A rotation, obeyed",
        (_BORN, Step(1000, 1010, 1020, "A", "B"), Step(2000, 2010, 2020, "B", "B")),
        "honoured",
        "B's response ended 980 ms before, so B must be known, and it is presented.",
    ),
    Race(
        "A rotation, ignored",
        (_BORN, Step(1000, 1010, 1020, "A", "B"), Step(2000, 2010, 2020, "A", "B")),
        "stale",
        "B must be known, and B's response began (1010) after A's had ended (20).",
    ),
    Race(
        "A request just after a rotation",
        (_BORN, Step(1000, 1010, 1020, "A", "B"), Step(1270, 1280, 1290, "A", "B")),
        "honoured",
        "The grace period ends at 1270, the instant of the request: a tie counts for the client.",
    ),
    Race(
        "The new token at once",
        (_BORN, Step(1000, 1010, 1020, "A", "B"), Step(1030, 1040, 1050, "B", "B")),
        "in-flight",
        "B has just been issued: within the grace period it may be presented, but need not be.",
    ),
    Race(
        "Two parallel rotations, the first one's token",
        (
            _BORN,
            Step(1000, 1050, 1100, "A", "B"),
            Step(1000, 1060, 1090, "A", "C"),
            Step(2000, 2010, 2020, "B", "B"),
        ),
        "honoured",
        "C's response began (1060) before B's had ended (1100): neither supersedes the other.",
    ),
    Race(
        "Two parallel rotations, the other one's token",
        (
            _BORN,
            Step(1000, 1050, 1100, "A", "B"),
            Step(1000, 1060, 1090, "A", "C"),
            Step(2000, 2010, 2020, "C", "C"),
        ),
        "honoured",
        "The client may have read B and C in either order.",
    ),
    Race(
        "Two parallel rotations, the token from before",
        (
            _BORN,
            Step(1000, 1050, 1100, "A", "B"),
            Step(1000, 1060, 1090, "A", "C"),
            Step(2000, 2010, 2020, "A", "C"),
        ),
        "stale",
        "Both began after A's response had ended (20): in every order A is superseded.",
    ),
    Race(
        "A response that is still streaming",
        (_BORN, Step(1000, 1010, 9000, "A", "B"), Step(5000, 5010, 5020, "A", None)),
        "honoured",
        "B's response has begun and has not ended: the client may not have read it yet.",
    ),
    Race(
        "The token of a response that is still streaming",
        (_BORN, Step(1000, 1010, 9000, "A", "B"), Step(5000, 5010, 5020, "B", None)),
        "in-flight",
        "B may be known since its response began (1010): a client may read the token that early.",
    ),
    Race(
        "A response that was cut short",
        (_BORN, Step(1000, 1010, None, "A", "B"), Step(9000, 9010, 9020, "A", "A")),
        "honoured",
        "B's response never ended, so the client need never know B.",
    ),
    Race(
        "A retry with the token of the lost response",
        (
            _BORN,
            Step(1000, None, None, "A", None),
            Step(3000, 3010, 3020, "A", "A"),
        ),
        "honoured",
        "The first try was not answered: nothing newer than A was issued.",
    ),
    Race(
        "A retry after the rotation was delivered",
        (
            _BORN,
            Step(1000, 1010, 1020, "A", "B"),
            Step(3000, 3010, 3020, "A", "C"),
        ),
        "stale",
        "The answer to the first try had ended with B long before the retry.",
    ),
    Race(
        "A rotation seen by one of two connections, immediately after it",
        (
            _BORN,
            Step(1000, 1010, 1020, "A", "B"),
            Step(1015, 1200, 1220, "A", "B"),
        ),
        "honoured",
        "On the other connection the request started before B's response had ended.",
    ),
    Race(
        "A rotation seen by one of two connections, long after it",
        (
            _BORN,
            Step(1000, 1010, 1020, "A", "B"),
            Step(1400, 1410, 1420, "B", "B"),
            Step(2000, 2010, 2020, "A", "B"),
        ),
        "stale",
        "State belongs to the client, not to its connection: B must be known on both.",
    ),
    Race(
        "A late reply after a newer one",
        (
            _BORN,
            Step(1000, 1010, 3000, "A", "A"),
            Step(1500, 1510, 1520, "A", "B"),
            Step(4000, 4010, 4020, "A", "A"),
        ),
        "honoured",
        "A was issued again by a response that ended (3000) after B's had begun (1510).",
    ),
    Race(
        "A late reply after a newer one, the newer token",
        (
            _BORN,
            Step(1000, 1010, 3000, "A", "A"),
            Step(1500, 1510, 1520, "A", "B"),
            Step(4000, 4010, 4020, "B", "B"),
        ),
        "honoured",
        "A and B are concurrent, and B must be known as well.",
    ),
    Race(
        "A newer response at the same instant as the older one's end",
        (_BORN, Step(5, 20, 40, "1", "B"), Step(1000, 1010, 1020, "A", "A")),
        "honoured",
        "B's response began (20) at A's end (20), not after it: a tie counts for the client.",
    ),
    Race(
        "A newer response just after the older one ended",
        (
            _BORN,
            Step(500, 510, 520, "A", "A"),
            Step(505, 521, 540, "A", "B"),
            Step(1000, 1010, 1020, "A", "B"),
        ),
        "stale",
        "B's response began (521) after A's had ended (520): only one order is possible.",
    ),
    Race(
        "A token dropped",
        (_BORN, Step(1000, 1010, 1020, None, None)),
        "omitted",
        "A must be known, and nothing is presented.",
    ),
    Race(
        "A request in parallel with the one that establishes",
        (_BORN, Step(15, 30, 40, None, None)),
        "in-flight",
        "A's response has begun, and the client need not know anything yet.",
    ),
    Race(
        "Two tabs that establish at once",
        (Step(0, 10, 100, "1", "A"), Step(50, 60, 110, "1", "B")),
        "in-flight",
        "The second request asked for a token before the first one's response had ended.",
    ),
    Race(
        "A second establish later",
        (_BORN, Step(1000, 1010, 1020, "1", "B")),
        "restarted",
        "A must be known, and the client asks for a new session.",
    ),
    Race(
        "A token from before the capture",
        (_BORN, Step(1000, 1010, 1020, "X", "A")),
        "foreign",
        "No response in the capture issued X to this client: it is not blamed.",
    ),
)
"""The published table."""


def rows() -> list[dict[str, str]]:
    """The table as text: ``history``, ``seen`` (one line an exchange), ``verdict``, ``reason``."""
    return [
        {
            "history": race.title,
            "seen": "\n".join(_line(step) for step in race.steps),
            "verdict": race.verdict,
            "reason": race.reason,
        }
        for race in RACES
    ]


def markdown() -> str:
    """The table as a Markdown page: one section a history."""
    parts = [
        "# The race rule in small histories\n",
        f"Times in milliseconds, grace period {GRACE_MS} ms; the last request is judged.\n",
    ]
    for row in rows():
        parts += [
            f"## {row['history']}\n",
            f"```text\n{row['seen']}\n```\n",
            f"**`{row['verdict']}`**: {row['reason']}\n",
        ]
    return "\n".join(parts)


def _line(step: Step) -> str:
    sent = "no token" if step.presents is None else f"_session_token={step.presents}"
    if step.response_start is None:
        return f"{step.start:>5}  {sent:<17}  no response"
    span = (
        f"{step.response_start} to {step.response_end}"
        if step.response_end is not None
        else f"{step.response_start}, cut short"
    )
    answer = "" if step.issues is None else f"  session={step.issues}"
    return f"{step.start:>5}  {sent:<17}  response {span}{answer}"
