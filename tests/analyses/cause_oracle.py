"""A slow explainer, written from the documented order of causes: loops over everything.

It takes the verdicts from the slow judge, and compares every fault with every issue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from analyses.judge_oracle import judge
from statetrail.dialects import DIALECTS
from statetrail.sightings.pseudonyms import normal_form
from support.histories import Ex, Issue, fingerprint

FAULTS = ("omitted", "stale", "defied", "misplaced", "implicit-set", "restarted")
UNREAD = ("omitted", "stale", "defied", "restarted")
PREFIX = {"52eseller": "x-set-"}


@dataclass(frozen=True)
class _Event:
    issue: Issue
    ex: Ex
    id: int
    begun: float
    ended: float


def explain(history: Sequence[Ex], grace_ms: float) -> dict[tuple[int, str, str], tuple[str, str]]:
    """Verdict and cause of each (exchange id, dialect, param) that has a cause."""
    verdicts = judge(history, grace_ms)
    found = {}
    for (exchange_id, dialect, param), verdict in verdicts.items():
        cause = _cause(history, verdicts, exchange_id, dialect, param, grace_ms)
        if cause:
            found[exchange_id, dialect, param] = (verdict, cause)
    return found


def _cause(
    history: Sequence[Ex],
    verdicts: dict[tuple[int, str, str], str],
    exchange_id: int,
    dialect: str,
    param: str,
    grace_ms: float,
) -> str | None:
    verdict, ex = verdicts[exchange_id, dialect, param], history[exchange_id - 1]
    if verdict not in (*FAULTS, "overridden", "foreign"):
        return None
    everywhere = [e for e in _events(history, dialect, param) if e.ex.client == ex.client]
    events = [e for e in everywhere if e.ex.host == ex.host]
    sound = [e for e in events if e.issue.problem is None]
    if verdict in ("defied", "overridden", "foreign"):
        # The slow judge does not say which value it judged: the cases here present one.
        (value,) = {p.value for p in ex.presented if (p.dialect, p.param) == (dialect, param)}
        before = [e.issue.value for e in sound if e.begun <= ex.start]
        if normal_form(value) in map(normal_form, before):
            return "encoding-variant"
        alike = {e.issue.value for e in sound if len(e.issue.value) > 12 <= len(value)}
        alike = {other for other in alike if other[:12] == value[:12]}
        if len(alike) == 1 and alike <= set(before):
            return "truncated"
        if verdict != "overridden" and any(
            e.issue.value == value and e.ex.host != ex.host and e.begun <= ex.start
            for e in everywhere
            if e.issue.problem is None
        ):
            return "other-origin"
    if verdict not in FAULTS:
        return None
    late = _late_cause(ex, verdict, events, grace_ms) if verdict in UNREAD else None
    if late not in (None, "cacheable"):
        return late
    same = [
        (key, v)
        for key, v in verdicts.items()
        if key[1:] == (dialect, param)
        and (history[key[0] - 1].client, history[key[0] - 1].host) == (ex.client, ex.host)
        and v in ("honoured", *FAULTS)
    ]
    shown = {
        p.value
        for other in history
        if (other.client, other.host) == (ex.client, ex.host)
        for p in other.presented
        if (p.dialect, p.param, p.kind) == (dialect, param, "value")
    }
    first = min(e.begun for e in sound)
    firsts = {e.issue.value for e in sound if e.begun == first}
    if verdict == "stale" and len(shown) == 1 and shown <= firsts:
        return "until-first-rotation"
    good = sum(v == "honoured" for _, v in same)
    here = [v for key, v in same if history[key[0] - 1].path == ex.path]
    if len(here) >= 3 and "honoured" not in here and good >= 3:
        return "some-endpoints"
    if verdict != "implicit-set" and good == 0 and len(same) >= 5:
        return "not-implemented"
    return "cached" if late else "unknown"


def _late_cause(ex: Ex, verdict: str, events: list[_Event], grace_ms: float) -> str | None:
    sound = [e for e in events if e.issue.problem is None]
    must = [e for e in sound if e.ended + grace_ms < ex.start]
    newest = max(must, key=lambda e: (e.begun, e.id, fingerprint(e.issue.value)))
    mount = _mount(ex)
    if None not in (mount, _mount(newest.ex)) and _mount(newest.ex) != mount:
        values = [e for e in sound if e.issue.value == newest.issue.value and e.begun <= ex.start]
        if mount not in map(_mount, [e.ex for e in values]):
            return "other-origin"
    broken = [e.begun for e in events if e.issue.problem and e.begun <= ex.start]
    if broken and max(broken) > newest.begun:
        return "malformed-issue"
    if any(e.issue.value == newest.issue.value and not _obstacle(e) for e in must):
        return None
    return _obstacle(newest)


def _events(history: Sequence[Ex], dialect: str, param: str) -> list[_Event]:
    found = []
    for at, ex in enumerate(history, 1):
        begun = max(ex.begun if ex.begun is not None else ex.start, ex.start)
        ended = max(ex.ended, begun) if ex.ended is not None else float("inf")
        found += [
            _Event(i, ex, at, begun, ended)
            for i in ex.issued
            if (i.dialect, i.param) == (dialect, param)
        ]
    return found


def _mount(ex: Ex) -> str | None:
    for scope in ("/API/V3/", "/v3/"):
        if scope in f"{ex.path}/":
            return ex.path.partition(scope.rstrip("/"))[0]
    return None


def _obstacle(event: _Event) -> str:
    extra, status = event.ex.extra, event.ex.status or 0
    origin = extra.get("request_origin")
    listed = (extra.get("exposed_headers") or "").split(",")
    header = f"x-set-{event.issue.param.lower()}"
    if (
        event.issue.dialect in PREFIX
        and origin not in (None, f"http://{event.ex.host}")
        and "*" not in listed
        and header not in listed
    ):
        return "not-exposed"
    if event.ex.begun is None:
        status = 0
    if 300 <= status < 400 and status != 304:
        return "on-redirect"
    if status >= 400:
        return "on-error"
    if status == 304 or (extra.get("age_s") or 0) > 0:
        return "cached"
    control = (extra.get("cache_control") or "").split(",")
    public = any(c == "public" or c.startswith("s-maxage=") for c in control)
    return "cacheable" if public and not {"private", "no-store"} & set(control) else ""


assert set(PREFIX) <= set(DIALECTS)
