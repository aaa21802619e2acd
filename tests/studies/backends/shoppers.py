"""Shoppers: what each remembers of the responses, and what its requests present.

Enters: responses as they arrive. Leaves: presented values, with the deviations that a fault makes
of them.
"""

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final, NamedTuple

from studies.backends.servers import LOGIN_KEYS, TOKEN
from support.histories import Issue, Present

type Fault = str

ZEST_FAULTS: Final = ("keeps-token", "drops-at-cart")
ESELLER_FAULTS: Final = (
    *("keeps-token", "keeps-forced", "drops-forced", "misplaces", "drops-at-cart"),
)
"""Never takes a new token; keeps the first value of a forced parameter; leaves one out; presents
one in the wrong channel; writes a cart without any key once it has presented it for the last
time."""

_CHANNELS: Final = ("header", "uriquery")
_KEYS: Final = (TOKEN, *LOGIN_KEYS, "VisitorId")
_WITH_AUTHENTICATION: Final = ("baskets", "orders")


class Deviation(NamedTuple):
    """Where a request presents something else than an obedient shopper would; `certain` where the
    shopper must have known better."""

    param: str
    fault: Fault
    certain: bool


class _Received(NamedTuple):
    """An issue that has reached the shopper, or is on its way: milliseconds."""

    issue: Issue
    begun: float
    ended: float
    presented: str | None
    """What the request had presented of the parameter."""


@dataclass(slots=True)
class Shopper:
    """One shopper.

    Attributes
    ----------
    fault
        Its fault; `None`: obedient.
    lag_ms
        How long after a response it acts on it; within the grace period.
    grace_ms
        The grace period by which deviations are certain.
    """

    name: str
    fault: Fault | None
    lag_ms: float
    grace_ms: float
    memory: dict[str, Issue] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    """Informational values of its own choice."""
    refused: bool = False
    """Its last request with a key ended the session, or was refused."""
    _first: dict[str, str] = field(default_factory=dict)
    _log: dict[str, list[_Received]] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)

    @property
    def has_session(self) -> bool:
        """Whether it holds a key."""
        return any(key in self.memory for key in _KEYS)

    @property
    def is_logged_in(self) -> bool:
        """Whether it holds what a login issued."""
        return "Authentication" in self.memory

    def forget(self) -> None:
        """A new process: nothing is remembered."""
        for each in (self.memory, self.chosen, self._first, self._log, self._kept):
            each.clear()

    def log(self, issue: Issue, begun: float, ended: float, presented: str | None) -> None:
        """An issue is on its way."""
        received = _Received(issue, begun, ended, presented)
        self._log.setdefault(issue.param, []).append(received)

    def take(self, issued: tuple[Issue, ...]) -> None:
        """A response has arrived."""
        for issue in issued:
            self.memory[issue.param] = issue
            self.chosen.pop(issue.param, None)
            self._first.setdefault(issue.param, issue.value)

    def drop_login(self, presented: list[Present]) -> None:
        """Its login has ended, by a logout or since the server refused its keys."""
        held = [self.memory.get(p.param) for p in presented if p.param in LOGIN_KEYS]
        shown = [p.value for p in presented if p.param in LOGIN_KEYS]
        same = any(each is not None and each.value in shown for each in held)
        if same or self.fault == "keeps-token":
            for key in LOGIN_KEYS:
                for known in (self.memory, self._first, self._log):
                    known.pop(key, None)  # type: ignore[attr-defined]

    def request(
        self, path: str, start: float, *, without_key: bool = False
    ) -> tuple[list[Present], list[Deviation]]:
        """What a request presents, and where that deviates."""
        presented, deviations = [], []
        for param, issue in self.memory.items():
            if param == "Authentication" and not any(w in path for w in _WITH_AUTHENTICATION):
                continue
            # Values of its own choice have no effect on baskets (S4).
            own = None if "baskets" in path else self.chosen.get(param)
            usage = issue.usage or "header"
            right = Present(param, own or issue.value, usage, dialect=issue.dialect)
            if param in _KEYS and without_key:
                shown = None
            else:
                shown = right if own else self._shown(param, right)
            if shown is not None:
                presented.append(shown)
            if shown != right:
                fault = self.fault or ""
                deviations.append(Deviation(param, fault, self._certain(param, shown, start)))
        return presented, deviations

    def _shown(self, param: str, right: Present) -> Present | None:
        first = self._first.get(param, right.value)
        match self.fault:
            case "keeps-token" if param in (TOKEN, "Ticket", "VisitorId"):
                return Present(param, first, right.channel, dialect=right.dialect)
            case "keeps-forced" if param == "LocId":
                return Present(param, first, right.channel)
            case "drops-forced" if param == "CurrId":
                return None
            case "misplaces" if param == "LocId":
                return Present(param, right.value, _CHANNELS[right.channel == _CHANNELS[0]])
        return right

    def _certain(self, param: str, shown: Present | None, start: float) -> bool:
        """Whether it must have known better: by the response that issued the right value, or by one
        that replaced the token. A value that returns is known from its return on."""
        log = self._log.get(param, ())
        right = self.memory[param].value
        known = [each for each in log if each.ended + self.grace_ms < start]
        latest = takewhile(lambda each: each.issue.value == right, reversed(log))
        if not any(each.ended + self.grace_ms < start for each in latest):
            return False
        if shown is None:
            return param not in _KEYS or not self.refused
        if shown.value == right:
            return True
        if param in _KEYS:
            known = [each for each in known if each.presented == shown.value]
        newest = max((e.begun for e in known if e.issue.value != shown.value), default=-1.0)
        return all(e.ended < newest for e in log if e.issue.value == shown.value)
