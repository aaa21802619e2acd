"""Worlds: the visits of many shoppers to one server, with what is true of each request.

Enters: a kind of server, how many shoppers, the share of faulty ones, a seed. Leaves: a `World`.

Shoppers come for visits of some steps. A step sends a request or several in parallel; the next one
follows when all are answered. Between visits lie pauses around the idle timeout, and sometimes
hours, after which some shoppers are a new process that remembers nothing. A shopper waits for the
answer to its first request, to a login and to a logout. Who loses a session with a cart in it
writes the cart again.

Some responses never end, some are errors, and some errors of ZEST carry a token of nobody.
"""

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from studies.backends.servers import TOKEN, Eseller, Reply, Server, Zest
from studies.backends.shoppers import ESELLER_FAULTS, ZEST_FAULTS, Deviation, Shopper
from support.histories import Ex, Present, token

KINDS: Final = {"ZEST": TOKEN, "52eSELLER visitor": "VisitorId", "52eSELLER ticket": "Ticket"}
"""The kinds of servers, each with the key that every request of a session presents."""
GRACE_MS: Final = 250
PROCESSES: Final = 3

_CUT, _FAILED = 0.01, 0.01
_PARALLEL: Final = (1, 1, 1, 2, 3)
_ARRIVALS_MS: Final = 6 * 3_600_000
_HOURS_MS: Final = (3 * 3_600_000, 10 * 3_600_000)
_PROBES_MS: Final = 1_800_000
_ZEST, _V3 = "/shop/API/V3", "/services/v3"

type Target = tuple[str, str]
"""Method and path."""


@dataclass(slots=True)
class World:
    """All exchanges of one backend, in the order of their requests.

    Attributes
    ----------
    key
        The parameter whose idle timeout is `idle_ms`.
    shoppers
        How many there are.
    exchanges
        What a proxy saw; the client of each is the backend's process, and `client_header` names
        the shopper.
    deviations
        By exchange id (they count from 1): where the request deviates.
    faulty
        The names of the shoppers with a fault.
    """

    key: str
    idle_ms: float
    shoppers: int
    exchanges: list[Ex] = field(default_factory=list)
    deviations: dict[int, list[Deviation]] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)


def draw(kind: str, shoppers: int, share: float, seed: int, *, requests: int = 24) -> World:
    """A world at random; the same arguments give the same one.

    Parameters
    ----------
    share
        The share of the shoppers that have a fault.
    requests
        About how many requests each shopper makes.
    """
    chance = Random(f"{kind} {shoppers} {share} {seed}")
    idle_ms = 60_000 * math.exp(chance.uniform(math.log(10), math.log(60)))
    zest = kind == "ZEST"
    server: Server = Zest(chance, idle_ms) if zest else Eseller(chance, idle_ms, KINDS[kind])
    world = World(KINDS[kind], idle_ms, shoppers)
    faults = ZEST_FAULTS if zest else ESELLER_FAULTS
    with_fault = round(shoppers * share)
    made: list[tuple[Ex, list[Deviation]]] = []
    for number in range(shoppers):
        fault = faults[number % len(faults)] if number < with_fault else None
        shopper = Shopper(f"shopper-{number}", fault, chance.randrange(200), GRACE_MS)
        if fault is not None:
            world.faulty.add(shopper.name)
        made += Visits(shopper, server, chance, requests).run()
    made += _probes(_ZEST if zest else _V3, max(ex.start for ex, _ in made))
    made.sort(key=lambda each: each[0].start)
    world.exchanges = [ex for ex, _ in made]
    world.deviations = {id_: found for id_, (_, found) in enumerate(made, 1) if found}
    return world


def _probes(mount: str, until: float) -> Iterator[tuple[Ex, list[Deviation]]]:
    for at in range(0, int(until), _PROBES_MS):
        yield Ex(at, at + 5, at + 6, path=f"{mount}/ping", extra={"client_header": "monitor"}), []


class Visits:
    """The visits of one shopper; `run` gives its exchanges."""

    def __init__(self, shopper: Shopper, server: Server, chance: Random, requests: int) -> None:
        self._shopper, self._server, self._chance = shopper, server, chance
        self._zest = isinstance(server, Zest)
        self._cart = f"{_ZEST}/Cart" if self._zest else f"{_V3}/baskets/{{id}}/items"
        self._left = chance.randint(requests // 2, requests * 3 // 2)
        self._steps = 0
        self._waiting = 0
        self._has_cart = self._refills = self._gone = False
        self._order = itertools.count()
        self._queue: list[tuple[int, int, Any, tuple[Any, ...]]] = []
        self._made: list[tuple[Ex, list[Deviation]]] = []

    def run(self) -> list[tuple[Ex, list[Deviation]]]:
        """All exchanges, and where each deviates."""
        self._at(self._chance.randrange(_ARRIVALS_MS), self._visit)
        while self._queue:
            now, _, event, given = heapq.heappop(self._queue)
            event(now, *given)
        return self._made

    def _at(self, now: float, event: Any, *given: Any) -> None:
        heapq.heappush(self._queue, (int(now), next(self._order), event, given))

    def _visit(self, now: int) -> None:
        self._steps = self._chance.randint(1, 7)
        self._step(now)

    def _step(self, now: int) -> None:
        """The next requests, or the pause until the next visit."""
        chance = self._chance
        if self._gone or (self._steps <= 0 and not self._refills):
            if self._left > 0 and not self._gone:
                self._pause(now)
            return
        self._steps -= 1
        if self._left <= 0 and self._shopper.fault == "drops-at-cart" and self._shopper.has_session:
            self._gone = True
            targets = [("POST", self._cart)] * chance.randint(1, 3)
        else:
            targets = self._targets()
        self._waiting = len(targets)
        self._left -= len(targets)
        for target in targets:
            self._at(now, self._send, target)
            now += chance.choice((0, 1, 5, 60))

    def _pause(self, now: int) -> None:
        chance, idle_ms = self._chance, self._server.idle_ms
        if chance.random() < 0.1:
            pause, forgets = chance.uniform(*_HOURS_MS), chance.random() < 0.6
        else:
            spread = math.log(0.05), math.log(6)
            pause, forgets = idle_ms * math.exp(chance.uniform(*spread)), False
        if forgets:
            self._shopper.forget()
            self._has_cart = False
        self._at(now + pause, self._visit)

    def _targets(self) -> list[Target]:
        """What the shopper asks for next."""
        chance, shopper = self._chance, self._shopper
        if not shopper.has_session:
            logs_in = not self._zest and chance.random() < 0.3
            return [("POST", f"{_V3}/login") if logs_in else self._read()]
        if self._refills:
            self._refills = False
            return [("POST", self._cart)]
        if not self._steps and chance.random() < 0.1:
            if self._zest:
                return [("GET", f"{_ZEST}/Logout")]
            if shopper.is_logged_in:
                return [("POST", f"{_V3}/logout")]
        if not self._zest and not shopper.is_logged_in and chance.random() < 0.3:
            return [("POST", f"{_V3}/login")]
        return [self._usual() for _ in range(chance.choice(_PARALLEL))]

    def _read(self) -> Target:
        if self._zest:
            return "GET", f"{_ZEST}/{self._chance.choice(('Category', 'Product', 'Cart'))}"
        return "GET", f"{_V3}/{self._chance.choice(('products', 'menus', 'news'))}"

    def _usual(self) -> Target:
        chance = self._chance
        draw_ = chance.random()
        if draw_ < 0.2:
            return "POST", self._cart
        if not self._zest and draw_ < 0.3:
            return "PUT", f"{_V3}/baskets/{{id}}/sellto"
        if not self._zest and draw_ < 0.4 and self._shopper.is_logged_in:
            return "GET", f"{_V3}/orders"
        if not self._zest and draw_ < 0.45 and "LangId" in self._shopper.memory:
            self._shopper.chosen["LangId"] = str(chance.randrange(1, 9))
        return self._read()

    def _send(self, now: int, target: Target) -> None:
        """A request; a read of ZEST between two uses of a token may be without it (Z8)."""
        method, path = target
        shopper, chance = self._shopper, self._chance
        reads = self._zest and method == "GET" and self._steps > 0 and not path.endswith("Logout")
        if not shopper.has_session and self._zest:
            presented, found = [Present(TOKEN, "1", "uriquery", "establish", "zest")], []
        elif reads and shopper.has_session and chance.random() < 0.05:
            self._steps += 1
            presented, found = [], []
        else:
            presented, found = shopper.request(path, now, without_key=self._gone)
        served = now + chance.randint(1, 60)
        self._at(served, self._serve, now, target, presented, found)

    def _serve(
        self,
        now: int,
        start: int,
        target: Target,
        presented: list[Present],
        found: list[Deviation],
    ) -> None:
        """The server's answer."""
        chance, shopper = self._chance, self._shopper
        failed, cut = chance.random() < _FAILED, chance.random() < _CUT
        if failed:
            stray = (token(f"error-{chance.getrandbits(64):016x}"),) if self._zest else ()
            reply = Reply(chance.choice((500, 503)), stray)
        else:
            reply = self._server.answer(*target, presented, now)
        begun = now + chance.randint(1, 40)
        ended = math.inf if cut else begun + chance.randint(0, 120)
        if reply.status < 300:
            shown = {p.param: p.value for p in presented}
            for issue in reply.issued:
                shopper.log(issue, begun, ended, shown.get(issue.param))
        ex = Ex(
            *(start, begun, None if cut else ended, reply.issued, presented),
            method=target[0],
            path=target[1],
            status=reply.status,
            extra={"client_header": shopper.name},
        )
        self._made.append((ex, found))
        arrives = begun + 500 if cut else ended + shopper.lag_ms
        self._at(arrives, self._arrive, ex, cut)

    def _arrive(self, now: int, ex: Ex, cut: bool) -> None:
        """The shopper learns of the answer, or gives it up."""
        shopper = self._shopper
        ends = ex.path.lower().endswith("logout")
        if ex.presented and not cut:
            shopper.refused = ends or ex.status == 401
        if not cut and ex.status == 200:
            if ends:
                shopper.drop_login(list(ex.presented))
                shopper.memory.pop(TOKEN, None)
                self._has_cart = False
            shown = {p.param: p.value for p in ex.presented if p.kind == "value"}
            issued = {i.param: i.value for i in ex.issued}
            key = self._key
            lost = key in shown and issued.get(key, shown[key]) != shown[key]
            self._refills |= lost and self._has_cart and not ex.path.endswith("login")
            shopper.take(tuple(ex.issued))
            self._has_cart |= ex.path == self._cart and ex.method == "POST"
        elif not cut and ex.status == 401:
            self._refills |= self._has_cart and shopper.is_logged_in
            shopper.drop_login(list(ex.presented))
        self._waiting -= 1
        if not self._waiting:
            self._at(now + self._chance.choice((0, 5, 300, 2_000, 15_000)), self._step)

    @property
    def _key(self) -> str:
        return TOKEN if self._zest else getattr(self._server, "anonymous", "")
