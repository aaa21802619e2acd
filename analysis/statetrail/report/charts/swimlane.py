"""The swim-lane of a finding: what client and server sent, in the order in which the proxy saw it.

Enters: a finding and the exchanges that the document has in full. Leaves: steps to draw, one for
each request and each response. A request that was sent before an earlier response arrived is drawn
before it, so that races show.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from statetrail.report.charts.hues import HueOf
from statetrail.report.charts.palette import hue
from statetrail.report.evidence import EvidenceExchange, StateValue, events
from statetrail.report.sections.findings import Finding
from statetrail.report.wording import cut, duration

STEP: Final = 26
"""Height of a step in pixels."""
HEAD: Final = 30
MAX_TEXT: Final = 40

type Kind = Literal["request", "response", "error", "idle"]


class Step(NamedTuple):
    """One arrow: at what height, how long before or after the primary request, what it carries.

    A session's lane has the `verdict` on a request, and steps that are no arrows, but ``idle``.
    """

    y: int
    when: str
    kind: Kind
    text: str
    value: str
    hue: int
    primary: bool
    evidence: bool
    verdict: str = ""


class Swimlane(NamedTuple):
    """The steps, the drawing's height, and what it is in words."""

    steps: tuple[Step, ...]
    height: int
    words: str


def swimlane(
    finding: Finding, exchanges: Mapping[int, EvidenceExchange], hue_of: HueOf = hue
) -> Swimlane | None:
    """The steps around a finding's primary exchange; `None` where there is nothing to draw.

    `hue_of` says which colour a value has.
    """
    near = [exchanges[one] for one in finding.around if one in exchanges]
    primary = finding.evidence[0] if finding.evidence else None
    if len(near) < 2 or primary not in {one.exchange for one in near}:
        return None
    start = next(one.at for one in near if one.exchange == primary)
    steps = tuple(
        _step(
            HEAD + STEP * (row + 1),
            offset((at - start).total_seconds()),
            one,
            finding,
            hue_of,
            answer=answer,
            primary=one.exchange == primary,
        )
        for row, (at, one, answer) in enumerate(events(near))
    )
    words = (
        f"{len(near)} exchanges of this client in the order of events; the finding's own is marked."
    )
    return Swimlane(steps, HEAD + STEP * len(steps) + STEP // 2, words)


def _step(
    y: int,
    when: str,
    one: EvidenceExchange,
    finding: Finding,
    hue_of: HueOf,
    *,
    answer: bool,
    primary: bool,
) -> Step:
    seen = _of(one.issued if answer else one.presented, finding.param)
    value = ""
    if seen is not None:
        value = seen.value if finding.param is not None else f"{seen.param} {seen.value}"
    kind: Kind = "request"
    text = f"{one.method} {one.path}"
    if answer:
        kind = "response" if one.status is not None else "error"
        text = str(one.status) if one.status is not None else one.error or "no response"
    return Step(
        y,
        when,
        kind,
        cut(text, MAX_TEXT),
        cut(value, MAX_TEXT // 2),
        hue_of(seen.value) if seen is not None else -1,
        primary,
        one.exchange in finding.evidence,
    )


def _of(seen: Sequence[StateValue], param: str | None) -> StateValue | None:
    return next((one for one in seen if param is None or one.param == param), None)


def offset(seconds: float) -> str:
    """How long before or after a moment."""
    if seconds == 0:
        return "0 s"
    sign = "+" if seconds > 0 else "\N{MINUS SIGN}"
    return f"{sign}{duration(abs(seconds))}"
