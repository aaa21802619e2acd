"""Clients that talk with servers of both dialects, tick by tick.

Enters: a seed, how many clients and exchanges. Leaves: every exchange with what was presented and
issued in it and what the client meant. A client acts only on what has reached it; a server only on
what it was sent. Nothing here judges.
"""

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from studies.simulation.characters import GRACE_MS, VARIANTS, Behaviour, Character, draw
from studies.simulation.servers import IDLE_MS, PARAMS, Sessions, Shop, secret
from studies.simulation.wire import TOKEN, Action, Endpoint, Exchange, Issue

_V3, _ZEST = "/services/v3", "/shop/API/V3"
ENDPOINTS = (
    Endpoint("GET", f"{_V3}/products", "52eseller"),
    Endpoint("GET", f"{_V3}/menus", "52eseller"),
    Endpoint("GET", f"{_V3}/news", "52eseller"),
    Endpoint("GET", f"{_V3}/baskets", "52eseller", takes_authentication=True),
    Endpoint("GET", f"{_V3}/orders", "52eseller", takes_authentication=True),
    Endpoint("GET", f"{_V3}/favorites", "52eseller", takes_authentication=True),
    Endpoint("GET", f"{_ZEST}/Cart", "zest"),
    Endpoint("POST", f"{_ZEST}/Cart", "zest"),
    Endpoint("GET", f"{_ZEST}/Product", "zest"),
    Endpoint("PUT", f"{_ZEST}/Customer", "zest"),
    Endpoint("GET", f"{_ZEST}/Category", "zest"),
    Endpoint("GET", "/img/logo.png", None),
    Endpoint("GET", "/legal", None),
)
_LOGIN = Endpoint("POST", f"{_V3}/login", "52eseller")


@dataclass(slots=True)
class Memory:
    """What a client remembers of one parameter: values in the order in which it took them up."""

    values: list[str] = field(default_factory=list)
    usage: str | None = None
    priority: str | None = None
    missed: str | None = None
    held: bool = False


def simulate(seed: int, clients: int, exchanges: int) -> tuple[list[Character], list[Exchange]]:
    """All exchanges in the order of their starts, and the clients that made them."""
    rng = random.Random(seed)
    shares = rng.choices(
        range(clients), (rng.uniform(0.5, 1.5) for _ in range(clients)), k=exchanges
    )
    characters, made = [], []
    lost_tokens = [secret(rng)]
    for name in range(clients):
        count = shares.count(name)
        character = draw(rng, name, count)
        client = _Client(character, random.Random(rng.randrange(2**63)), lost_tokens)
        characters.append(character)
        mine = list(itertools.islice(client.run(rng.randrange(3_600_000)), count))
        made += mine
        lost_tokens = [i.value for x in mine for i in x.issued if i.param == TOKEN][
            :9
        ] or lost_tokens
    return characters, sorted(made, key=lambda x: x.request_start)


class _Client:
    """One client and its servers."""

    def __init__(self, character: Character, rng: random.Random, borrowed: list[str]) -> None:
        self.character, self.rng, self.borrowed = character, rng, borrowed
        self.shop = Shop(
            rng,
            malforms=character.shop_malforms,
            adopts=character.shop_adopts,
            churn=character.churn,
        )
        self.sessions = Sessions(rng)
        self.memory = {param: Memory() for param in (TOKEN, *PARAMS)}
        # Replies that the client has not acted on yet: when, in which order, what, of which kind.
        self._arriving: list[tuple[int, int, list[Issue], str]] = []
        self._order = itertools.count()
        self._learned_at = 0
        self._logged_in = False
        self._now = 0

    def run(self, now: int) -> Iterator[Exchange]:
        """Its exchanges, without end."""
        if self.character.from_before:
            token = secret(self.rng)
            self.sessions.know(token, now)
            self.memory[TOKEN] = Memory([token], "uriquery", "forced", held=True)
        for nth in itertools.count():
            self._learn_arrived(now)
            endpoint = self._next_endpoint()
            if self.character.browser and endpoint.dialect and self.rng.random() < 0.3:
                yield self._preflight(now, endpoint)
                now += self.rng.choice((0, 1, 5, 20))
                self._learn_arrived(now)
            exchange = self._ask(now, nth, endpoint)
            yield exchange
            now = self._next(now, exchange)

    def _next(self, now: int, last: Exchange) -> int:
        """When the next request starts; what failed is soon tried again."""
        burst, quick, idle = self.character.pace
        draw = self.rng.random()
        if last.response_end is None or draw < burst:
            return now + self.rng.choice((0, 0, 1, 3, 20, 60))
        if self._coin(0.1):
            # Where one tick more or less decides: as a reply begins or ends, or as grace runs out.
            edge = self.rng.choice(
                (last.response_start or now, last.response_end, last.response_end + GRACE_MS)
            )
            return max(now, edge + self.rng.choice((-1, 0, 0, 1)))
        if draw < burst + quick:
            return now + self.rng.randrange(50, 700)
        if draw > 1 - idle:
            return now + IDLE_MS + self.rng.randrange(60_000)
        return now + self.rng.randrange(1_000, 20_000)

    def _next_endpoint(self) -> Endpoint:
        dialect = self.rng.choice(self.character.dialects) if self.rng.random() > 0.04 else None
        if dialect == "52eseller" and not self._logged_in:
            self._logged_in = True
            return _LOGIN
        return self.rng.choice([e for e in ENDPOINTS if e.dialect == dialect])

    def _preflight(self, now: int, endpoint: Endpoint) -> Exchange:
        options = Endpoint("OPTIONS", endpoint.path, endpoint.dialect)
        made = Exchange(now, self.character.name, options, now, now + 3, now + 4, status=204)
        made.request_headers += [("Origin", "https://page.example")]
        return made

    def _ask(self, now: int, nth: int, endpoint: Endpoint) -> Exchange:
        self._now = now
        made = Exchange(now, self.character.name, endpoint)
        if self.character.browser:
            made.request_headers.append(("Origin", "https://page.example"))
        if endpoint.dialect == "zest":
            made.actions.append(self._action(TOKEN, "zest", nth, endpoint))
        elif endpoint.dialect == "52eseller":
            made.actions += [self._action(param, "52eseller", nth, endpoint) for param in PARAMS]
        for action in made.actions:
            for channel in (action.channel, action.also_channel):
                if action.value is not None and channel is not None:
                    name = f"X-{action.param}" if channel == "header" else action.param
                    fields = made.request_headers if channel == "header" else made.query
                    fields.append((name, action.value))
        self._answer(made)
        return made

    # ----- what the client does

    def _action(self, param: str, dialect: str, nth: int, endpoint: Endpoint) -> Action:
        """What the client does with a parameter now, by its character and its memory."""
        memory = self.memory[param]
        how = self.character.behaviour(param, nth)
        at = f"{endpoint.method} {endpoint.path}"
        channel = "header" if memory.usage == "header" else "uriquery"
        value = memory.values[-1] if memory.held else None
        # A laggard is told, and acts too late.
        late = self.character.lag is not None and self.character.lag[0] > GRACE_MS
        ignorant = memory.missed is not None or late
        plain = Action(
            dialect, param, value, channel, "ignore" if ignorant else "obey", memory.missed
        )
        if param == "Authentication" and not endpoint.takes_authentication:
            return plain if how.name == "everywhere" else _with(plain, value=None)
        if memory.usage == "implicit":
            if how.name == "set-implicit" and value is not None:
                return _with(plain, channel="header", motive="set-implicit")
            return _with(plain, value=None)
        if param == TOKEN and (value is None or (how.name == "restart" and self._coin(0.6))):
            if value is None and self._coin(0.2):
                return plain
            return _with(plain, value="1", motive="restart")
        if value is None:
            return plain
        return self._act(plain, how, memory, at)

    def _act(self, plain: Action, how: Behaviour, memory: Memory, at: str) -> Action:
        """The same for a value that the client has in memory."""
        value = memory.values[-1]
        match how.name:
            case "never":
                return _with(plain, value=None, motive="ignore", cause="never")
            case "some-endpoints" if at.partition(" ")[2] in how.avoids:
                return _with(plain, value=None, motive="ignore", cause="some-endpoints")
            case "first-only" if memory.values[0] != value:
                return _with(plain, value=memory.values[0], motive="ignore", cause="first-only")
            case "keep" if len(set(memory.values)) > 1 and self._coin(0.5):
                old = self.rng.choice([v for v in memory.values if v != value])
                return _with(plain, value=old, motive="ignore")
            case "omit" if self._coin(0.4):
                return _with(plain, value=None, motive="ignore")
            case "override" if memory.priority == "informational":
                return plain if value == how.own else _with(plain, value=how.own, motive="override")
            case "defy" if memory.priority == "forced" and plain.param != TOKEN:
                return _with(plain, value=how.own, motive="defy")
            case "misplace" if plain.param != TOKEN:
                other = "header" if plain.channel == "uriquery" else "uriquery"
                return _with(plain, channel=other, motive="misplace")
            case "both" if plain.param != TOKEN:
                other = "header" if plain.channel == "uriquery" else "uriquery"
                return _with(plain, also_channel=other)
            case "borrow" if self._coin(0.2):
                value = self.rng.choice(self.borrowed)
                if self._coin(0.5):
                    self.sessions.know(value, self._now)
                return _with(plain, value=value, motive="borrow")
            case "variant":
                # A blank before a header's value is gone before anybody reads it.
                padded = how.variant == "padded" and plain.channel == "header"
                kind = "quoted" if padded else how.variant
                assert kind is not None
                return _with(plain, value=VARIANTS[kind](value), motive="variant", cause=kind)
        return plain

    def _coin(self, probability: float) -> bool:
        return self.rng.random() < probability

    # ----- what the servers answer

    def _answer(self, made: Exchange) -> None:
        endpoint, rng = made.endpoint, self.rng
        slow = rng.random() < self.character.slow_replies
        made.request_end = made.request_start + rng.choice((0, 0, 1))
        made.response_start = made.request_end + (
            rng.randrange(700, 6_000) if slow else rng.randrange(1, 200)
        )
        made.response_end = made.response_start + (
            rng.randrange(500, 8_000) if self._coin(0.02) else rng.choice((0, 1, 5, 40))
        )
        shown = {action.param: action.value for action in made.actions if action.value is not None}
        failed = rng.random() < self.character.failures and endpoint is not _LOGIN
        if failed and self._coin(0.4):
            made.response_start = made.response_end = None
            return
        if endpoint.dialect == "zest":
            made.issued = self.sessions.answer(shown.get(TOKEN), made.request_end)
        elif endpoint.dialect == "52eseller":
            made.issued = self.shop.answer(shown, login=endpoint is _LOGIN)
        kind = self._kind(made, shown)
        self._write(made, kind)
        if failed:
            made.response_end = None
        self._send(made, kind)

    def _kind(self, made: Exchange, shown: dict[str, str]) -> str:
        """An ordinary reply mostly; the blind spot of the client where something new is issued."""
        if made.endpoint.dialect is None or made.endpoint is _LOGIN or "1" in shown.values():
            return "plain"
        news = any(i.value not in self.memory[i.param].values for i in made.issued)
        if news and self.character.blind and not self.character.hidden and self._coin(0.6):
            return self.character.blind
        return self.rng.choice(("redirect", "error", "cached")) if self._coin(0.04) else "plain"

    def _write(self, made: Exchange, kind: str) -> None:
        """The reply's status, header fields and body."""
        made.status = {"redirect": 302, "error": self.rng.choice((403, 500, 409))}.get(kind, 200)
        if kind == "redirect":
            made.response_headers.append(("Location", "/services/v3/moved"))
        if kind == "cached":
            made.response_headers.append(("Age", "120"))
        body = "<ResultSet xmlns='http://www.zeald.com'"
        for issue in made.issued:
            if issue.dialect == "zest":
                body += f" session='{issue.value}'"
            else:
                tail = ";head/forced" if issue.malformed else f";{issue.usage}/{issue.priority}"
                made.response_headers.append((f"X-Set-{issue.param}", issue.value + tail))
        made.body = f"{body}/>" if made.endpoint.dialect == "zest" else ""
        if self.character.browser and made.endpoint.dialect == "52eseller":
            seen = [f"X-Set-{name}" for name in PARAMS if name not in self.character.hidden]
            made.response_headers.append(("Access-Control-Expose-Headers", ", ".join(seen)))

    # ----- what the client learns

    def _send(self, made: Exchange, kind: str) -> None:
        """Put the reply on its way: it reaches the memory in the order in which replies arrive."""
        assert made.response_start is not None
        if self.character.lag is None:
            arrives = made.response_start
        elif made.response_end is None:
            return
        else:
            arrives = made.response_end
        heapq.heappush(self._arriving, (arrives, next(self._order), made.issued, kind))

    def _learn_arrived(self, now: int) -> None:
        """Act on the replies that have arrived and that the client had the time to deal with."""
        while self._arriving:
            arrives, order, issued, kind = self._arriving[0]
            lag = self.character.lag or (0, 0)
            # One after the other, as a program reads them; each draws its lag once.
            wait = random.Random(f"{self.character.name} {order}").randint(*lag)
            learned_at = max(self._learned_at, arrives + wait)
            if learned_at > now:
                return
            heapq.heappop(self._arriving)
            self._learned_at = learned_at
            for issue in issued:
                self._learn(issue, kind)

    def _learn(self, issue: Issue, kind: str) -> None:
        memory = self.memory[issue.param]
        unseen = kind == self.character.blind or issue.param in self.character.hidden
        news = not (memory.held and memory.values[-1] == issue.value)
        if unseen:
            if news:
                # What comes with an error, a redirect or from a cache need not be known.
                if issue.param in self.character.hidden:
                    memory.missed = "not-exposed"
                memory.usage = memory.usage or issue.usage
            return
        if issue.malformed and self.character.malformed == "clears":
            memory.held, memory.missed = False, "malformed"
        elif issue.malformed and self.character.malformed == "skips":
            return
        else:
            memory.missed, memory.held = None, True
            memory.usage, memory.priority = issue.usage, issue.priority
            if not memory.values or memory.values[-1] != issue.value:
                memory.values.append(issue.value)


def _with(action: Action, **changed: str | None) -> Action:
    return replace(action, **changed)
