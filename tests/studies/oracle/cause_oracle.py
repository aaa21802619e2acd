"""A slow explainer, written from the documented order of causes: loops over everything.

It takes the verdicts from the slow judge, and compares every fault with every issue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from statetrail.dialects import builtin
from statetrail.extract.fingerprint import normal_form
from studies.oracle.verdict_oracle import judge
from support.histories import Ex, Issue, fingerprint

FAULTS = ("omitted", "stale", "defied", "misplaced", "implicit-set", "restarted")
UNREAD = ("omitted", "stale", "defied", "restarted")
UNSHOWN = ("omitted", "defied", "restarted")
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
    series: dict[tuple[str, ...], _Series] = {}
    for (number, dialect, param), verdict in judge(history, grace_ms).items():
        who = (dialect, param, history[number - 1].client, history[number - 1].host)
        one = series.setdefault(who, _Series(history, *who, {}, grace_ms))
        one.verdicts[number] = verdict
    found = {}
    for one in series.values():
        for number, verdict in one.verdicts.items():
            if cause := _cause(one, number):
                found[number, one.dialect, one.param] = (verdict, cause)
    return found


@dataclass(frozen=True)
class _Series:
    """One client, origin, dialect and parameter, and all that was judged of it."""

    history: Sequence[Ex]
    dialect: str
    param: str
    client: str
    host: str
    verdicts: dict[int, str]
    grace_ms: float

    def issued(self, *, here: bool = True) -> list[_Event]:
        return [
            e
            for e in _events(self.history, self.dialect, self.param)
            if e.ex.client == self.client and (e.ex.host == self.host) == here
        ]

    def shown(self, exchange_id: int) -> list[str]:
        return [
            p.value
            for p in self.history[exchange_id - 1].presented
            if (p.dialect, p.param, p.kind) == (self.dialect, self.param, "value")
        ]


def _cause(one: _Series, exchange_id: int) -> str | None:
    verdict, ex = one.verdicts[exchange_id], one.history[exchange_id - 1]
    if near := _near_miss(one, exchange_id):
        return near
    if verdict not in FAULTS:
        return None
    hindrance = _hindrance(one, exchange_id) if verdict in UNREAD else ""
    if hindrance not in ("", "malformed-issue", "cacheable"):
        return hindrance
    return _habit(one, verdict, ex) or {
        "": "unknown",
        "cacheable": "cached",
    }.get(hindrance, hindrance)


def _near_miss(one: _Series, exchange_id: int) -> str | None:
    """What the presented value itself shows."""
    verdict, ex = one.verdicts[exchange_id], one.history[exchange_id - 1]
    if verdict not in ("defied", "overridden", "foreign"):
        return None
    # The slow judge does not say which value it judged: the cases here present one.
    (value,) = one.shown(exchange_id)
    before = [e.issue.value for e in one.issued() if e.begun <= ex.start]
    if normal_form(value) in map(normal_form, before):
        return "encoding-variant"
    alike = [
        e
        for e in one.issued()
        if len(e.issue.value) > 12 <= len(value) and e.issue.value[:12] == value[:12]
    ]
    sound = {e.issue.value for e in alike if e.issue.problem is None}
    only = sound or {e.issue.value for e in alike}
    if len(only) == 1 and only <= set(before):
        return "truncated"
    if verdict != "overridden" and any(
        e.issue.value == value and e.begun <= ex.start for e in one.issued(here=False)
    ):
        return "other-origin"
    return None


def _hindrance(one: _Series, exchange_id: int) -> str:
    """What of the server's was in the way, "" for nothing."""
    ex, events = one.history[exchange_id - 1], one.issued()
    sound = [e for e in events if e.issue.problem is None]
    sound.sort(key=lambda e: (e.begun, e.id, fingerprint(e.issue.value)))
    must = [e for e in sound if e.ended + one.grace_ms < ex.start]
    newest = must[-1]
    value, mount = newest.issue.value, _mount(ex)
    if None not in (mount, _mount(newest.ex)) and _mount(newest.ex) != mount:
        known = [e for e in sound if e.issue.value == value and e.begun <= ex.start]
        if mount not in [_mount(e.ex) for e in known]:
            return "other-origin"
    since = newest.begun
    for event in reversed(sound[: sound.index(newest)]):
        if event.issue.value != value:
            break
        since = event.begun
    arrived = any(
        e.issue.value == value and e.begun >= since and not _obstacle(e) for e in must
    ) or any(
        value in one.shown(number) and since <= other.start < ex.start
        for number, other in enumerate(one.history, 1)
        if (other.client, other.host) == (one.client, one.host)
    )
    obstacle = "" if arrived else _obstacle(newest)
    if obstacle not in ("", "cacheable"):
        return obstacle
    broken = [e for e in events if e.issue.problem and e.begun <= ex.start]
    until = [e.begun if e.ex.ended is None else e.ended for e in broken]
    return "malformed-issue" if max(until, default=-1) >= newest.begun else obstacle


def _habit(one: _Series, verdict: str, ex: Ex) -> str | None:
    """What the client does anyway, also where nothing was in the way."""
    free = {
        number: v
        for number, v in one.verdicts.items()
        if v in FAULTS and (v not in UNREAD or _hindrance(one, number) in ("", "cacheable"))
    }
    shown = {
        value
        for number, other in enumerate(one.history, 1)
        if (other.client, other.host) == (one.client, one.host)
        for value in one.shown(number)
    }
    sound = [e for e in one.issued() if e.issue.problem is None]
    firsts = {e.issue.value for e in sound if e.begun == min(other.begun for other in sound)}
    if verdict == "stale" and "stale" in free.values() and len(shown) == 1 and shown <= firsts:
        return "until-first-rotation"
    good = [n for n, v in one.verdicts.items() if v == "honoured"]
    path = {n: one.history[n - 1].path for n in one.verdicts}
    here = [n for n in free if path[n] == ex.path]
    if len(here) >= 3 and len(good) >= 3 and ex.path not in [path[n] for n in good]:
        return "some-endpoints"
    unshown = [n for n, v in free.items() if v in UNSHOWN]
    read = any(v in ("honoured", "stale", "misplaced") for v in one.verdicts.values())
    read |= any(_near_miss(one, number) for number in one.verdicts)
    if verdict in UNSHOWN and len(unshown) >= 5 and not read:
        return "not-implemented"
    return None


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


assert set(PREFIX) <= set(builtin())
