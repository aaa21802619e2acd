"""A slow judge, written from the pages about protocols and sessions alone.

It compares every issue with every other and looks at the whole history for each request. No running
maxima and no frames, so that it can only agree with the engine by being right.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from statetrail.dialects import Dialect, builtin
from support.histories import Ex, Issue, Present

MILDEST_FIRST = [
    *("honoured", "in-flight", "overridden", "foreign", "not-applicable"),
    *("misplaced", "stale", "restarted", "implicit-set", "defied", "omitted"),
]
FAULTS = ("misplaced", "stale", "restarted", "implicit-set", "defied", "omitted")
CURRENT = ("honoured", "in-flight", "misplaced")
STRANGE = ("stale", "defied", "overridden", "foreign")
INF = float("inf")
HOUR_MS = 3_600_000

type Moment = tuple[float, int, float]
"""Time, 0 for a response and 1 for a request, exchange id."""
type Judged = tuple[str, str | None, str | None]
"""Verdict, reason, first value of the session."""


@dataclass
class _X:
    """An exchange of one sender at one origin, as one dialect sees it."""

    number: int
    ex: Ex
    issued: list[Issue]
    presented: list[Present]
    session: str | None = None
    answered: str | None = None
    """The sessions of the request and of the response."""

    @property
    def start(self) -> float:
        return self.ex.start

    @property
    def begun(self) -> float:
        return max(self.ex.begun if self.ex.begun is not None else self.start, self.start)

    @property
    def ended(self) -> float:
        return max(self.ex.ended, self.begun) if self.ex.ended is not None else INF

    @property
    def is_backwards(self) -> bool:
        """Whether the clock was set back during it."""
        seen = (self.ex.begun, self.ex.ended)
        return any(at is not None and at < self.ex.start for at in seen)

    @property
    def status(self) -> int:
        return (self.ex.status or 0) if self.ex.begun is not None else 0

    @property
    def binds(self) -> bool:
        """L8: what comes with an error or a redirect, or from a cache, binds nobody."""
        aged = (self.ex.extra.get("age_s") or 0) > 0
        return self.status < 300 and not aged and self.ex.method != "OPTIONS"

    def sound(self, issue: Issue) -> bool:
        """L8: nor does what cannot be read, or what a browser keeps from a page."""
        return issue.problem is None and self.binds and not is_hidden(self.ex, issue)

    @property
    def writes(self) -> bool:
        return self.ex.method in ("POST", "PUT", "PATCH", "DELETE")

    @property
    def asked(self) -> Moment:
        return (self.start, 1, self.number)


@dataclass
class _Sender:
    """What one sender did at one origin, as one dialect sees it."""

    dialect: Dialect
    exchanges: list[_X]
    grace_ms: float
    declared: bool
    session_of: dict[str, dict[str, str]] = field(default_factory=dict)
    """By parameter and value: the first value of its session, as ``param=value``."""
    began: dict[str, Moment] = field(default_factory=dict)
    by_response: set[str] = field(default_factory=set)
    """The sessions that began with a response."""
    first: dict[tuple[str, str], Moment] = field(default_factory=dict)
    """By parameter and value of a key: when it was first seen with the sender."""
    shared: set[tuple[str, str]] = field(default_factory=set)
    """Those that another sender at the origin holds, too."""

    def held_by_others(self, x: _X) -> bool:
        """Whether another sender holds the request's session, or a session of its sender."""
        return any(
            self.first[key, value] <= x.asked
            for key, value in self.shared
            if x.session in (None, self.session_of[key][value])
        )


def judge(
    history: Sequence[Ex], grace_ms: float, *, declared: bool = False
) -> dict[tuple[int, str, str], Judged]:
    """The verdict of each (exchange id, dialect, param), why it is no fault, and its session."""
    issuing = {
        (ex.host, ex.path, i.dialect)
        for ex in history
        if ex.method != "OPTIONS"
        for i in ex.issued
        if i.problem is None
    }
    found: dict[tuple[int, str, str], Judged] = {}
    several = held_by_several(history)
    for client, host in {(ex.client, ex.host) for ex in history}:
        for dialect in builtin().values():
            sender = _sender(history, client, host, dialect, grace_ms, declared=declared)
            sender.shared = {
                held for held in sender.first if (host, dialect.name, *held) in several
            }
            mine = sender.exchanges
            rows = {
                (x, param): judged
                for x in range(len(mine))
                for param, judged in _judge(sender, mine[x], issuing).items()
            }
            _excuse(sender, rows)
            for (x, param), judged in rows.items():
                found[mine[x].number, dialect.name, param] = judged
    return found


def held_by_several(history: Sequence[Ex]) -> set[tuple[str, str, str, str]]:
    """The (host, dialect, param, value) of keys that several senders presented or were issued."""
    holders = Counter(
        (host, dialect.name, *held)
        for client, host in {(ex.client, ex.host) for ex in history}
        for dialect in builtin().values()
        for held in _sender(history, client, host, dialect, 0, declared=False).first
    )
    return {held for held, senders in holders.items() if senders > 1}


def sessions(history: Sequence[Ex]) -> dict[tuple[int, str], tuple[str | None, str | None]]:
    """The session of each request and response by (exchange id, dialect).

    A response of no session is given its sender's only one.
    """
    found = {}
    for client, host in {(ex.client, ex.host) for ex in history}:
        for dialect in builtin().values():
            sender = _sender(history, client, host, dialect, 0, declared=False)
            only = next(iter(sender.began)) if len(sender.began) == 1 else None
            for x in sender.exchanges:
                found[x.number, dialect.name] = (x.session, x.answered or only)
    return found


def values_of(
    history: Sequence[Ex], series: tuple[str, str, str, str], session: str | None
) -> set[str]:
    """The values of a session key that belong to a session."""
    client, origin, dialect, param = series
    host = origin.removeprefix("http://")
    sender = _sender(history, client, host, builtin()[dialect], 0, declared=False)
    known = sender.session_of.get(param, {})
    return {value for value, name in known.items() if name == session}


def traced(history: Sequence[Ex], client: str, host: str, dialect: str) -> list[_X]:
    """The exchanges of a sender, with the sessions of their requests and responses."""
    return _sender(history, client, host, builtin()[dialect], 0, declared=False).exchanges


def spans(history: Sequence[Ex], client: str, host: str, dialect: str) -> list[tuple[float, float]]:
    """The first and last request of each session of a sender."""
    sender = _sender(history, client, host, builtin()[dialect], 0, declared=False)
    starts: dict[str, list[float]] = {}
    for x in sender.exchanges:
        if x.answered is not None:
            starts.setdefault(x.answered, []).append(x.start)
    return [(min(each), max(each)) for each in starts.values()]


def _sender(
    history: Sequence[Ex],
    client: str,
    host: str,
    dialect: Dialect,
    grace_ms: float,
    *,
    declared: bool,
) -> _Sender:
    mine = [
        _X(
            number,
            ex,
            [i for i in ex.issued if i.dialect == dialect.name],
            [p for p in ex.presented if p.dialect == dialect.name],
        )
        for number, ex in enumerate(history, 1)
        if (ex.client, ex.host) == (client, host)
    ]
    sender = _Sender(dialect, mine, grace_ms, declared)
    _trace(sender)
    return sender


def _trace(sender: _Sender) -> None:
    """Give every request and response its session, one appearance after the other."""
    moments: list[tuple[Moment, int, _X]] = []
    for x in sender.exchanges:
        if x.begun == x.start:
            moments += [((x.start, 0, x.number), 0, x), ((x.begun, 0, x.number), 1, x)]
        else:
            moments += [((x.start, 1, x.number), 0, x), ((x.begun, 0, x.number), 1, x)]
    for moment, is_response, x in sorted(moments, key=lambda m: m[:2]):
        if is_response:
            values = [
                (key, i.value)
                for key in sender.dialect.session_keys
                for i in x.issued
                if i.param == key and _names_key(sender, i)
            ]
            x.answered = x.session or _join(sender, values, moment)
            session = x.answered
            if session and x.session is None and sender.began[session] == moment:
                sender.by_response.add(session)
        else:
            values = [(p.param, p.value) for p in _keys_of(sender, x)]
            x.session = session = _join(sender, values, moment)
        if is_response and session is not None:
            # A client may take a value from a malformed header: it is the session's, too.
            values += [
                (i.param, i.value)
                for i in x.issued
                if i.param in sender.dialect.session_keys and i.problem is not None
            ]
        for key, value in values:
            sender.session_of.setdefault(key, {}).setdefault(value, session or "")
            sender.first.setdefault((key, value), moment)
    for x in sender.exchanges:
        x.answered = x.session or x.answered


def _join(sender: _Sender, values: list[tuple[str, str]], moment: Moment) -> str | None:
    for key, value in values:
        if value in sender.session_of.get(key, {}):
            return sender.session_of[key][value]
    if not values:
        return None
    name = "{}={}".format(*values[0])
    sender.began[name] = moment
    return name


def _is_headless(ex: Ex) -> bool:
    """Whether a page can neither set header fields nor read them: what it only shows or runs, a
    beacon, a WebSocket."""
    dest, mode = ex.extra.get("fetch_dest"), ex.extra.get("fetch_mode")
    opens = ex.begun is not None and ex.status == 101
    return dest not in (None, "empty") or mode == "no-cors" or opens


def is_hidden(ex: Ex, issue: Issue) -> bool:
    """Whether a browser keeps the header from the page: of what it only shows or runs, and of
    another origin unless it is exposed. A star exposes nothing to a request with cookies."""
    page, listed = ex.extra.get("request_origin"), ex.extra.get("exposed_headers") or ""
    names = set(listed.split(","))
    if ex.extra.get("has_cookies"):
        names.discard("*")
    return issue.dialect == "52eseller" and (
        _is_headless(ex)
        or (
            page not in (None, f"http://{ex.host}")
            and not {"*", f"x-set-{issue.param.lower()}"} & names
        )
    )


def _names_key(sender: _Sender, issue: Issue) -> bool:
    return (
        issue.param in sender.dialect.session_keys
        and issue.problem is None
        and issue.usage != "implicit"
    )


def _keys_of(sender: _Sender, x: _X) -> list[Present]:
    return [
        p
        for key in sender.dialect.session_keys
        for p in x.presented
        if p.param == key and p.kind == "value"
    ]


def _judge(sender: _Sender, x: _X, issuing: set[tuple[str, str, str]]) -> dict[str, Judged]:
    dialect = sender.dialect
    names = {i.param for other in sender.exchanges for i in other.issued}
    names |= {p.param for p in x.presented}
    rows = {}
    for param in names:
        known = dialect.param(param)
        presented = [p for p in x.presented if p.param == param]
        if param in sender.dialect.session_keys and any(p.kind == "value" for p in presented):
            presented = [p for p in presented if p.kind == "value"]
            judged = [_one_key(sender, x, p) for p in presented]
        else:
            judged = []
            owned = [
                other
                for other in sender.exchanges
                if x.session is None or other.answered == x.session
            ]
            may = [
                (other, i)
                for other in owned
                for i in other.issued
                if i.param == param and other.begun <= x.start
            ]
            minted = known is not None and known.minted
            asked: list[Present | None] = [*presented] or [None]
            if not any(other.sound(i) for other, i in may):
                asked = [p for p in presented if minted and p.kind == "value"]
            for p in asked:
                verdict, reason = _one(sender, x, p, may, minted=minted)
                if x.session is not None and verdict in STRANGE and _bare(sender, x, p):
                    verdict, reason = "not-applicable", "no-session"
                elif x.session is not None and verdict in ("stale", "defied"):
                    # One user's state may have come in what looks like two sessions.
                    every = [
                        (other, i)
                        for other in sender.exchanges
                        for i in other.issued
                        if i.param == param and other.begun <= x.start
                    ]
                    if _one(sender, x, p, every, minted=minted, cut_ends=True)[0] in CURRENT:
                        verdict, reason = "not-applicable", "other-session"
                judged.append((verdict, reason))
        if not judged:
            continue
        binds = (
            known is not None
            and x.ex.method != "OPTIONS"
            and dialect.allows(param, x.ex.path)
            and (dialect.in_scope(x.ex.path) or (x.ex.host, x.ex.path, dialect.name) in issuing)
        )
        if binds:
            verdict, reason = min(judged, key=lambda each: MILDEST_FIRST.index(each[0]))
        else:
            verdict, reason = "not-applicable", None
        rows[param] = (verdict, reason, x.session)
    return rows


def _one_key(sender: _Sender, x: _X, p: Present) -> tuple[str, str | None]:
    """L1: a value of a session key."""
    if sender.session_of[p.param][p.value] != x.session:
        return "not-applicable", "sessions-mixed"
    issues = [
        (other, i)
        for other in sender.exchanges
        for i in other.issued
        if (i.param, i.value) == (p.param, p.value) and other.begun <= x.start
    ]
    replacing = [
        other
        for other in sender.exchanges
        if any((q.param, q.value, q.kind) == (p.param, p.value, "value") for q in other.presented)
        and other.session == sender.session_of[p.param][p.value]
        and any(i.param == p.param and i.value != p.value and other.sound(i) for i in other.issued)
        and other.ended + sender.grace_ms < x.start
    ]
    must = [
        (other, i)
        for other, i in issues
        if other.sound(i) and other.ended + sender.grace_ms < x.start
    ]

    def current(other: _X) -> bool:
        return not any(new.begun > other.ended for new in replacing)

    if not issues:
        return "foreign", None
    if not must and not replacing:
        return "in-flight", None
    if all(other.sound(i) and i.usage == "implicit" for other, i in issues):
        return "implicit-set", None
    if not any(current(other) for other, _ in issues):
        taken = x.binds and any(
            i.problem is None and (i.param, i.value) == (p.param, p.value) for i in x.issued
        )
        beside = [
            (other, i)
            for other in sender.exchanges
            if other.answered == x.session and other.begun <= x.start
            for i in other.issued
            if i.param == p.param
        ]
        return "stale", "still-accepted" if taken else _spoilt(beside, replacing)
    if not any(current(other) for other, _ in must):
        return "in-flight", None
    placed = any(
        not other.sound(i) or i.usage in ("implicit", p.channel)
        for other, i in issues
        if current(other)
    )
    return ("honoured" if placed else "misplaced"), None


def _one(
    sender: _Sender,
    x: _X,
    p: Present | None,
    may: list[tuple[_X, Issue]],
    *,
    minted: bool,
    cut_ends: bool = False,
) -> tuple[str, str | None]:
    """The verdict on one presented value of a series (None: nothing was presented)."""
    sound = [(other, i) for other, i in may if other.sound(i)]
    must = [other for other, _ in sound if other.ended + sender.grace_ms < x.start]
    current = [(other, i) for other, i in may if not any(new.begun > other.ended for new in must)]
    binding = [i for other, i in current if other.sound(i)]
    absent = p is None or p.kind == "empty"
    same = [] if absent else [(other, i) for other, i in may if i.value == p.value]
    may_stand = [
        (other, i)
        for other, i in same
        if not any(
            new.begun > (other.begun if cut_ends and other.ended == INF else other.ended)
            for new in must
        )
    ]
    if not absent and p.kind == "value" and minted and not same:
        return "foreign", None
    if not must:
        return "in-flight", None
    if absent:
        implicit = any(i.usage == "implicit" for i in binding)
        return ("not-applicable", None) if implicit else ("omitted", _spoilt(may, must))
    if p.kind == "establish":
        return "restarted", _spoilt(may, must)
    if all(i.usage == "implicit" for i in binding):
        return "implicit-set", None
    free = any(i.priority != "forced" for i in binding) and not minted
    if not may_stand:
        if free:  # L5
            return "overridden", "earlier-value" if same else None
        return ("stale" if same else "defied"), _spoilt(may, must)
    if not any(each in current for each in same if each[0] in must and each[0].sound(each[1])):
        return "in-flight", None
    placed = any(
        not other.sound(i) or i.usage in ("implicit", p.channel)
        for other, i in same
        if (other, i) in current
    )
    return ("honoured" if placed else "misplaced"), None


def _spoilt(may: list[tuple[_X, Issue]], must: list[_X]) -> str | None:
    """L8: whether the newest issue that may be known cannot be read."""
    until = [x.ended if x.ended < INF else x.begun for x, i in may if i.problem is not None]
    spoilt = any(all(new.begun <= end for new in must) for end in until)
    return "malformed-issue" if spoilt else None


def _bare(sender: _Sender, x: _X, p: Present | None) -> bool:
    """Whether the value came with a response of no session, too."""
    return p is not None and any(
        other.answered is None and other.begun <= x.start
        for other in sender.exchanges
        for i in other.issued
        if (i.param, i.value) == (p.param, p.value)
    )


def _excuse(sender: _Sender, rows: dict[tuple[int, str], Judged]) -> None:
    """Requests without a key: what the sender could have meant by them."""
    uses: dict[str, list[_X]] = {}
    shown: dict[str, list[_X]] = {}
    for x in sender.exchanges:
        for p in _keys_of(sender, x):
            session = sender.session_of[p.param][p.value]
            shown.setdefault(session, []).append(x)
            if _taken(sender, x, p):
                uses.setdefault(session, []).append(x)
    many = any(
        sender.began[one] < min(u.asked for u in uses[other]) < max(u.asked for u in uses[one])
        for one in uses
        for other in uses
        if one != other
    )
    dialect = sender.dialect
    bare = []
    for at, x in enumerate(sender.exchanges):
        mine = [param for number, param in rows if number == at]
        for param in mine:
            verdict, reason, session = rows[at, param]
            if verdict == "omitted":
                if x.ex.method == "HEAD":
                    rows[at, param] = ("not-applicable", "method", session)
                elif dialect.is_action("health", x.ex.path):
                    rows[at, param] = ("not-applicable", "health", session)
                elif unable := _unable(sender, x, param):
                    rows[at, param] = ("not-applicable", unable, session)
            if rows[at, param][0] == "omitted" and x.session is not None:
                if param in dialect.session_keys:
                    over = _over(sender, x.session, param, x, uses)
                else:
                    over = _left(sender, x.session, param, x)
                if over:
                    rows[at, param] = ("not-applicable", "session-ended", session)
                elif (
                    param in dialect.session_keys
                    and dialect.begins_at_login
                    and dialect.is_action("login", x.ex.path)
                ):
                    rows[at, param] = ("not-applicable", "new-session", session)
        if x.session is not None or not mine:
            continue
        learned = {name: _learned(sender, name) for name in sender.began}
        begun = [name for name, moment in sender.began.items() if moment < x.asked]
        before = max(begun, key=lambda name: sender.began[name], default=None)
        known = [name for name, moment in learned.items() if moment < x.asked]
        last = max(known, key=lambda name: (learned[name], sender.began[name]), default=None)
        either = [name for name in (before, last) if name is not None]
        contacts = [
            (moment, sender.began[name], name)
            for name in sender.began
            for moment in _contacts(sender, name)
            if moment < x.asked
        ]
        kept = [name for *_, name in sorted(contacts)[-1:]]
        # L6: another request without a key began a session that nobody need know yet.
        beside = before in sender.by_response and learned[before] > x.asked
        # Or it was sent before this one was answered, and began one later.
        beside |= any(
            other.session is None
            and sender.began.get(other.answered or "") == (other.begun, 0, other.number)
            and other.start <= x.begun
            and (other.begun, 0, other.number) > x.asked
            for other in sender.exchanges
        )
        bare.append((at, x, mine, before, either, kept, beside))
    for at, x, mine, _, either, kept, beside in bare:
        fresh = _paused(sender, x) or any(name in shown for name in (*either, *kept))
        held = _is_held(sender, x, shown)
        for param in mine:
            verdict, reason, _ = rows[at, param]
            if verdict == "not-applicable" or reason is not None:
                continue
            asks, key = verdict == "restarted", param in sender.dialect.session_keys
            if many and (asks or not (sender.declared and key)):
                rows[at, param] = ("restarted" if asks else "not-applicable", "many-sessions", None)
            elif asks and fresh:
                rows[at, param] = ("restarted", "new-session", None)
            elif (_logs_in(sender, x) and (either or kept) and not asks) or (
                fresh and (_begins(sender, x) or (beside and verdict == "omitted"))
            ):
                rows[at, param] = ("not-applicable", "new-session", None)
            elif asks and held:  # L6: it holds another one at the same time
                rows[at, param] = ("restarted", "many-sessions", None)
    omitting = {
        at
        for at, _, mine, *_ in bare
        if any(
            rows[at, p][:2] == ("omitted", None) and p in sender.dialect.session_keys for p in mine
        )
    }
    alternating = set()
    for at in omitting:
        path = sender.exchanges[at].ex.path
        kinds = [
            x.session is not None
            for x in sorted(sender.exchanges, key=lambda x: x.asked)
            if x.ex.path == path
            and (x.session is not None or sender.exchanges.index(x) in omitting)
        ]
        if sum(a != b for a, b in itertools.pairwise(kinds)) >= 2:
            alternating.add(at)
    for at, x, mine, before, either, kept, _ in bare:
        any_of = (*either, *kept)
        between = _is_held(sender, x, shown)
        ended = _paused(sender, x) or any(_ended(sender, name, x, uses) for name in any_of)
        for param in mine:
            verdict, reason, _ = rows[at, param]
            if verdict != "not-applicable" and reason is None:
                known = dialect.param(param)
                cart = x.writes and dialect.is_action("cart", x.ex.path)
                stateless = known is not None and known.stateless is not None
                elsewhere = bool(either) and not any(
                    i.param == param and other.sound(i) and other.begun <= x.start
                    for other in sender.exchanges
                    if other.answered in (*either, None)
                    for i in other.issued
                )
                # L7: a cart is written in a session, a guest's as well.
                if not sender.declared and at in alternating and not (stateless and cart):
                    verdict, reason = "not-applicable", "many-sessions"
                elif (ended and verdict in FAULTS) or (
                    verdict == "omitted"
                    and (
                        elsewhere
                        or (
                            param in dialect.session_keys
                            and any(_over(sender, name, param, x, uses) for name in any_of)
                        )
                    )
                ):
                    verdict, reason = "not-applicable", "session-ended"
                elif verdict == "omitted" and stateless and between and not cart:
                    verdict, reason = "not-applicable", "stateless"
            rows[at, param] = (verdict, reason, None if reason == "many-sessions" else before)
    for (at, param), (verdict, reason, session) in rows.items():
        x = sender.exchanges[at]
        of_key = any(p.param == param for p in _keys_of(sender, x))
        holds_alone = (reason is None and verdict in FAULTS) or verdict == "overridden"
        if holds_alone and not of_key and sender.held_by_others(x):
            rows[at, param] = ("not-applicable", "other-senders", session)
        elif verdict in FAULTS and reason is None and x.is_backwards:
            rows[at, param] = ("not-applicable", "clock-set-back", session)


def _is_held(sender: _Sender, x: _X, shown: dict[str, list[_X]]) -> bool:
    """Whether a session that began before the request is presented after it."""
    return any(sender.began[name] < x.asked < max(u.asked for u in shown[name]) for name in shown)


def _begins(sender: _Sender, x: _X) -> bool:
    """Whether the response began a session."""
    return sender.began.get(x.answered or "") == (x.begun, 0, x.number)


def _logs_in(sender: _Sender, x: _X) -> bool:
    """L1: whether the request is a login, where that begins a session."""
    keys = [param for param in sender.dialect.params if param.name in sender.dialect.session_keys]
    asks = any(key.establish for key in keys)
    return not asks and sender.dialect.is_action("login", x.ex.path)


def _unable(sender: _Sender, x: _X, param: str) -> str | None:
    """Why the request cannot carry the parameter: a page's, or a library's after a redirect."""
    channels = {place.channel for place in sender.dialect.presented_at(param)}
    named = {
        i.usage
        for other in sender.exchanges
        for i in other.issued
        if i.param == param and other.sound(i) and other.begun <= x.start and i.usage != "implicit"
    }
    # L7: "for a header"; what was asked for in the query, the address of an image can carry.
    channels &= named or channels
    if _is_headless(x.ex) and "header" in channels:
        return "cannot-carry"
    redirects = [
        other
        for other in sender.exchanges
        if other.ex.extra.get("redirect_endpoint") == x.ex.path
        and other.begun <= x.start <= other.begun + 5000
    ]
    return "redirected" if redirects and "uriquery" in channels else None


def _paused(sender: _Sender, x: _X) -> bool:
    """L6: an idle night, after which the sender may be a new process, or a logout."""
    earlier = [
        o
        for o in sender.exchanges
        if (o.session is not None and o.start < x.start)
        or (
            o.ended + sender.grace_ms < x.start
            and any(_names_key(sender, i) and o.sound(i) for i in o.issued)
        )
    ]
    last = max((o.start for o in earlier), default=INF)
    left = any(o.session is not None and _logs_out(sender, o) for o in earlier if o.start == last)
    return bool(earlier) and (x.start - last >= HOUR_MS or left)


def _logs_out(sender: _Sender, x: _X) -> bool:
    return (
        sender.dialect.is_action("logout", x.ex.path)
        and x.ex.method != "OPTIONS"
        # L7: after one without an answer, or with a server's error, nobody knows.
        and not 400 <= x.status < 500
    )


def _learned(sender: _Sender, session: str) -> Moment:
    """When the sender first presented a key of the session, or had to know one (L2, L6, L8)."""
    return min(_contacts(sender, session), default=(INF, 2, 0))


def _contacts(sender: _Sender, session: str) -> list[Moment]:
    """When the sender presented a key of the session, or had to know one."""
    presented = [
        x.asked
        for x in sender.exchanges
        for p in _keys_of(sender, x)
        if sender.session_of[p.param][p.value] == session
    ]
    known = [
        (x.ended + sender.grace_ms, 2, 0)
        for x in sender.exchanges
        for i in x.issued
        if _names_key(sender, i) and x.sound(i)
        if sender.session_of[i.param][i.value] == session
    ]
    return [*presented, *known]


def _over(sender: _Sender, session: str, param: str, x: _X, uses: dict[str, list[_X]]) -> bool:
    """L7: whether the session had ended, and this key was neither taken nor issued again since."""
    end = max(_ends(sender, session, x), default=None)
    taken = [
        u.asked
        for u in uses.get(session, [])
        for p in _keys_of(sender, u)
        if p.param == param and u.asked < x.asked and _taken(sender, u, p)
    ]
    issued = [
        (other.begun, 0, other.number)
        for other in sender.exchanges
        if other.answered == session and other.ended + sender.grace_ms < x.start
        if any(i.param == param and _names_key(sender, i) for i in other.issued if other.sound(i))
    ]
    return end is not None and all(t < end for t in taken) and all(i < end for i in issued)


def _left(sender: _Sender, session: str, param: str, x: _X) -> bool:
    """L7: whether the session had logged out, and this state was not issued again since."""
    logouts = [
        _logout_end(other)
        for other in sender.exchanges
        if other.session == session and _logs_out(sender, other) and other.asked < x.asked
    ]
    issued = [
        (other.begun, 0, other.number)
        for other in sender.exchanges
        if other.answered == session and other.ended + sender.grace_ms < x.start
        if any(i.param == param and other.sound(i) and i.usage != "implicit" for i in other.issued)
    ]
    last = max(logouts, default=None)
    return last is not None and all(i < last for i in issued)


def _taken(sender: _Sender, x: _X, p: Present) -> bool:
    """Whether the server took the key, of the session that the request belongs to."""
    others = [i for i in x.issued if i.param == p.param and i.problem is None]
    again = any(i.value == p.value for i in others)
    own = sender.session_of[p.param][p.value] == x.session
    return own and 200 <= x.status < 400 and (again or not others)


def _ended(sender: _Sender, session: str, x: _X, uses: dict[str, list[_X]]) -> bool:
    """Whether the session had ended before the request, and was not accepted since."""
    ends = _ends(sender, session, x)
    taken = [u.asked for u in uses.get(session, []) if u.asked < x.asked]
    return bool(ends) and max(ends) > max(taken, default=(-INF, 0, 0))


def _ends(sender: _Sender, session: str, x: _X) -> list[Moment]:
    """When the session ended, before the request: by a logout, or since its key was refused."""
    ends = []
    for other in sender.exchanges:
        if other.session != session:
            continue
        logout = _logs_out(sender, other)
        refused = other.status in sender.dialect.refused and any(
            not any(i.param == p.param and i.problem is None for i in other.issued)
            for p in _keys_of(sender, other)
        )
        if logout and other.asked < x.asked:
            ends.append(_logout_end(other))
        elif refused and not logout and (other.begun, 0, other.number) < x.asked:
            ends.append((other.begun, 0, other.number))
    return ends


def _logout_end(x: _X) -> Moment:
    """L7: what was accepted until its answer does not undo a logout, itself neither."""
    return max((x.begun, 0, x.number), (x.start, 1, x.number + 0.5))
