"""Random histories from a `random.Random`: everything that can coincide does.

Hypothesis can steer the generator (`st.randoms`), and so can a plain seed, which is fast enough for
tens of thousands of histories.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

from statetrail.analyses.conformance.tracker import Exchange, Presented
from statetrail.analyses.conformance.tracker import Issue as Issued
from statetrail.dialects import DIALECTS
from support.histories import Ex, Issue, Present, fingerprint, token, use

TICK = 100
_PATHS = ("/shop/API/V3/Cart", "/services/v3/x", "/services/v3/baskets/1", "/img")
_STATUSES = (200, 200, 200, 302, 304, 401, 419, 500)


def history(chance: Random, most: int = 16) -> list[Ex]:
    """A few clients' exchanges on a coarse clock, in any order of the rows."""
    clients = chance.choice((("app",), ("app", "bot"), ("app", "app", "bot", "tab")))
    return [_exchange(chance, clients) for _ in range(chance.randint(0, most))]


def _exchange(chance: Random, clients: Sequence[str]) -> Ex:
    """One exchange; its times may be lost, and may run backwards (the clock was set)."""
    start = chance.randint(0, 40) * TICK
    begun = None if chance.random() < 0.08 else start + chance.randint(-1, 4) * TICK
    cut = begun is None or chance.random() < 0.12
    ended = None if cut or begun is None else begun + chance.randint(-1, 4) * TICK
    zest = chance.random() < 0.5
    presented = [_presented(chance, zest=zest) for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))]
    issued = [_issued(chance, presented, zest=zest) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    return Ex(
        start,
        begun,
        ended,
        # A response that was not seen to begin may still have left its header fields.
        issued if begun is not None or chance.random() < 0.2 else (),
        presented,
        client=chance.choice(clients),
        method=chance.choice(("GET",) * 8 + ("OPTIONS",)),
        path=chance.choice((_PATHS[0],) * 9 + _PATHS if zest else _PATHS[1:3] * 5 + _PATHS),
        status=chance.choice(_STATUSES),
        host=chance.choice(("shop.example",) * 9 + ("other.example",)),
    )


def _presented(chance: Random, *, zest: bool) -> Present:
    if zest:
        return use(chance.choice(("A", "A", "B", "B", "C", "1", "")))
    return Present(
        chance.choice(("LocId", "LocId", "Authentication", "LangId")),
        chance.choice("7789"),
        chance.choice(("header", "header", "uriquery")),
        kind=chance.choice(("value",) * 9 + ("empty",)),
    )


def _issued(chance: Random, presented: Sequence[Present], *, zest: bool) -> Issue:
    kept = [p.value for p in presented if p.kind == "value"]
    if zest:
        if chance.random() < 0.1:
            return Issue("_session_token", "A", problem="empty-value", dialect="zest")
        return token(chance.choice(kept * 2 + ["A", "B", "C"]))
    return Issue(
        chance.choice(("LocId",) * 5 + ("Authentication", "Authentication", "LangId", "Foo")),
        chance.choice([*kept, "7", "8", "9"]),
        chance.choice(("header", "header", "uriquery", "implicit")),
        chance.choice(("informational", "forced")),
        chance.choice((None,) * 5 + ("no-tail",)),
    )


def tracked(exchange_id: int, ex: Ex) -> Exchange:
    """The exchange as the tracker takes it."""
    issued = tuple(
        Issued(
            i.dialect,
            i.param,
            fingerprint(i.value),
            None if i.problem else i.usage,
            None if i.problem else i.priority,
            i.problem,
        )
        for i in ex.issued
    )
    presented = tuple(
        Presented(p.dialect, p.param, fingerprint(p.value), p.channel, p.kind) for p in ex.presented
    )
    times = [None if at is None else round(at * 1000) for at in (ex.start, ex.begun, ex.ended)]
    start = times[0]
    assert start is not None
    return Exchange(
        exchange_id,
        ex.client,
        f"http://{ex.host}",
        ex.path,
        ex.method,
        start,
        start,
        times[1],
        times[2],
        ex.status if ex.begun is not None else None,
        issued,
        presented,
    )


def feed(chance: Random, exchanges: Iterable[Exchange]) -> Iterator[tuple[bool, Exchange]]:
    """The order in which a proxy tells of exchanges: (whether it is the start, the exchange).

    They start in order of time, at equal times in any, and complete in any order after that.
    """
    order = list(exchanges)
    chance.shuffle(order)
    order.sort(key=lambda each: each.request_start_us)
    under_way: list[Exchange] = []
    for exchange in order:
        yield True, exchange
        under_way.append(exchange)
        for _ in range(min(chance.choice((0, 0, 1, 1, 2, len(order))), len(under_way))):
            yield False, under_way.pop(chance.randrange(len(under_way)))
    chance.shuffle(under_way)
    for exchange in under_way:
        yield False, exchange


def binding(history: Iterable[Ex]) -> Callable[[str, str, str, str], bool]:
    """V1 as somebody knows it who has seen the whole capture."""
    issuing = {
        (f"http://{ex.host}", ex.path, i.dialect)
        for ex in history
        if ex.method != "OPTIONS"
        for i in ex.issued
        if i.problem is None
    }

    def binds(origin: str, endpoint: str, dialect: str, param: str) -> bool:
        known = DIALECTS[dialect]
        inside = known.in_scope(endpoint) or (origin, endpoint, dialect) in issuing
        return inside and known.allows(param, endpoint)

    return binds
