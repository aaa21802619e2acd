"""A slow explainer, written from the documented order of causes: loops over everything.

It takes the verdicts from the slow judge, and compares every fault with every issue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from statetrail.dialects import builtin
from statetrail.extract.fingerprint import normal_form
from studies.oracle.verdict_oracle import FAULTS, is_hidden, judge, traced
from support.histories import Ex, Issue, fingerprint

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
    session: str | None
    """The session of the response."""

    @property
    def sound(self) -> bool:
        """L8: what a client could not read, or need not have read, binds nobody."""
        status = 0 if self.ex.begun is None else self.ex.status or 0
        free = status >= 300 or (self.ex.extra.get("age_s") or 0) > 0 or self.ex.method == "OPTIONS"
        return self.issue.problem is None and not free and not is_hidden(self.ex, self.issue)


def explain(history: Sequence[Ex], grace_ms: float) -> dict[tuple[int, str, str], tuple[str, str]]:
    """Verdict and cause of each (exchange id, dialect, param) that has a cause."""
    series: dict[tuple[str, ...], _Series] = {}
    for (number, dialect, param), (verdict, reason, _) in judge(history, grace_ms).items():
        who = (dialect, param, history[number - 1].client, history[number - 1].host)
        if who not in series:
            exchanges = traced(history, who[2], who[3], dialect)
            sessions = {x.number: (x.session, x.answered) for x in exchanges}
            series[who] = _Series(history, *who, {}, grace_ms, sessions)
        series[who].verdicts[number] = (verdict, reason)
    found = {}
    for one in series.values():
        for number, (verdict, _) in one.verdicts.items():
            if cause := _cause(one, number):
                found[number, one.dialect, one.param] = (verdict, cause)
    return found


@dataclass(frozen=True)
class _Series:
    """One client, origin, dialect and parameter, and all that was judged of it.

    `sessions` has those of the request and of the response, by exchange.
    """

    history: Sequence[Ex]
    dialect: str
    param: str
    client: str
    host: str
    verdicts: dict[int, tuple[str, str | None]]
    grace_ms: float
    sessions: dict[int, tuple[str | None, str | None]]

    def issued(self, *, here: bool = True) -> list[_Event]:
        return [
            e
            for e in _events(self.history, self.dialect, self.param, self.sessions)
            if e.ex.client == self.client and (e.ex.host == self.host) == here
        ]

    def issued_to(self, session: str | None) -> list[_Event]:
        """What was issued to a session, or to the sender."""
        return [e for e in self.issued() if session is None or e.session == session]

    def shown(self, exchange_id: int) -> list[str]:
        return [
            p.value
            for p in self.history[exchange_id - 1].presented
            if (p.dialect, p.param, p.kind) == (self.dialect, self.param, "value")
        ]

    def shown_by(self, session: str | None) -> list[tuple[float, str]]:
        """When a session, or the sender, presented which values."""
        return [
            (self.history[number - 1].start, value)
            for number, (own, _) in self.sessions.items()
            if session is None or own == session
            for value in self.shown(number)
        ]

    def key_value(self, exchange_id: int) -> str | None:
        """The value of a session key that the request presents."""
        if self.param not in builtin()[self.dialect].session_keys:
            return None
        return next(iter(self.shown(exchange_id)), None)

    def holder(self, exchange_id: int) -> str | None:
        """The session that may hold the value; `None` for the sender."""
        if self.key_value(exchange_id) is not None:
            return None
        return self.sessions[exchange_id][0]

    def is_fault(self, exchange_id: int) -> bool:
        verdict, reason = self.verdicts[exchange_id]
        return verdict in FAULTS and reason is None


def _cause(one: _Series, exchange_id: int) -> str | None:
    verdict, _ = one.verdicts[exchange_id]
    if near := _near_miss(one, exchange_id):
        return near
    if not one.is_fault(exchange_id):
        return None
    if verdict in UNREAD and _belongs_elsewhere(one, exchange_id):
        return "other-origin"
    return _habit(one, exchange_id) or "unknown"


def _near_miss(one: _Series, exchange_id: int) -> str | None:
    """What the presented value itself shows."""
    (verdict, reason), ex = one.verdicts[exchange_id], one.history[exchange_id - 1]
    if verdict not in ("defied", "overridden", "foreign") or reason is not None:
        return None
    # The slow judge does not say which value it judged: the cases here present one.
    (value,) = one.shown(exchange_id)
    events = one.issued_to(one.holder(exchange_id))
    before = [e.issue.value for e in events if e.begun <= ex.start]
    if normal_form(value) in map(normal_form, before):
        return "encoding-variant"
    alike = [
        e
        for e in events
        if len(e.issue.value) > 12 <= len(value) and e.issue.value[:12] == value[:12]
    ]
    readable = {e.issue.value for e in one.issued() if e.issue.problem is None}
    only = {e.issue.value for e in alike}
    only = only & readable or only
    if len(only) == 1 and only <= set(before):
        return "truncated"
    here, elsewhere = (
        any(e.issue.value == value and e.begun <= ex.start for e in one.issued(here=own))
        for own in (True, False)
    )
    return "other-origin" if verdict != "overridden" and elsewhere and not here else None


def _belongs_elsewhere(one: _Series, exchange_id: int) -> bool:
    """Whether what should have been presented was issued under another path only."""
    ex, session = one.history[exchange_id - 1], one.sessions[exchange_id][0]
    holder, key_value = one.holder(exchange_id), one.key_value(exchange_id)
    asked = one.issued_to(session)
    if key_value is not None:  # L1
        asked = [
            e for e in one.issued() if key_value in one.shown(e.id) and e.issue.value != key_value
        ]
    asked = [e for e in asked if e.sound]
    asked.sort(key=lambda e: (e.begun, e.id, fingerprint(e.issue.value)))
    newest = [e for e in asked if e.ended + one.grace_ms < ex.start][-1]
    value, mount = newest.issue.value, _mount(ex)
    held = [e for e in one.issued_to(holder) if e.sound and e.issue.value == value]
    moved = None not in (mount, _mount(newest.ex)) and _mount(newest.ex) != mount
    return moved and mount not in [_mount(e.ex) for e in held if e.begun <= ex.start]


def _habit(one: _Series, exchange_id: int) -> str | None:
    """What the client does anyway, also where nothing was in the way."""
    verdict, ex = one.verdicts[exchange_id][0], one.history[exchange_id - 1]
    free = {
        number: v
        for number, (v, _) in one.verdicts.items()
        if one.is_fault(number) and not (v in UNREAD and _belongs_elsewhere(one, number))
    }
    session = one.sessions[exchange_id][0]
    shown = {value for _, value in one.shown_by(session)}
    sound = [e for e in one.issued_to(session) if e.sound]
    firsts = {e.issue.value for e in sound if e.begun == min(other.begun for other in sound)}
    stale = [n for n, v in free.items() if v == "stale" and one.sessions[n][0] == session]
    if verdict == "stale" and stale and len(shown) == 1 and shown <= firsts:
        return "until-first-rotation"
    if verdict == "defied" and "defied" in free.values():
        every = {value for _, value in one.shown_by(None)}
        sound = [e for e in one.issued() if e.sound]
        first = min((e.begun for e in sound), default=0)
        if len(every) == 1 and every <= {e.issue.value for e in sound if e.begun == first}:
            return "until-first-rotation"
    good = [n for n, (v, _) in one.verdicts.items() if v == "honoured"]
    path = {n: one.history[n - 1].path for n in one.verdicts}
    here = [n for n in free if path[n] == ex.path]
    if len(here) >= 3 and len(good) >= 3 and ex.path not in [path[n] for n in good]:
        return "some-endpoints"
    unshown = [n for n, v in free.items() if v in UNSHOWN]
    read = any(v in ("honoured", "stale", "misplaced") for v, _ in one.verdicts.values())
    reasons = {reason for _, reason in one.verdicts.values()}
    read |= bool(reasons & {"earlier-value", "no-session", "other-session", "sessions-mixed"})
    read |= any(_near_miss(one, number) for number in one.verdicts)
    given = [(e.issue.value, e.begun) for e in one.issued() if e.issue.problem is None]
    read |= any(
        value in one.shown(n) and begun <= one.history[n - 1].start
        for n, (v, _) in one.verdicts.items()
        for value, begun in given
        if v == "defied"
    )
    if verdict in UNSHOWN and len(unshown) >= 5 and not read:
        return "not-implemented"
    return None


def _events(
    history: Sequence[Ex],
    dialect: str,
    param: str,
    sessions: Mapping[int, tuple[str | None, str | None]],
) -> list[_Event]:
    found = []
    for at, ex in enumerate(history, 1):
        begun = max(ex.begun if ex.begun is not None else ex.start, ex.start)
        ended = max(ex.ended, begun) if ex.ended is not None else float("inf")
        found += [
            _Event(i, ex, at, begun, ended, sessions.get(at, (None, None))[1])
            for i in ex.issued
            if (i.dialect, i.param) == (dialect, param)
        ]
    return found


def _mount(ex: Ex) -> str | None:
    for scope in ("/API/V3/", "/v3/"):
        if scope in f"{ex.path}/":
            return ex.path.partition(scope.rstrip("/"))[0]
    return None


assert set(PREFIX) <= set(builtin())
