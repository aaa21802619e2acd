"""Labels: what each client deserves for what it knew and did.

Enters: simulated exchanges. Leaves: for each exchange and parameter the verdict that the protocol
page gives such an action, and for a fault the one thing that explains it, if there is one.

The action says what the client meant; the times only say whether that can be proven. An issue is
visible to a request once its reply had end and the grace period had passed before the request
began. It is replaced once a reply that began after its own end is visible too. Ties count for the
client. What comes with an error, a redirect or an `Age`, or cannot be read, binds nobody; after a
reply that cannot be read what the client does is no fault until the next one that can.

A request that presents a session key is decided by its session: the chain of key values in which
each reply adds to the session of its request. A key value is replaced only by what answered it. A
request without a key may be of any session of its client; it has a label by all that the client
was issued, but a judge who cannot tell may leave it undecided (`Label.decided`). So has a request
that lacks a key which a refusal may have ended.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from studies.simulation.characters import GRACE_MS
from studies.simulation.wire import TOKEN, Action, Exchange, Issue

FAULTS = ("omitted", "stale", "defied", "misplaced", "implicit-set", "restarted")
REFUSED = (401, 403, 419, 440)
KEYS = {"zest": (TOKEN,), "52eseller": ("Ticket", "Authentication", "VisitorId")}
"""The session keys of each dialect, the one that decides in front."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is true of one exchange and parameter; `decided`: the request names its session."""

    exchange: int
    dialect: str
    param: str
    verdict: str
    fault: bool
    cause: str | None
    motive: str
    decided: bool = True


@dataclass(slots=True)
class _X:
    """An exchange of a client, with the session of its request and of its reply in a dialect."""

    number: int
    made: Exchange
    actions: dict[str, Action]
    session: str | None = None
    answered: str | None = None

    @property
    def binding(self) -> bool:
        """Whether clients have to know what the reply issues."""
        free = self.made.status >= 300 or "Age" in dict(self.made.response_headers)
        return not free and self.made.endpoint.method != "OPTIONS"

    def sound(self, issue: Issue) -> bool:
        """Nor what cannot be read, or what a browser keeps from a page."""
        exposed = dict(self.made.response_headers).get("Access-Control-Expose-Headers", "")
        page = "Origin" in dict(self.made.request_headers)
        readable = not page or f"X-Set-{issue.param}" in exposed.split(", ")
        return self.binding and not issue.malformed and (readable or issue.dialect == "zest")

    def value(self, param: str) -> str | None:
        """The value that the request presents; asking for a session presents none."""
        action = self.actions.get(param)
        return None if action is None or action.motive == "restart" else action.value

    def visible(self, at: int) -> bool:
        end = self.made.response_end
        return end is not None and end + GRACE_MS < at

    def begun(self, at: int) -> bool:
        return self.made.response_start is not None and self.made.response_start <= at

    def replaced(self, by: Iterable["_X"]) -> bool:
        """Whether a reply that began after the end of this one replaces it."""
        end = self.made.response_end
        return end is not None and any((x.made.response_start or 0) > end for x in by)


@dataclass(slots=True)
class _Talk:
    """What one client and one API said to each other."""

    dialect: str
    exchanges: list[_X]
    session_of: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        moments = [(x.made.request_start, 1, x.number, x) for x in self.exchanges]
        moments += [
            (x.made.response_start, 0, x.number, x)
            for x in self.exchanges
            if x.made.response_start is not None
        ]
        for _, is_request, _, x in sorted(moments, key=lambda moment: moment[:3]):
            if is_request:
                shown = [(key, x.value(key)) for key in KEYS[self.dialect]]
                x.session = x.answered = self._join(x, [(k, v) for k, v in shown if v is not None])
            else:
                given = [
                    (key, i.value)
                    for key in KEYS[self.dialect]
                    for i in x.made.issued
                    if (i.dialect, i.param) == (self.dialect, key) and not i.malformed
                ]
                x.answered = self._join(x, given)
                if x.answered is not None:
                    # A client may take a value from a malformed header: it is the session's, too.
                    for i in x.made.issued:
                        self.session_of.setdefault((i.param, i.value), x.answered)

    def _join(self, x: _X, values: list[tuple[str, str]]) -> str | None:
        """The session of the exchange, else of its first known value; the values join it."""
        if not values:
            return x.session
        known = next((self.session_of[v] for v in values if v in self.session_of), None)
        session = x.session or known or f"{values[0]} of {x.number}"
        for value in values:
            self.session_of.setdefault(value, session)
        return session

    def may_have_ended(self, x: _X, param: str) -> bool:
        """Whether a refusal may have ended the session, and the key was not seen to work since.

        A refusal can have other reasons, so that a judge who cannot tell may leave it undecided.
        """
        if param not in KEYS[self.dialect] or x.value(param) is not None:
            return False
        at = x.made.request_start
        own = [each for each in self.exchanges if each.answered == x.session and each.begun(at)]
        refusals = [
            each.made.response_start or 0
            for each in own
            if each.made.status in REFUSED and each.session == x.session
        ]
        if not refusals:
            return False
        works = [
            each
            for each in own
            if (each.made.response_start or 0) > max(refusals)
            and each.made.status not in REFUSED
            and (each.value(param) or any(i.param == param for i in each.made.issued))
        ]
        return not works

    def issues(self, param: str, at: int) -> list[tuple[_X, Issue]]:
        """What may be known of a parameter."""
        return [
            (x, i)
            for x in self.exchanges
            if x.begun(at)
            for i in x.made.issued
            if (i.dialect, i.param) == (self.dialect, param)
        ]


def label(exchanges: list[Exchange]) -> list[Label]:
    """The labels of a capture; exchanges are numbered from 1 in the order given."""
    of_client: dict[int, list[tuple[int, Exchange]]] = defaultdict(list)
    for number, exchange in enumerate(exchanges, 1):
        of_client[exchange.client].append((number, exchange))
    return [
        made for own in of_client.values() for name in KEYS for made in _label_client(own, name)
    ]


def _label_client(own: list[tuple[int, Exchange]], dialect: str) -> Iterator[Label]:
    talk = _Talk(
        dialect,
        [_X(n, x, {a.param: a for a in x.actions if a.dialect == dialect}) for n, x in own],
    )
    names = {i.param for x in talk.exchanges for i in x.made.issued if i.dialect == dialect}
    for x in talk.exchanges:
        for param in sorted(names | x.actions.keys()):
            action = x.actions.get(param)
            if param in KEYS[dialect] and x.value(param) is not None:
                verdict, fault = _of_key(talk, x, param)
            else:
                verdict, fault = _of_owner(talk, x, param)
            if verdict is None:
                continue
            if not _binds(x.made, dialect, param):
                verdict, fault = "not-applicable", False
            motive = action.motive if action else "none"
            assert not (motive == "obey" and fault), (x.number, action)
            # A value written in another way is explained also where it is no fault.
            explained = fault or (motive == "variant" and verdict == "foreign")
            cause = action.cause if action and explained else None
            decided = x.session is not None and not talk.may_have_ended(x, param)
            yield Label(x.number, dialect, param, verdict, fault, cause, motive, decided)


def _of_key(talk: _Talk, x: _X, param: str) -> tuple[str, bool]:
    """The verdict on a presented value of a session key: only what answered it replaces it."""
    at, value = x.made.request_start, x.value(param)
    assert value is not None
    if talk.session_of[param, value] != x.session:
        return "not-applicable", False
    known = talk.issues(param, at)
    own = [(by, i) for by, i in known if i.value == value]
    if not own:
        return "foreign", False
    answers = [
        by
        for by, i in known
        if i.value != value and by.value(param) == value and by.sound(i) and by.visible(at)
    ]
    visible = [by for by, i in own if by.sound(i) and by.visible(at)]
    if not visible and not answers:
        return "in-flight", False
    if all(by.replaced(answers) for by, _ in own):
        again = x.binding and any(
            (i.param, i.value, i.malformed) == (param, value, False) for i in x.made.issued
        )
        beside = [(by, i) for by, i in known if by.answered == x.session]
        return "stale", not again and not _spoilt(beside, answers)
    if all(by.replaced(answers) for by in visible):
        return "in-flight", False
    placeless = any(not by.sound(i) and not by.replaced(answers) for by, i in own)
    if x.actions[param].motive == "misplace" and not placeless:
        return "misplaced", True
    return "honoured", False


def _spoilt(known: list[tuple[_X, Issue]], replacing: list[_X]) -> bool:
    """Whether the newest reply is one that cannot be read: clients may drop what they had."""
    return any(
        not any(
            by.made.response_start > (x.made.response_end or x.made.response_start)
            for by in replacing
        )
        for x, i in known
        if i.malformed
    )


def _of_owner(talk: _Talk, x: _X, param: str) -> tuple[str | None, bool]:
    """The verdict by what was issued to the session, or to the client of a request without one."""
    at, action, minted = x.made.request_start, x.actions.get(param), param in KEYS[talk.dialect]
    known = [(by, i) for by, i in talk.issues(param, at) if x.session in (None, by.answered)]
    sound = [(by, i) for by, i in known if by.sound(i)]
    if not sound:
        return None, False
    if action is None:
        return "not-applicable", False
    visible = [(by, i) for by, i in sound if by.visible(at)]
    if not visible:
        return "in-flight", False
    replacing = [by for by, _ in visible]
    fault = not _spoilt(known, replacing)
    implicit = visible[0][1].usage == "implicit"
    if action.value is None:
        return ("not-applicable", False) if implicit else ("omitted", fault)
    if action.motive == "restart":
        return "restarted", fault
    if implicit:
        return "implicit-set", True
    own = [(by, i) for by, i in known if i.value == action.value]
    if all(by.replaced(replacing) for by, _ in own):
        every = talk.issues(param, at)
        elsewhere = [by for by, i in every if i.value == action.value]
        if x.session is not None and any(by.answered is None for by in elsewhere):
            return "not-applicable", False
        if visible[0][1].priority == "informational" and not minted:
            return "overridden", False
        # One user's state may have come in what looks like two sessions.
        binding = [by for by, i in every if by.sound(i) and by.visible(at)]
        if x.session is not None and not all(by.replaced(binding) for by in elsewhere):
            return "not-applicable", False
        return ("stale" if own else "defied"), fault
    if all(by.replaced(replacing) for by, i in own if by.sound(i) and by.visible(at)):
        return "in-flight", False
    # A malformed header names no place, so that none is wrong while it stands.
    placeless = any(not by.sound(i) and not by.replaced(replacing) for by, i in own)
    if action.motive == "misplace" and not placeless:
        return "misplaced", True
    return "honoured", False


def _binds(exchange: Exchange, dialect: str, param: str) -> bool:
    """Whether the protocol binds the request to the parameter at all."""
    endpoint = exchange.endpoint
    if endpoint.method == "OPTIONS" or endpoint.dialect != dialect:
        return False
    return param != "Authentication" or endpoint.takes_authentication
