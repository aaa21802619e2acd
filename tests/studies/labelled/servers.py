"""Two servers that keep to their protocols, one of each to a client's world.

Enters: what a request presented, and when. Leaves: the values that the reply issues. A `Shop` of
52eSELLER hands out the whole state at login and parts of it later; a `Sessions` of ZEST resets what
lay idle.
"""

import random
from collections.abc import Mapping

from studies.labelled.wire import TOKEN, Issue

IDLE_MS = 600_000
# Parameter: usages and priorities that a shop may choose from.
PARAMS: dict[str, tuple[tuple[str, str], ...]] = {
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
        self.rules = {name: rng.choice(PARAMS[name]) for name in names}
        self.values: dict[str, str] = {}
        self._chosen: set[str] = set()
        self._ever: set[tuple[str, str]] = set()
        self._next = rng.randrange(10, 1000)

    def answer(self, presented: Mapping[str, str], *, login: bool) -> list[Issue]:
        """The issues of one reply."""
        if login or not self.values:
            self.values = {name: self._fresh(name) for name in self.rules}
            return [self._issue(name) for name in self.rules]
        issues = []
        for name, value in presented.items():
            free = name in self.rules and self.rules[name][1] == "informational"
            new = (name, value) not in self._ever
            if self.adopts and new and free and self.rules[name][0] != "implicit":
                self.values[name] = value
                self._chosen.add(name)
                issues.append(self._issue(name))
        told = {issue.param for issue in issues}
        for name in self.rules:
            if name in told:
                continue
            draw = self.rng.random()
            if draw < self.churn and name not in self._chosen:
                self.values[name] = self._fresh(name)
                issues.append(self._issue(name, spoil=self.malforms and self.rng.random() < 0.5))
            elif draw > 0.95:
                issues.append(self._issue(name))
        return issues

    def _issue(self, name: str, *, spoil: bool = False) -> Issue:
        usage, priority = self.rules[name]
        self._ever.add((name, self.values[name]))
        return Issue("52eseller", name, self.values[name], usage, priority, malformed=spoil)

    def _fresh(self, name: str) -> str:
        self._next += 1
        return secret(self.rng) if name in SECRET else str(self._next)


class Sessions:
    """A ZEST origin: sessions that reset once they lay idle."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.last: dict[str, int] = {}

    def know(self, value: str, now: int) -> None:
        """Keep a session that was made before the recording began, or for somebody else."""
        self.last[value] = now

    def answer(self, presented: str | None, now: int) -> list[Issue]:
        """The issue of one reply: the same token while its session lives, else another."""
        if presented is None:
            return []
        value = presented
        if now - self.last.get(value, -IDLE_MS) >= IDLE_MS:
            value = secret(self.rng)
        self.last[value] = now
        return [Issue("zest", TOKEN, value, "uriquery", "forced")]
