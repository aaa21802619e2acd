"""The swim-lane of a finding: events in their order, races included."""

import msgspec

from statetrail.report.charts.swimlane import MAX_TEXT, swimlane
from statetrail.report.evidence import EvidenceExchange, StateValue
from statetrail.report.sections.findings import Finding
from support.audits import BAD, SHOP, at, document

FINDING: Finding = msgspec.structs.replace(
    document().findings[1], param="_session_token", evidence=(2,), around=(1, 2, 3)
)


def exchange(
    number: int, start: float, answered: float | None, *, path: str = "/x"
) -> EvidenceExchange:
    """An exchange that presents one token and issues another; times in minutes."""
    seen = [
        StateValue(param="_session_token", value=f"~{number}{k}", channel="body", note=None)
        for k in "ab"
    ]
    return EvidenceExchange(
        exchange=number, at=at(start), answered=None if answered is None else at(answered),
        client=BAD, origin=SHOP, method="GET", path=path, status=None if answered is None else 200,
        error="client-disconnected" if answered is None else None,
        presented=(seen[0],), issued=(seen[1],),
    )  # fmt: skip


def test_a_request_that_overtakes_a_response_is_drawn_before_it() -> None:
    """Requests and responses stand in the order in which they were seen."""
    seen = {n: exchange(n, start, end) for n, start, end in ((1, 0, 3), (2, 1, 2), (3, 4, None))}
    drawn = swimlane(FINDING, seen)
    assert drawn is not None
    steps = [(step.when, step.kind, step.value, step.primary) for step in drawn.steps]
    assert steps == [
        ("\N{MINUS SIGN}1 min", "request", "~1a", False),
        ("0 s", "request", "~2a", True),
        ("+1 min", "response", "~2b", True),
        ("+2 min", "response", "~1b", False),
        ("+3 min", "request", "~3a", False),
        ("+3 min", "error", "~3b", False),
    ]
    assert [step.y for step in drawn.steps] == sorted({step.y for step in drawn.steps})
    assert drawn.height > drawn.steps[-1].y


def test_long_paths_are_cut() -> None:
    """A path of any length fits its lane."""
    seen = {n: exchange(n, n, n + 0.5, path="/y" * 900) for n in (1, 2, 3)}
    drawn = swimlane(FINDING, seen)
    assert drawn is not None
    assert max(len(step.text) for step in drawn.steps) == MAX_TEXT


def test_nothing_is_drawn_of_one_exchange_or_without_the_primary_one() -> None:
    """A lane needs a context."""
    assert swimlane(FINDING, {2: exchange(2, 1, 2)}) is None
    assert swimlane(FINDING, {n: exchange(n, n, n + 1) for n in (1, 3)}) is None
    assert swimlane(msgspec.structs.replace(FINDING, evidence=()), {}) is None
