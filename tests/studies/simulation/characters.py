"""Characters: what a simulated client is like, drawn at random.

Enters: a seeded random generator. Leaves: a `Character` with a behaviour for each parameter, which
may change once in its life.
"""

import random
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

from studies.simulation.servers import PARAMS
from studies.simulation.wire import TOKEN

GRACE_MS = 250
BLIND_SPOTS = ("redirect", "error", "cached", "not-exposed")
VARIANTS: dict[str, Callable[[str], str]] = {
    "percent-encoded": lambda value: urllib.parse.quote(value, safe=""),
    "lower-cased": str.lower,
    "quoted": lambda value: f'"{value}"',
    "padded": lambda value: f" {value}",
    "truncated": lambda value: value[:-5],
}
# Behaviours towards one parameter; the first is the usual one. What a behaviour does where it makes
# no sense (overriding a forced value) is to obey.
_COMMON = ("obey", "never", "some-endpoints", "first-only", "keep", "omit")
_ESELLER = (*_COMMON, "override", "defy", "misplace", "both", "set-implicit", "everywhere")
_ZEST = (*_COMMON, "restart", "borrow")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a client treats one parameter, from the `since`-th of its requests on."""

    name: str
    since: int = 0
    variant: str | None = None
    own: str = ""
    avoids: frozenset[str] = frozenset()


@dataclass(slots=True)
class Character:
    """One client.

    Attributes
    ----------
    name, peer, agent
        Its number, and what the proxy tells clients apart by.
    dialects
        Which APIs it talks to.
    lag
        Least and most milliseconds until it acts on a reply; `None`: it acts on the head of a
        reply, as soon as that has begun.
    blind
        The kind of replies that its library keeps from it, if any.
    malformed
        What it does with a header that is malformed: ``takes`` it as it may, ``skips`` it, or
        ``clears`` what it had.
    pace
        Probabilities of a burst, of quick steps and of a pause longer than a session lives.
    """

    name: int
    peer: str
    agent: str
    dialects: tuple[str, ...]
    lag: tuple[int, int] | None
    blind: str | None = None
    malformed: str = "skips"
    browser: bool = False
    hidden: frozenset[str] = frozenset()
    slow_replies: float = 0.03
    failures: float = 0.02
    pace: tuple[float, float, float] = (0.2, 0.4, 0.03)
    from_before: bool = False
    shop_adopts: bool = False
    shop_malforms: bool = False
    churn: float = 0.03
    behaviours: dict[str, list[Behaviour]] = field(default_factory=dict)

    def behaviour(self, param: str, nth: int) -> Behaviour:
        """Its behaviour towards a parameter at its `nth` request."""
        return next(b for b in reversed(self.behaviours[param]) if b.since <= nth)


def draw(rng: random.Random, name: int, requests: int) -> Character:
    """A client at random: most have one weakness or a few, a third has none."""
    dialects = rng.choice((("52eseller",), ("zest",), ("52eseller", "52eseller", "zest")))
    one = Character(
        name=name,
        # Some share an address, some a program.
        peer=f"10.{name // 7 % 200}.{name % 50}.{1 + name % 3}",
        agent=f"shop-app/{name if name % 5 else name // 5 % 2}.{name // 10}",
        dialects=dialects,
        lag=rng.choice((None, (0, 20), (0, GRACE_MS), (GRACE_MS, GRACE_MS))),
        malformed=rng.choice(("takes", "skips")),
        browser=rng.random() < 0.25,
        slow_replies=rng.choice((0.02, 0.02, 0.2)),
        failures=rng.choice((0.0, 0.02, 0.1)),
        pace=rng.choice(((0.2, 0.4, 0.03), (0.7, 0.2, 0.02), (0.05, 0.3, 0.1))),
        from_before=rng.random() < 0.1,
        shop_adopts=rng.random() < 0.3,
        shop_malforms=rng.random() < 0.15,
        churn=rng.choice((0.01, 0.03, 0.08)),
    )
    names = [TOKEN, *PARAMS]
    one.behaviours = {param: [Behaviour("obey")] for param in names}
    match rng.choices(("innocent", "blind", "laggard", "clears", "faulty"), (35, 15, 4, 4, 42))[0]:
        case "innocent":
            for param in names:
                if rng.random() < 0.3:
                    kind = rng.choice(("override", "both", "obey"))
                    one.behaviours[param] = [_behaviour(rng, param, kind, 0)]
        case "blind":
            one.blind = rng.choice(BLIND_SPOTS)
            if one.blind == "not-exposed":
                one.browser = True
                one.hidden = frozenset(p for p in PARAMS if rng.random() < 0.4) or frozenset(PARAMS)
        case "laggard":
            one.lag = (3_000, 20_000)
        case "clears":
            one.malformed, one.shop_malforms, one.churn = "clears", True, 0.08
        case "faulty":
            for param in rng.sample(names, rng.choice((1, 2, 3, len(names)))):
                one.behaviours[param] = _life(rng, param, requests)
            # A client of one API alone should have a weakness there.
            if set(dialects) == {"zest"}:
                one.behaviours[TOKEN] = _life(rng, TOKEN, requests)
    return one


def _life(rng: random.Random, param: str, requests: int) -> list[Behaviour]:
    """One behaviour for good, or two one after the other."""
    if rng.random() < 0.7:
        return [_behaviour(rng, param, _kind(rng, param), 0)]
    first = rng.choice(("obey", "obey", "keep", "omit"))
    since = rng.randrange(1, max(2, requests))
    own = ("restart", "borrow") if param == TOKEN else ("misplace", "defy", "override")
    later = rng.choice(("obey", "keep", "omit", *own))
    return [_behaviour(rng, param, first, 0), _behaviour(rng, param, later, since)]


def _kind(rng: random.Random, param: str) -> str:
    if param in (TOKEN, "VisitorId", "Ticket", "Authentication") and rng.random() < 0.3:
        return "variant"
    return rng.choice((_ZEST if param == TOKEN else _ESELLER)[1:])


def _behaviour(rng: random.Random, param: str, kind: str, since: int) -> Behaviour:
    from studies.simulation.clients import ENDPOINTS

    paths = sorted(
        {e.path for e in ENDPOINTS if e.dialect == ("zest" if param == TOKEN else "52eseller")}
    )
    variant = rng.choice(list(VARIANTS)) if kind == "variant" else None
    return Behaviour(
        kind,
        since,
        variant,
        # Never a value that a server would issue: those are below 100000.
        own=str(rng.randrange(10**8, 10**9)),
        avoids=frozenset(rng.sample(paths, 2)),
    )
