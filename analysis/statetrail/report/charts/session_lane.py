"""The swim-lane of a session, as a finding's: requests and responses, and the pauses between them.

Enters: exchanges in the order of their requests, the verdicts on them, and the session's parameter.
Leaves: steps to draw. Requests with a fault are marked.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from statetrail.report.charts.hues import HueOf
from statetrail.report.charts.swimlane import (
    HEAD,
    STEP,
    Kind,
    Step,
    Swimlane,
    offset,
)
from statetrail.report.evidence import Event, EvidenceExchange, StateValue, events
from statetrail.report.wording import count, cut, duration

MAX_DRAWN: Final = 40
"""Exchanges that are drawn; of a longer session those around its first fault."""
BEFORE: Final = 10
"""Of them, before that fault."""
_REQUEST: Final = 32
_VALUE: Final = 20
_VERDICT: Final = 26
"""Characters that stand side by side on an arrow."""
_PAUSE_S: Final = 1.0
_PART: Final = 0.25
"""A pause is drawn from this part of the longest one on, and from so many seconds."""

type Verdicts = Mapping[int, Sequence[Mapping[str, Any]]]


def drawn_part(exchanges: Sequence[EvidenceExchange], judged: Verdicts) -> tuple[int, int]:
    """The first of the exchanges that are drawn, and the one after the last."""
    at_fault = [at for at, one in enumerate(exchanges) if _has_fault(judged.get(one.exchange, ()))]
    first = max(0, at_fault[0] - BEFORE) if at_fault and len(exchanges) > MAX_DRAWN else 0
    return first, min(len(exchanges), first + MAX_DRAWN)


def session_lane(
    exchanges: Sequence[EvidenceExchange], judged: Verdicts, param: str, hue_of: HueOf
) -> Swimlane:
    """The steps of the exchanges."""
    found = events(exchanges)
    pauses = list(_pauses(found))
    least = max(_PAUSE_S, _PART * max(pauses, default=0.0))
    steps: list[Step] = []
    for (at, one, answer), pause in zip(found, pauses, strict=True):
        if pause >= least:
            text = f"idle for {duration(pause)}"
            steps.append(Step(_y(steps), "", "idle", text, "", -1, primary=False, evidence=False))
        when = offset((at - found[0][0]).total_seconds())
        verdicts = () if answer else judged.get(one.exchange, ())
        steps.append(_step(_y(steps), when, one, verdicts, param, hue_of, answer=answer))
    words = f"{count(len(exchanges), 'exchange')} in the order of events; faults are marked."
    return Swimlane(tuple(steps), HEAD + STEP * len(steps) + STEP // 2, words)


def _pauses(found: Sequence[Event]) -> Iterator[float]:
    """For how many seconds nothing was under way before each event."""
    quiet = None
    for at, one, answer in found:
        yield 0.0 if quiet is None or answer else max((at - quiet).total_seconds(), 0.0)
        quiet = max(quiet or at, at, one.ended or at)


def _y(steps: Sequence[Step]) -> int:
    return HEAD + STEP * (len(steps) + 1)


def _step(
    y: int,
    when: str,
    one: EvidenceExchange,
    verdicts: Sequence[Mapping[str, Any]],
    param: str,
    hue_of: HueOf,
    *,
    answer: bool,
) -> Step:
    seen = _shown(one.issued if answer else one.presented, param)
    value = ""
    if seen is not None:
        value = seen.value if seen.param == param else f"{seen.param} {seen.value}"
    kind: Kind = "request"
    text = f"{one.method} {one.path}"
    if answer:
        kind = "response" if one.status is not None else "error"
        text = str(one.status) if one.status is not None else one.error or "no response"
    fault = _has_fault(verdicts)
    return Step(
        y,
        when,
        kind,
        cut(text, _REQUEST),
        cut(value, _VALUE),
        hue_of(seen.value) if seen is not None else -1,
        primary=fault,
        evidence=fault,
        verdict=cut(_verdict(verdicts, param), _VERDICT),
    )


def _shown(seen: Sequence[StateValue], param: str) -> StateValue | None:
    """The value of the session, else the first one."""
    return next((one for one in seen if one.param == param), seen[0] if seen else None)


def _has_fault(found: Sequence[Mapping[str, Any]]) -> bool:
    return any(row["fault"] for row in found)


def _verdict(found: Sequence[Mapping[str, Any]], param: str) -> str:
    """The faults with their parameters; without any the verdict on the session's parameter."""
    faults = [f"{row['verdict']} {row['param']}" for row in found if row["fault"]]
    own = [row["verdict"] for row in found if row["param"] == param]
    return ", ".join(faults) or ", ".join(own)
