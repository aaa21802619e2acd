"""What requests did and what values met with, by plain loops: for the oracles of lives and causes.

Written on purpose without the code under test.
"""

from dataclasses import replace
from math import inf
from typing import Any

from statetrail.dialects import builtin
from studies.oracle.verdict_oracle import judge, sessions, values_of
from support.histories import Ex, Present, fingerprint
from support.plain import Seen, issued, presented

_KEY = ("exchange_id", "dialect", "param", "to_fingerprint")
_KEYS = ("_session_token", "Ticket", "Authentication", "VisitorId")
_WORDS = {
    "login": ("Login",),
    "logout": ("logout", "Logout"),
    "cart": ("Cart", "baskets"),
    "order": ("Order", "orders"),
}


def busy(history: list[Ex]) -> list[Ex]:
    """The history with some of its requests made logins, logouts and writes, by their position."""
    made = []
    for at, ex in enumerate(history):
        path, method = ex.path, ("GET", "POST", "GET", "PUT", "DELETE")[at % 5]
        if at % 7 == 3:
            path = path.replace("Cart", "Login").replace("menus", "login")
        if at % 11 == 5:
            path = path.replace("Cart", "Logout").replace("menus", "logout")
        made.append(replace(ex, path=path, method=method))
    return made


def did(ex: Ex, *actions: str) -> bool:
    """Whether the request did one of these and succeeded."""
    status = 0 if ex.begun is None else ex.status or 0
    for action in actions:
        wrote = ex.method in ("POST", "PUT", "PATCH", "DELETE") or action == "logout"
        done = 200 <= status < (300 if action in ("cart", "order") else 400)
        words = [*_WORDS[action], "login"] if action == "login" else _WORDS[action]
        if wrote and done and any(word in ex.path.split("/") for word in words):
            return True
    return False


def is_late(use: Seen, issues: list[Seen], grace: int) -> bool:
    """Whether the client had to know of a newer value: some issue that it had to know supersedes
    every issue of this one that it may have known."""
    must = [i for i in _newer(use, issues) if i.end + grace < use.asked]
    return _superseded(use, issues, must)


def is_in_flight(use: Seen, issues: list[Seen], grace: int) -> bool:
    """Whether it may have known of one, and need not have."""
    may = [i for i in _newer(use, issues) if i.begun <= use.asked]
    return _superseded(use, issues, may) and not is_late(use, issues, grace)


def _newer(use: Seen, issues: list[Seen]) -> list[Seen]:
    """What may make the value old: of a session key only the answers to it (L1)."""
    same = [i for i in issues if i.series == use.series]
    if use.series[3] not in _KEYS:
        return same
    return [
        i
        for i in same
        if i.value != use.value
        and (use.value, "value") in [(p.value, p.kind) for p in i.ex.presented if _of(p, i)]
        and 0 < (i.ex.status or 0) < 300
    ]


def _of(presented: Present, issue: Seen) -> bool:
    return (presented.dialect, presented.param) == issue.series[2:]


def _superseded(use: Seen, issues: list[Seen], newer: list[Seen]) -> bool:
    held = [i for i in issues if i.key == use.key and i.begun <= use.asked]
    sent = bool(held) or use.series[3] in _KEYS
    return sent and any(all(j.begun > i.end for i in held) for j in newer)


def is_honoured(use: Seen, issues: list[Seen]) -> bool:
    """Whether the server took it: it answered with it, or in silence and without an error."""
    answers = _answers(use, issues)
    silent = not answers and use.series[2] != "zest" and 200 <= _status(use) < 400
    return use.value in answers or silent


def is_replaced(use: Seen, issues: list[Seen]) -> bool:
    """Whether the response issued another value, and not this one."""
    answers = _answers(use, issues)
    return bool(answers) and use.value not in answers and tells(use.ex)


def tells(ex: Ex) -> bool:
    """Whether another value in the response says that the presented one has ended (L8)."""
    status = 0 if ex.begun is None else ex.status or 0
    return 0 <= status < 400 or status in (401, 403, 419, 440)


def is_refused(use: Seen, issues: list[Seen]) -> bool:
    """Whether its status refused this secret, and this one alone."""
    secrets = {
        (p.param, p.value) for p in use.ex.presented if p.kind == "value" and p.param != "LangId"
    }
    where = use.ex.path.split("/")
    barred = use.series[3] == "Authentication" and "baskets" not in where and "orders" not in where
    return (
        _status(use) in (401, 403, 419, 440)
        and use.value not in _answers(use, issues)
        and use.series[3] != "LangId"
        and len(secrets) == 1
        and not barred
    )


def _answers(use: Seen, issues: list[Seen]) -> list[str]:
    return [i.value for i in issues if (i.id, i.series) == (use.id, use.series)]


def _status(use: Seen) -> int:
    return 0 if use.ex.begun is None else use.ex.status or 0


def trail_of(history: list[Ex], grace: int) -> list[dict[str, Any]]:
    """The trail by loops over lists, straight from the module's prose."""
    issues, uses = issued(history), presented(history)
    owner, judged = sessions(history), judge(history, grace / 1000)
    rows = []
    for at, issue in enumerate(issues):
        dialect, param = issue.series[2:]
        key = param in builtin()[dialect].session_keys
        series = [(n, i) for n, i in enumerate(issues) if i.series == issue.series]
        own = owner[issue.id, dialect][1]
        owned = [i for _, i in series if owner[i.id, dialect][1] == own]
        ended = [i for i in owned if i.end < issue.begun]
        standing = [
            i
            for n, i in series
            if n < at and i.value == issue.value and not any(k.begun > i.end for k in ended)
        ]
        shown = [
            p
            for p in issue.ex.presented
            if (p.dialect, p.param) == issue.series[2:] and p.kind != "empty"
        ]
        values = [p.value for p in shown if p.kind == "value"]
        free = issue.priority == "informational"
        kept = issue.value in values
        if standing or (kept and (key or not free)):
            continue
        before = ended[-1].value if ended else None
        if kept:
            cause = "override"
        elif values and (
            key
            or not free
            or any(i.value == values[0] and i.begun <= issue.begun for _, i in series)
        ):
            cause, before = "reset", values[0]
        elif key and (was := left(issue, issues, judged, history)) is not None:
            cause, before = "restart", was
        elif before is None or (key and not values):
            cause, before = "establish", None
        elif any(p.kind == "establish" for p in shown):
            visible = any(i.end + grace < issue.asked for i in owned)
            cause, before = ("restart", before) if visible else ("establish", None)
        else:
            cause = "reissue"
        own = [s for s in [*issues, *uses] if s.series == issue.series and s.value == before]
        rows.append(
            {
                "exchange_id": issue.id,
                **dict(zip(("client", "origin", "dialect", "param"), issue.series, strict=True)),
                "request_start_us": issue.asked,
                "issued_at_us": issue.begun,
                "from_fingerprint": None if before is None else fingerprint(before),
                "to_fingerprint": issue.fingerprint,
                "priority": min(
                    i.priority or ""
                    for i in issues
                    if (i.id, i.series, i.value) == (issue.id, issue.series, issue.value)
                ),
                "cause": cause,
                "idle_low_s": idle(issue, own),
                "idle_high_s": idle_high(issue, own),
                "age_low_s": age(issue, own),
                "age_high_s": age_high(issue, own),
            }
        )
    return sorted(rows, key=lambda row: [row[name] for name in _KEY])


def left(issue: Seen, issues: list[Seen], judged: dict[Any, Any], history: list[Ex]) -> str | None:
    """The newest value of the session that a restart, as a fault, left."""
    dialect, param = issue.series[2:]
    verdict, reason, session = judged.get((issue.id, dialect, param), (None, None, None))
    if (verdict, reason) != ("restarted", None):
        return None
    values = values_of(history, issue.series, session)
    earlier = [
        i.value
        for i in issues
        if i.series == issue.series and i.value in values and i.end < issue.begun
    ]
    return earlier[-1] if earlier else None


def idle(issue: Seen, own: list[Seen]) -> float | None:
    """How long the value before lay unused at least, where that is known."""
    earlier = [s for s in own if (s.asked, s.id) < (issue.asked, issue.id)]
    last = max((s.end for s in earlier if s.end != inf), default=None)
    lost = max((s.asked for s in earlier if s.end == inf), default=None)
    if last is None or last > issue.asked or (lost is not None and lost >= last):
        return None
    return (issue.asked - last) / 1_000_000


def idle_high(issue: Seen, own: list[Seen]) -> float | None:
    """How long at most: since the last request that was answered with it before."""
    kept = [s.asked for s in own if s.priority is not None and s.begun < issue.asked]
    return (issue.begun - max(kept)) / 1_000_000 if kept else None


def age(issue: Seen, own: list[Seen]) -> float | None:
    """How old the value before was at least, where its birth was seen."""
    ends = [s.end for s in own if s.priority is not None]
    if not born(own) or min(ends) > issue.asked:
        return None
    return (issue.asked - min(ends)) / 1_000_000


def age_high(issue: Seen, own: list[Seen]) -> float | None:
    """How old at most: since the first request that was answered with it."""
    asked = [s.asked for s in own if s.priority is not None]
    return (issue.begun - min(asked)) / 1_000_000 if born(own) else None


def born(own: list[Seen]) -> bool:
    """Whether the value was issued before it was presented."""
    issues = [s.begun for s in own if s.priority is not None]
    uses = [s.asked for s in own if s.priority is None]
    return bool(issues) and (not uses or min(issues) < min(uses))
