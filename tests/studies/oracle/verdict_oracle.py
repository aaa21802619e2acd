"""A slow judge, written from the protocol page alone: it compares every issue with every other.

No running maxima and no frames, so that it can only agree with the engine by being right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from statetrail.dialects import builtin
from support.histories import Ex, Issue, Present

MILDEST_FIRST = [
    *("honoured", "in-flight", "overridden", "foreign", "not-applicable"),
    *("misplaced", "stale", "restarted", "implicit-set", "defied", "omitted"),
]


@dataclass(frozen=True)
class _Event:
    issue: Issue
    begun: float
    ended: float


def judge(history: Sequence[Ex], grace_ms: float) -> dict[tuple[int, str, str], str]:
    """The verdict of each (exchange id, dialect, param)."""
    found = {}
    issuing = {
        (ex.host, ex.path, i.dialect)
        for ex in history
        if ex.method != "OPTIONS"
        for i in ex.issued
        if i.problem is None
    }
    for exchange_id, ex in enumerate(history, 1):
        names = {(i.dialect, i.param) for other in history for i in other.issued}
        names |= {(p.dialect, p.param) for p in ex.presented}
        for dialect, param in names:
            events = [
                _event(other, issue)
                for other in history
                if (other.client, other.host) == (ex.client, ex.host)
                for issue in other.issued
                if (issue.dialect, issue.param) == (dialect, param)
            ]
            may = [e for e in events if e.begun <= ex.start]
            presented = [p for p in ex.presented if (p.dialect, p.param) == (dialect, param)]
            known = builtin()[dialect].param(param)
            binds = (
                known is not None
                and ex.method != "OPTIONS"
                and builtin()[dialect].allows(param, ex.path)
                and (builtin()[dialect].in_scope(ex.path) or (ex.host, ex.path, dialect) in issuing)
            )
            minted = known is not None and known.minted
            if not any(e.issue.problem is None for e in may):
                # Nothing was issued: no verdict, but for a token that somebody must have minted.
                verdicts = ["foreign" for p in presented if minted and p.kind == "value"]
            elif not presented:
                verdicts = [_one(None, may, ex.start, grace_ms, minted=minted)]
            else:
                verdicts = [_one(p, may, ex.start, grace_ms, minted=minted) for p in presented]
            if verdicts:
                mildest = min(verdicts, key=MILDEST_FIRST.index)
                found[exchange_id, dialect, param] = mildest if binds else "not-applicable"
    return found


def _event(ex: Ex, issue: Issue) -> _Event:
    begun = max(ex.begun if ex.begun is not None else ex.start, ex.start)
    return _Event(issue, begun, max(ex.ended, begun) if ex.ended is not None else float("inf"))


def _one(
    p: Present | None, may: list[_Event], start: float, grace_ms: float, *, minted: bool
) -> str:
    """The verdict on one presented value (None: nothing was presented)."""
    sound = [e for e in may if e.issue.problem is None]
    must = [e for e in sound if e.ended + grace_ms < start]
    current = [e for e in may if not any(j.begun > e.ended for j in must)]
    binding = [e for e in current if e.issue.problem is None]
    absent = p is None or p.kind == "empty"
    same = [] if absent else [e for e in may if e.issue.value == p.value]
    if not absent and p.kind == "value" and minted and not same:
        return "foreign"
    if not must:
        return "in-flight"
    if absent:
        implicit = any(e.issue.usage == "implicit" for e in binding)
        return "not-applicable" if implicit else "omitted"
    if p.kind == "establish":
        return "restarted"
    if all(e.issue.usage == "implicit" for e in binding):
        return "implicit-set"
    if not same:
        forced = all(e.issue.priority == "forced" for e in binding)
        return "defied" if forced else "overridden"
    if not any(e in current for e in same):
        return "stale"
    if not any(e in current for e in same if e in must):
        return "in-flight"
    fitting = ("implicit", p.channel)
    placed = any(
        e.issue.problem is not None or e.issue.usage in fitting for e in same if e in current
    )
    return "honoured" if placed else "misplaced"
