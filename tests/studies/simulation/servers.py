"""Servers: which values they still accept, and which they issue.

`Server` judges uses of values by a policy, in the order of its clock's ticks. `Sessions` is a ZEST
origin: it resets what such a server has ended. `Shop` is a 52eSELLER origin: it issues the whole
state at login and parts of it later.
"""

import math
import random
from collections.abc import Mapping
from typing import Final

from studies.simulation.policies import Policy
from studies.simulation.wire import TOKEN, Issue

ACCEPTED: Final = 0
IDLE: Final = 1
ABSOLUTE: Final = 2
EITHER: Final = 3
RENEWED: Final = 4
LOST: Final = 5
RESTARTED: Final = 6
TURNED: Final = 7
OVERLAP: Final = 8
GONE: Final = 9

CAUSES: Final = (
    "accepted",
    "idle",
    "absolute",
    "either",
    "renewed",
    "lost",
    "restarted",
    "turned",
    "overlap",
    "gone",
)
"""What became of a use of a value: `accepted`; ended by its idle time, its age, `either` of them;
`renewed` by rule; `lost` from memory; ended by the server's restart or by the `turned` page of the
calendar. `overlap`: replaced before, but still accepted. `gone`: ended or replaced before."""


class Server:
    """One server with its values, which are numbered as they are issued."""

    def __init__(self, policy: Policy, rng: random.Random, *, calendar_s: float = math.inf) -> None:
        self.policy = policy
        self.calendar_s = calendar_s
        self.starts = 0
        self.born: list[float] = []
        self.touched: list[float] = []
        self.used: list[float] = []
        self._rng = rng
        self._idle: list[float] = []
        self._lost: list[float] = []
        self._start: list[int] = []
        # When the value was replaced: it is accepted for the overlap from then on; -inf: it ended.
        self._replaced: list[float] = []
        self._sweep_at = rng.random() * policy.sweep_s

    def issue(self, now: float, end: float, *, other: bool = False) -> int:
        """A new value, for a client of the other population or not."""
        policy = self.policy
        self.born.append(now)
        self.touched.append(end)
        self.used.append(end)
        self._idle.append(policy.other_idle_s if other and policy.other_idle_s else policy.idle_s)
        self._lost.append(
            now + self._rng.expovariate(policy.loss_per_s) if policy.loss_per_s else math.inf
        )
        self._start.append(self.starts)
        self._replaced.append(math.inf)
        return len(self.born) - 1

    def use(self, value: int, now: float, end: float) -> int:
        """Judge a use of a value and remember it: one of the positions in `CAUSES`.

        Parameters
        ----------
        value
            The value's number.
        now, end
            When the server looks the value up, and when it has dealt with the request: a value
            counts as used until then.
        """
        cause = self._judge(value, now)
        if cause == ACCEPTED:
            self.used[value] = max(self.used[value], end)
            if now - self.touched[value] >= self.policy.throttle_s:
                self.touched[value] = max(self.touched[value], end)
        elif cause == RENEWED:
            self._replaced[value] = now
        elif cause != OVERLAP and cause != GONE:
            self._replaced[value] = -math.inf
        return cause

    def drop(self, value: int) -> None:
        """Forget a value: its client logged out."""
        self._replaced[value] = -math.inf

    def _judge(self, value: int, now: float) -> int:
        policy = self.policy
        replaced = self._replaced[value]
        if replaced < math.inf:
            return OVERLAP if now < replaced + policy.overlap_s else GONE
        if self._start[value] != self.starts:
            return RESTARTED
        if now // self.calendar_s != self.born[value] // self.calendar_s:
            return TURNED
        if now >= self._lost[value]:
            return LOST
        if policy.per_request:
            return RENEWED
        idle = self._idles_out(value) <= now
        age = now - self.born[value]
        if age >= policy.absolute_s:
            return EITHER if idle else ABSOLUTE
        if idle:
            return IDLE
        return RENEWED if age >= policy.renew_s else ACCEPTED

    def _idles_out(self, value: int) -> float:
        """When the value ends unless it is used."""
        out = self.touched[value] + self._idle[value]
        sweep = self.policy.sweep_s
        if not sweep:
            return out
        return self._sweep_at + math.ceil((out - self._sweep_at) / sweep) * sweep


IDLE_MS = 600_000
PARAMS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "LangId": (("uriquery", "informational"), ("header", "informational")),
    "CurrId": (("uriquery", "informational"), ("header", "informational")),
    "CounId": (("header", "informational"), ("uriquery", "forced")),
    "LocId": (("header", "informational"), ("header", "forced")),
    "PriceListId": (("header", "forced"), ("uriquery", "forced")),
    "InventoryCheck": (("uriquery", "informational"), ("uriquery", "forced")),
    "CustomerId": (("implicit", "forced"),),
    "SalesPersonId": (("implicit", "informational"),),
    "VisitorId": (("uriquery", "forced"), ("header", "forced")),
    "Ticket": (("header", "forced"),),
    "Authentication": (("header", "forced"),),
}
"""Parameters of 52eSELLER: the usages and priorities that a shop may choose from."""
SECRET = ("CustomerId", "SalesPersonId", "VisitorId", "Ticket", "Authentication")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def secret(rng: random.Random) -> str:
    """A fresh token of base64, with every character that has to be written with care."""
    body = "".join(rng.choices(_BASE64, k=27))
    return f"{body[:9]}/{body[9:18]}+{body[18:]}Q=="


class Shop:
    """A 52eSELLER origin as one client meets it.

    Every value is new when it is first issued, save one of the client's own choice, which a shop
    that `adopts` answers with from then on.
    """

    def __init__(self, rng: random.Random, *, malforms: bool, adopts: bool, churn: float) -> None:
        self.rng = rng
        self.malforms = malforms
        self.adopts = adopts
        self.churn = churn
        names = [name for name in PARAMS if name in SECRET or rng.random() < 0.75]
        self.usages = {name: rng.choice(PARAMS[name]) for name in names}
        self.values: dict[str, str] = {}
        self._chosen: set[str] = set()
        self._ever: set[tuple[str, str]] = set()
        self._next = rng.randrange(10, 1000)

    def answer(self, presented: Mapping[str, str], *, login: bool) -> list[Issue]:
        """The issues of one reply."""
        if login or not self.values:
            self.values = {name: self._fresh(name) for name in self.usages}
            return [self._issue(name) for name in self.usages]
        issues = []
        for name, value in presented.items():
            free = name in self.usages and self.usages[name][1] == "informational"
            new = (name, value) not in self._ever
            if self.adopts and new and free and self.usages[name][0] != "implicit":
                self.values[name] = value
                self._chosen.add(name)
                issues.append(self._issue(name))
        issued = {issue.param for issue in issues}
        for name in self.usages:
            if name in issued:
                continue
            draw = self.rng.random()
            if draw < self.churn and name not in self._chosen:
                self.values[name] = self._fresh(name)
                issues.append(self._issue(name, spoil=self.malforms and self.rng.random() < 0.5))
            elif draw > 0.95:
                issues.append(self._issue(name))
        return issues

    def _issue(self, name: str, *, spoil: bool = False) -> Issue:
        usage, priority = self.usages[name]
        self._ever.add((name, self.values[name]))
        return Issue("52eseller", name, self.values[name], usage, priority, malformed=spoil)

    def _fresh(self, name: str) -> str:
        self._next += 1
        return secret(self.rng) if name in SECRET else str(self._next)


class Sessions:
    """A ZEST origin: sessions that reset once they lay idle. Times are milliseconds."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        # The server's clock ticks in milliseconds here.
        policy = Policy(name="idle", scale_s=IDLE_MS, idle_s=IDLE_MS)
        self._server = Server(policy, random.Random(0))
        self._numbers: dict[str, int] = {}

    def know(self, value: str, now: int) -> None:
        """Keep a session that was made before the recording began, or for somebody else."""
        self._numbers[value] = self._server.issue(now, now)

    def answer(self, presented: str | None, now: int) -> list[Issue]:
        """The issue of one reply: the same token while its session lives, else another."""
        if presented is None:
            return []
        value, number = presented, self._numbers.get(presented)
        if number is None or self._server.use(number, now, now) != ACCEPTED:
            value = secret(self.rng)
            self.know(value, now)
        return [Issue("zest", TOKEN, value, "uriquery", "forced")]
