"""Exchanges at random on a coarse clock: everything that can coincide does.

No server decides anything here, so that oracles meet what no server would do. Hypothesis can steer
the generator (`st.randoms`), and so can a plain seed, which is fast enough for tens of thousands of
histories.
"""

from collections.abc import Sequence
from random import Random

from support.histories import Ex, Issue, Present, token, use

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
