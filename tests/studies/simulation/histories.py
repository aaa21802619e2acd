"""Exchanges at random on a coarse clock: everything that can coincide does.

No server decides anything here, so that oracles meet what no server would do. Hypothesis can steer
the generator (`st.randoms`), and so can a plain seed, which is fast enough for tens of thousands of
histories.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from support.histories import Ex, Issue, Present, token, use

type Known = list[tuple[str, str]]
"""Values of parameters that were issued before."""

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


def sessions(chance: Random, most: int = 16) -> list[Ex]:
    """Exchanges of senders that hold a session or several, at a server that mostly answers soundly.

    Clients mostly present what they were given; servers keep, replace and refuse keys. Requests
    overlap, come at equal times and lose their keys.
    """
    zest = chance.random() < 0.5
    clients = chance.choice((("app",), ("app",), ("app", "bot")))
    held: list[tuple[str, list[tuple[str, str]]]] = []
    """Sessions: the client and what it was given, the newest last."""
    exchanges: list[Ex] = []
    clock, fresh = 0, 0
    for _ in range(chance.randint(1, most)):
        clock += chance.choice((0, 1, 2, 3, 5, 8)) * TICK
        client = chance.choice(clients)
        mine = [each for each in held if each[0] == client]
        # A session may be presented by another sender.
        mine = held if chance.random() < 0.03 else mine
        session = chance.choice(mine) if mine and chance.random() < 0.8 else None
        issued: list[Issue] = []
        presented: list[Present] = []
        status = chance.choice((200,) * 14 + (302, 401, 500))
        if session is None:
            given: list[tuple[str, str]] = []
            if chance.random() < 0.8:
                fresh += 1
                given = _granted(chance, zest, fresh)
                held.append((client, given))
            if zest and chance.random() < 0.7:
                presented = [use("1")]
        else:
            given = []
            presented = _shown(chance, session[1], zest=zest)
            if mine and chance.random() < 0.05:
                presented += _shown(chance, chance.choice(mine)[1], zest=zest)
            kind = chance.random()
            if kind < 0.25:
                fresh += 1
                given = _granted(chance, zest, fresh)[: chance.choice((1, 2, 3))]
            elif kind < 0.85 and zest:
                given = [("_session_token", p.value) for p in presented if p.kind == "value"]
            session[1].extend(given)
        issued = [_issue(chance, *each, zest=zest) for each in given]
        begun = clock + chance.randint(0, 3) * TICK
        exchanges.append(
            Ex(
                clock,
                begun,
                None if chance.random() < 0.05 else begun + chance.randint(0, 2) * TICK,
                issued if status != 401 else (),
                presented,
                client=client,
                method=chance.choice(("GET",) * 6 + ("POST", "POST", "HEAD", "OPTIONS")),
                path=chance.choice(_ZEST_PATHS if zest else _ESELLER_PATHS),
                status=status,
                extra=chance.choice(_EXTRAS) if chance.random() < 0.15 else {},
            )
        )
    chance.shuffle(exchanges)
    return exchanges


_ZEST_PATHS = ("/API/V3/Cart",) * 4 + ("/API/V3/Menu",) * 4 + ("/API/V3/Logout", "/API/V3/ping")
_ESELLER_PATHS = (
    *("/services/v3/x",) * 5,
    *("/services/v3/baskets/1",) * 3,
    "/services/v3/login",
    "/services/v3/logout",
    "/services/v3/health",
)


_EXTRAS = (
    {"age_s": 5},
    {"fetch_dest": "image"},
    {"fetch_dest": "empty"},
    {"fetch_dest": "empty", "fetch_mode": "no-cors"},
    {"redirect_endpoint": "/API/V3/Menu"},
    {"redirect_endpoint": "/services/v3/x"},
    {"request_origin": "https://app.example"},
    {"request_origin": "https://app.example", "exposed_headers": "x-set-langid,x-set-ticket"},
    {"request_origin": "https://app.example", "exposed_headers": "*"},
    {"request_origin": "https://app.example", "exposed_headers": "*", "has_cookies": 1},
    {"request_origin": "http://shop.example"},
)


def _granted(chance: Random, zest: bool, fresh: int) -> list[tuple[str, str]]:
    """What a server gives a session: keys, and the context that goes with them."""
    if zest:
        return [("_session_token", f"T{fresh}")]
    keys = chance.choice((("Ticket",), ("Ticket", "Authentication"), ("VisitorId",), ()))
    values = [(key, f"{key[0]}{fresh}") for key in keys]
    context = [(param, chance.choice("789")) for param in ("LangId", "LocId")]
    return [*values, *context[: chance.choice((0, 1, 2))]]


def _shown(chance: Random, given: Known, *, zest: bool) -> list[Present]:
    """What a client presents of what it was given: mostly the newest of each parameter."""
    known = given if chance.random() < 0.7 else given[: chance.randint(1, len(given) or 1)]
    newest = known if chance.random() < 0.1 else [*dict(known).items()]
    if zest:
        kept = [use(value) for _, value in newest if chance.random() < 0.9]
        return kept if chance.random() < 0.9 else [*kept, use(chance.choice(("1", "")))]
    shown = []
    for param, value in newest:
        channel = chance.choice(("header",) * 9 + ("uriquery",))
        other = chance.random() < 0.1
        if chance.random() < 0.85:
            shown.append(Present(param, chance.choice("789") if other else value, channel))
    return shown


def _issue(chance: Random, param: str, value: str, *, zest: bool) -> Issue:
    if zest:
        return token(value)
    return Issue(
        param,
        value,
        chance.choice(("header",) * 8 + ("uriquery", "implicit")),
        chance.choice(("informational", "forced")),
        chance.choice((None,) * 15 + ("no-tail",)),
    )


_STEP: Final = 3 * TICK


def every(events: int) -> Iterator[list[Ex]]:
    """Every history of so many events of one sender that may hold two sessions, one after another.

    An event asks for a session (two at most are begun), reads or writes the cart without a token,
    or presents the newest or an older token of a session, which is answered with itself, with
    another one, with none, or refused.
    """
    yield from _extended([], [], events)


def _extended(before: list[Ex], held: list[list[str]], left: int) -> Iterator[list[Ex]]:
    """The histories that begin so; `held` are the tokens of each session."""
    if not left:
        yield before
        return
    start = len(before) * _STEP
    fresh = f"T{len(before)}"

    def event(presented: str | None, issued: str | None, **more: Any) -> Ex:
        return Ex(
            start,
            start + TICK,
            start + TICK,
            [token(issued)] if issued else (),
            [use(presented)] if presented else (),
            path="/API/V3/Cart",
            **more,
        )

    if len(held) < 2:
        yield from _extended([*before, event("1", fresh)], [*held, [fresh]], left - 1)
    for method in ("GET", "POST"):
        yield from _extended([*before, event(None, None, method=method)], held, left - 1)
    for number, tokens in enumerate(held):
        for shown in dict.fromkeys((tokens[-1], tokens[0])):
            longer = [*held[:number], [*tokens, fresh], *held[number + 1 :]]
            answers = (
                (shown, 200, held),
                (fresh, 200, longer),
                (None, 200, held),
                (None, 401, held),
            )
            for issued, status, now in answers:
                yield from _extended([*before, event(shown, issued, status=status)], now, left - 1)
